"""What the identifiers get to see."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language import clean as module
from pipeline.language.clean import MAX_CHARACTERS, WINDOW, clean, has_words
from tests.pipeline.language.cases import read

ANY_TEXT = st.text(st.characters(exclude_categories=()))

# Built for patterns that would try again from every position.
HOSTILE = {
    "one letter": "a" * 1_000_000,
    "no spaces": "abcdefgh" * 8_192,
    "emoji": "😀" * 10_000,
    "laughter that is none in the end": "ha" * 32_768 + "z",
    "what could be addresses": "@ " + "a" * 65_534,
    "what could be domains": "." + "a" * 65_535,
    "at signs": "@" * 65_536,
    "words with at signs": "a@" * 32_768,
    "addresses without an end": "a@a." * 16_384,
    "addresses that begin anew": ("a" * 64 + "@" + "a" * 63) * 512,
    "Korean in pieces": "\u1112\u1161\u11ab" * 21_845,
    "Korean laughter": "ㅋ" * 65_536,
    "dots": "a." * 32_768,
    "schemes": "http://" * 9_000,
    "one link": "https://" + "a" * 65_000,
    "ampersands": "&" * 65_536,
    "entities without an end": "&aaaaaaaa" * 7_000,
    "combining marks": "a" + "\u0301\u0323" * 32_768,
    "joiners": "\u200d" * 65_536,
    "spaces": " " * 65_536,
    "surrogates": "\ud800" * 65_536,
    "letters that unfold to eighteen": "\ufdfa" * 20_000,
}


@pytest.mark.parametrize("case", read("clean"), ids=lambda case: case["about"])
def test_cleaning(case: dict[str, Any]) -> None:
    assert clean(case["text"]) == case["cleaned"]


def cpu_seconds(text: str) -> float:
    """The least of five tries: what is left of the noise of a busy machine is small."""
    tries = []
    for _ in range(5):
        begin = time.process_time_ns()
        clean(text)
        tries.append(time.process_time_ns() - begin)
    return min(tries) / 1e9


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_cut(text: str) -> None:
    assert len(clean(text)) <= MAX_CHARACTERS


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_work_grows_with_a_hostile_text_and_not_with_its_square(text: str) -> None:
    # Eight times the text: eight times the work, where a square would be 64. Half a millisecond is for what does not depend on the length.
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    eighth = head[: len(head) // 8] + tail[-(len(tail) // 8) :]
    assert cpu_seconds(text) < 24 * cpu_seconds(eighth) + 0.0005


def test_words_behind_a_wall_of_emoji_are_seen() -> None:
    assert clean("😀" * 10 * WINDOW + " en dan toch tekst") == "en dan toch tekst"


def test_a_long_text_is_cut() -> None:
    assert clean("een gewoon woord " * 100) == ("een gewoon woord " * 100)[:MAX_CHARACTERS].rstrip()


def test_the_alphabet_cannot_be_made_to_grow_without_bound() -> None:
    clean("".join(map(chr, range(0x10000, 0x20000))))
    assert max(module._alphabet) < 0x10000


@given(ANY_TEXT)
def test_what_remains_can_be_encoded_and_holds_nothing_that_was_to_go(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert len(cleaned) <= MAX_CHARACTERS
    assert {unicodedata.category(character) for character in cleaned} <= {
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Cf", "Zs", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cleaned", "expected"), [("", False), ("!?", False), ("x", False), ("x y", True), ("ok", True), ("好", True), ("네", True)]
)
def test_has_words(cleaned: str, expected: bool) -> None:
    assert has_words(cleaned) is expected
