from __future__ import annotations

import datetime as dt
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from agents.cli.show import counted, highlighted, line, minute, moment, safe_json, say, size, table, told, verbatim, visible
from schemas.records import Highlight


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gewoon tekst, grüße, 你好, مرحبا", "gewoon tekst, grüße, 你好, مرحبا"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\r\n\ttab", "two\\nlines\\r\\n\\ttab"),
        ("\u202edesrever\u202c", "\\u202edesrever\\u202c"),
        ("\x00\x07\x7f\x9b2J", "\\x00\\x07\\x7f\\x9b2J"),
        ("a\u2028b\ufeff", "a\\u2028b\\ufeff"),
        ("\ud800", "\\ud800"),
        ("👩\u200d🚀 می\u200cخواهم", "👩\u200d🚀 می\u200cخواهم"),
        ("[red]no markup[/red] :smile:", "[red]no markup[/red] :smile:"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_nothing_unsafe_is_left(text: str) -> None:
    left = {unicodedata.category(each) for each in visible(text) if each not in "\u200c\u200d"}
    assert left.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")) | st.integers() | st.booleans()))
def test_safe_json_means_the_same(content: dict[str, object]) -> None:
    document = safe_json(json.dumps(content, ensure_ascii=False).encode())
    assert visible(document) == document
    assert json.loads(document) == content


@pytest.mark.parametrize(("bytes_", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (3_000_000, "3.0 MB")])
def test_sizes_are_readable(bytes_: int, shown: str) -> None:
    assert size(bytes_) == shown


def test_one_is_singular() -> None:
    assert (counted(0, "post"), counted(1, "post"), counted(2, "post")) == ("0 posts", "1 post", "2 posts")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(*, terminal: bool, forced: bool | None = None) -> tuple[Console, io.StringIO]:
    """`forced`: as FORCE_COLOR does."""
    file = Screen() if terminal else io.StringIO()
    return Console(file=file, force_terminal=forced, width=20, color_system=None), file


def test_a_line_is_cut_on_a_terminal_and_whole_elsewhere() -> None:
    for terminal, expected in ((True, "0123456789012345678…\n"), (False, "0123456789" * 4 + "\n")):
        for forced in (None, True):
            to, file = console(terminal=terminal, forced=forced)
            line("0123456789" * 4, to)
            assert file.getvalue() == expected


def test_what_other_programs_read_is_whole_on_a_terminal_too() -> None:
    to, file = console(terminal=True)
    verbatim("a\t" + "0123456789" * 4, to)
    assert file.getvalue() == "a\t" + "0123456789" * 4 + "\n"


def test_a_sentence_is_wrapped_on_a_terminal_only() -> None:
    for forced in (None, True):
        to, file = console(terminal=False, forced=forced)
        say("a sentence of many words", to)
        assert file.getvalue() == "a sentence of many words\n"
    to, file = console(terminal=True)
    say("a sentence of many words", to)
    assert file.getvalue() == "a sentence of many \nwords\n"


def test_a_table_is_drawn_on_a_terminal_and_has_tabs_elsewhere() -> None:
    rows = [("a", Text("long cell that does not fit", "red"))]
    drawn, file = console(terminal=True)
    table(("x", "y"), rows, drawn)
    assert len(file.getvalue().splitlines()) == 3  # the head, and a row of two lines
    for forced in (None, True):
        plain, file = console(terminal=False, forced=forced)
        table(("x", "y"), rows, plain)
        assert file.getvalue() == "x\ty\na\tlong cell that does not fit\n"


@pytest.mark.parametrize(
    ("given", "second", "shorter"),
    [
        ("2026-11-01T12:00:05+02:00", "2026-11-01 10:00:05Z", "2026-11-01 10:00Z"),
        ("0001-01-01T02:00:00.5+02:00", "0001-01-01 00:00:00Z", "0001-01-01 00:00Z"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01 00:00:00+02:00", "0001-01-01 00:00+02:00"),
        ("9999-12-31T23:59:00-01:00", "9999-12-31 23:59:00-01:00", "9999-12-31 23:59-01:00"),
    ],
)
def test_a_time_is_shown_in_utc_where_it_has_one(given: str, second: str, shorter: str) -> None:
    time = dt.datetime.fromisoformat(given)
    assert (moment(time), minute(time)) == (second, shorter)


def test_words_are_marked_where_their_places_say_and_the_text_stays_whole() -> None:
    text, places = "ab\x1b 🎉\u202e, idiot!", [(8, 13), (4, 6), (8, 13), (9, 11)]
    words = [Highlight(start=start, end=end, label="toxic", drop=0.1) for start, end in places]
    shown = highlighted(text, words, "", "red")
    assert shown.plain == "ab\\x1b 🎉\\u202e, idiot!"
    assert [shown.plain[span.start : span.end] for span in shown.spans if "red" in str(span.style)] == ["🎉\\u202e", "idiot"]
    assert told(text, words) == "idiot, 🎉\\u202e, di"
