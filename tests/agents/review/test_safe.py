from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.review.safe import MARKS, lines_of, safe

ZALGO = "Z" + "\u0302" * 30 + "x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gewoon, grüße, 你好, مرحبا", "gewoon, grüße, 你好, مرحبا"),
        ("\x1b[2J\x1b]0;title\x07\x9b31m", "\\x1b[2J\\x1b]0;title\\x07\\x9b31m"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("\u202edesrever\u2066x\u2069", "\\u202edesrever\\u2066x\\u2069"),
        ("in\u200bvis\u2060ible\ufeff\u00ad", "in\\u200bvis\\u2060ible\\ufeff\\xad"),
        ("\U000e0041\ue000\ud800", "\\U000e0041\\ue000\\ud800"),
        (ZALGO, "Ẑ̂̂̂̂‹25 more marks›x"),
        ("\u0301alone", "\u25cc\u0301alone"),
        ("می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"),
        ("a\u200d\u200d\u200db\u200d", "a\\u200d\\u200d\\u200db\\u200d"),
        ("👩\u200d🚀 ❤\ufe0f\u200d🔥 👍🏽", "👩🚀 ❤🔥 👍‹skin tone 3›"),
        ("\u1160", "\\u1160"),
        (unicodedata.normalize("NFD", "한국 việt"), "한국 việt"),
        ("[red]no markup[/] :smile:", "[red]no markup[/] :smile:"),
    ],
)
def test_what_could_touch_the_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(st.characters()) | st.text(st.sampled_from("ab\u0301\u0302\u200d\u200c\ufe0f👩🏽\x1b\u202e\u1160 ")))
def test_nothing_is_left_that_moves_turns_hides_or_grows(text: str) -> None:
    marks = 0
    for character in safe(text):
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert category != "Cf" or character in "\u200c\u200d"
        marks = marks + 1 if category.startswith("M") else 0
        assert marks <= MARKS


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n \n", []),
        ("a\r\nb\u2028c", ["a", "b", "c"]),
        ("a\n\n\nb\n", ["a", "", "", "b"]),
        ("a" + "\n" * 40 + "b", ["a", "", "", "‹37 more empty lines›", "b"]),
    ],
)
def test_lines_are_kept_and_floods_of_empty_ones_counted(text: str, lines: list[str]) -> None:
    assert [line.note or text[line.start : line.end] for line in lines_of(text)] == lines
