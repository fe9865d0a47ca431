"""Which language a text is in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.language.identify import CLEAR, Identifier
from pipeline.language.languages import CLASSES, INSEPARABLE, LANGUAGES, OTHER, UNDETERMINED
from schemas.records import Language
from schemas.wire import decoder, encode
from tests.pipeline.language.cases import read
from tests.pipeline.language.test_clean import HOSTILE

CASES = read("languages")
WORDS = sorted({word for case in CASES for word in case["text"].split() if "\u200b" not in word})
# Anything at all, and what looks like posts: words of several languages side by side.
TEXTS = st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
HINTS = st.none() | st.sampled_from([*LANGUAGES, "nb", "zh-Hant", "gl", "und", "?"])

MALAY = "Saya nak pergi ke kedai sebab adik saya lapar"
INDONESIAN = "Kami membeli roti segar di pasar kemarin karena anak-anak lapar"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['tag']}-{case.get('about', case['text'][:20])!a}")
def test_language(identifier: Identifier, case: dict[str, Any]) -> None:
    assert identifier.identify(case["text"]).tag == case["tag"]


def test_every_language_of_the_set_has_a_case() -> None:
    assert {case["tag"] for case in CASES} == {*CLASSES, UNDETERMINED} - set(INSEPARABLE)


def test_nothing_linguistic_is_certain_whatever_the_hint_says(identifier: Identifier) -> None:
    assert identifier.identify("😀 https://example.org 123", "nl") == Language(tag=UNDETERMINED, confidence=1.0)


@pytest.mark.parametrize(("text", "likelier", "less"), [(MALAY, "ms", "id"), (INDONESIAN, "id", "ms")])
def test_malay_and_indonesian_are_named_together(identifier: Identifier, text: str, likelier: str, less: str) -> None:
    found = identifier.identify(text)
    assert (found.tag, found.alternatives) == (likelier, (less,))
    assert found.confidence > CLEAR


def test_a_hint_decides_between_malay_and_indonesian_but_not_that_it_is_one_of_them(identifier: Identifier) -> None:
    unhinted, malay, indonesian = (identifier.identify("Saya suka makan nasi", hint) for hint in (None, "ms", "id"))
    assert (malay.tag, malay.alternatives) == ("ms", ("id",))
    assert (indonesian.tag, indonesian.alternatives) == ("id", ("ms",))
    assert unhinted.confidence == malay.confidence == indonesian.confidence


@pytest.mark.parametrize(("hint", "tag"), [(None, "af"), ("nl", "nl"), ("nl-BE", "nl"), ("af", "af"), ("ja", "af")])
def test_a_hint_tips_an_ambiguous_short_text(identifier: Identifier, hint: str | None, tag: str) -> None:
    assert identifier.identify("wie is dat", hint).tag == tag


def test_a_hint_outside_the_set_speaks_for_other(identifier: Identifier) -> None:
    unhinted, hinted = identifier.identify("o can pequeno", None), identifier.identify("o can pequeno", "gl")
    assert unhinted.tag != OTHER
    assert hinted.tag == OTHER


@pytest.mark.parametrize("hint", ["af", "de", "gl", "ja", "nonsense", "und"])
def test_a_hint_cannot_overturn_a_clear_text(identifier: Identifier, hint: str) -> None:
    text = "Gisteren zijn we met de kinderen naar de markt geweest"
    assert identifier.identify(text, hint) == identifier.identify(text)


@pytest.mark.parametrize("text", ["I love you but te extraño mucho mi amor", "Das ist so cringe, I can't even"])
def test_code_switching_is_one_of_its_languages(identifier: Identifier, text: str) -> None:
    assert identifier.identify(text).tag in {"en", "es", "de"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_gets_an_answer(identifier: Identifier, text: str) -> None:
    assert identifier.identify(text).tag in {*CLASSES, UNDETERMINED}


@settings(deadline=None)
@given(text=TEXTS, hint=HINTS)
def test_any_text_gets_the_same_valid_language_each_time(identifier: Identifier, text: str, hint: str | None) -> None:
    found = identifier.identify(text, hint)
    assert found.tag in {*CLASSES, UNDETERMINED}
    assert found.alternatives == () or {found.tag, *found.alternatives} == set(INSEPARABLE)
    assert decoder(Language)(encode(found)) == found
    assert identifier.identify(text, hint) == found


@settings(deadline=None)
@given(text=TEXTS, hint=HINTS)
def test_no_hint_changes_a_clear_answer(identifier: Identifier, text: str, hint: str | None) -> None:
    unhinted, hinted = identifier.identify(text), identifier.identify(text, hint)
    if unhinted.confidence >= CLEAR and not unhinted.alternatives:
        assert {hinted.tag, *hinted.alternatives} >= {unhinted.tag}


def test_threads_agree(identifier: Identifier) -> None:
    texts = [case["text"] for case in CASES] * 5
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(identifier.identify, texts)) == [identifier.identify(text) for text in texts]


def test_the_posterior_adds_up_to_one(identifier: Identifier) -> None:
    posterior = identifier.posterior("een gewone zin")
    assert posterior.shape == (len(CLASSES),)
    assert posterior.sum() == pytest.approx(1)
    assert CLASSES[int(posterior.argmax())] == "nl"


def test_only_korean_letters_are_korean_for_certain(identifier: Identifier) -> None:
    certain = [text for text in ("ㅇㅇ, ㄴㄴ!", "ㅅㅂ", "ㅇㅇ ok", "!?") if identifier.posterior(text)[CLASSES.index("ko")] == 1]
    assert certain == ["ㅇㅇ, ㄴㄴ!", "ㅅㅂ"]
