from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.scoring.bundle import Normalisation, TextForm
from pipeline.scoring.normalise import undisguise
from pipeline.scoring.text import prepare
from schemas.records import MAX_TEXT_BYTES
from tests.pipeline.language import cases as languages

ROBUST = TextForm(normalisation=Normalisation.ROBUST, max_characters=4000)


def read(name: str) -> list[dict[str, str]]:
    path = Path(__file__).with_name("cases") / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", read("disguised"), ids=lambda case: case["what"])
def test_a_disguise_is_undone(case: dict[str, str]) -> None:
    assert prepare(case["text"], ROBUST) == (case["plain"], False)


@pytest.mark.parametrize("case", read("ordinary"), ids=lambda case: case["what"])
def test_ordinary_text_is_left_alone(case: dict[str, str]) -> None:
    assert prepare(case["text"], ROBUST) == (case["text"], False)


PLAIN_SENTENCES = [case for case in languages.read("languages") if "about" not in case]


@pytest.mark.parametrize("case", PLAIN_SENTENCES, ids=lambda case: case["tag"])
def test_a_sentence_of_any_language_is_left_alone(case: dict[str, str]) -> None:
    assert undisguise(case["text"]) == case["text"]


def test_links_names_and_space_are_as_without_it() -> None:
    assert prepare("see\t https://a.b.c.d/eeee  @anna", ROBUST) == ("see http @user", False)


# Letters of many scripts, what joins and hides them, and what looks like them: so that rules meet.
PIECES = st.sampled_from(
    [
        *"abciodtAI013@$!.-*_ ,\n\u0301\u0336\u200b\u200c\u200d\u00ad\u202e\u202c\ufe0f\u3164\u064e\u094d",
        *"ієорοπᴀöéｉ𝐝ⓞ🅸🔥👨كـيक图が한",
        *["о\u0308", "дом", "іd", "aaa", "iiii", "http://x ", "@ann"],
        *["İ", "ABC ", "ẞ", "Σ", "ΤΟΥ", "хер ", "#a", "f@", "#AbCd", "#a_bc", "I", "🇦", "⒜"],
        *["\u1112", "\u1161", "\u11ab", "か", "\u3099", "ｶ", "ﾞ", "🏴", "\U000e0067", "\U000e007f"],
    ]
)
MIXED = st.lists(PIECES, max_size=40).map("".join)


@settings(max_examples=500, deadline=None)
@given(MIXED | st.text(st.characters(codec="utf-8")))
def test_once_is_enough(text: str) -> None:
    once, _ = prepare(text, ROBUST)
    assert prepare(once, ROBUST) == (once, False)


@example("іẞ")
@given(MIXED | st.text(st.characters(codec="utf-8")))
def test_nothing_is_added(text: str) -> None:
    assert len(undisguise(text)) <= len(text)


HOSTILE = {
    "one letter": "a",
    "spaced letters": "a ",
    "dotted letters": "a.",
    "dots that change": "a.b,c;",
    "triples": "aaab",
    "zero-width joiners": "\u200d",
    "zero-width spaces between": "a\u200b",
    "combining marks": "\u0301",
    "overrides": "\u202e",
    "overrides with text": "\u202eab",
    "mixed scripts without a space": "aа",
    "look-alikes": "а",
    "Greek in Latin": "aλ ",
    "kashida": "ب\u0640\u0640\u0640",
    "emoji": "😀",
    "emoji with joiners": "😀\u200d",
    "letters on black": "🅰",
    "blank letters": "\u3164a",
    "mathematical letters": "𝐚 ",
    "variation selectors": "a\ufe0f",
    "Han": "图",
    "capitals": "İAB ",
    "names": "@",
    "hosts": "a@",
    "hashtags in capitals": "AB#",
    "links": "http://",
    "tags": "\U000e0067",
    "flags": "🏴\U000e0067",
    "conjoining letters": "\u1112\u1161",
    "voice marks": "か\u3099",
    "half-width kana": "ｶﾞ",
    "digits between letters": "a1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_bounded_time(name: str) -> None:
    text = (HOSTILE[name] * MAX_TEXT_BYTES)[:MAX_TEXT_BYTES]
    started = time.process_time()
    prepare(text, ROBUST)
    # Measured at 60 ms at most for 65,536 characters; what is quadratic takes many seconds.
    assert time.process_time() - started < 1
