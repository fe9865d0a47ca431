"""Text of strangers for a terminal: nothing in it moves the cursor, turns the direction, hides itself or runs out of its line."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from rich.cells import cell_len

from agents.cli.show import visible

MARKS = 4
"""Combining marks shown on one letter. Vietnamese, Hebrew, Thai and Hindi need no more; a flood of them grows over the lines around it."""

BLANK_LINES = 2
"""Empty lines shown in a row."""

SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""Of the person before it. Terminals disagree on how wide both are together, and to a reviewer it may matter."""

ZWNJ, ZWJ, NO_LETTER = "\u200c", "\u200d", "\u25cc"
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BREAK = re.compile("\r\n|\n|\r|\u2028|\u2029|\x85|\x0b|\x0c")
_PLAIN = re.compile(r"[ -~]*")


class Line(NamedTuple):
    """A line of a text: from `start` up to, not including, `end`; or, with a `note`, what is said instead of lines that were left out."""

    start: int
    end: int
    note: str = ""


def lines_of(text: str) -> list[Line]:
    """The lines of a text, without the breaks between them; many empty ones in a row are counted, and those at the end left out."""
    lines: list[Line] = []
    start = blank = 0
    ends = [*((found.start(), found.end()) for found in _BREAK.finditer(text)), (len(text), len(text))]
    for end, next_start in ends:
        if text[start:end].strip():
            if blank > BLANK_LINES:
                lines.append(Line(start, start, f"‹{blank - BLANK_LINES} more empty lines›"))
            blank = 0
            lines.append(Line(start, end))
        else:
            blank += 1
            if blank <= BLANK_LINES:
                lines.append(Line(start, start))
        start = next_start
    while lines and lines[-1].start == lines[-1].end:
        lines.pop()
    return lines


def safe(line: str) -> str:
    """`line` on one line. Control characters and direction marks are escapes such as `\\x1b`; what was left out is counted in `‹ ›`.

    Composed (NFC), so that what letters are made of does not matter.
    """
    if _PLAIN.fullmatch(line):
        return line
    shown: list[str] = []
    marks = 0
    for place, character in enumerate(composed := unicodedata.normalize("NFC", line)):
        if _is_mark(character):
            marks += 1
            shown += _mark(character, marks, alone=not shown)
            continue
        shown += _left_out(marks)
        marks = 0
        shown.append(_one(character, composed, place))
    return "".join([*shown, *_left_out(marks)])


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _mark(character: str, number: int, *, alone: bool) -> list[str]:
    """The `number`th mark on a letter. Variation selectors only choose between pictures, and terminals disagree on how wide that is."""
    if number > MARKS or _VARIATION.fullmatch(character):
        return []
    return [NO_LETTER, character] if alone else [character]


def _left_out(marks: int) -> list[str]:
    return [f"‹{marks - MARKS} more marks›"] if marks > MARKS else []


def _one(character: str, line: str, place: int) -> str:
    if character in {ZWNJ, ZWJ}:
        return _joiner(character, line[place - 1 : place], line[place + 1 : place + 2])
    if character in SKIN_TONES:
        return f"‹skin tone {SKIN_TONES.index(character) + 1}›"
    shown = visible(character)
    if shown == character and cell_len(character) == 0:  # a letter without width, such as a Hangul filler
        return character.encode("unicode_escape").decode()
    return shown


def _joiner(character: str, before: str, after: str) -> str:
    """Between letters, Persian and Indian languages need it. Between pictures it is left out: they are shown side by side."""
    if character == ZWJ and _is_picture(before) and _is_picture(after):
        return ""
    joins = (before.isalpha() or (before and _is_mark(before))) and after.isalpha()
    return character if joins else character.encode("unicode_escape").decode()


def _is_picture(character: str) -> bool:
    return bool(character) and (unicodedata.category(character) in {"So", "Sk"} or bool(_VARIATION.fullmatch(character)))
