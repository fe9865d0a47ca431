"""How things are shown: tables, and text that strangers wrote."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.cli.common import on_terminal, out
from schemas.records import Highlight

HARMLESS = frozenset("\u200c\u200d")
"""Zero width (non-)joiner: Persian and emoji need them, and a terminal does nothing on them."""

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move a cursor, turn the direction of text, or show as nothing."""

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in UNSAFE and character not in HARMLESS


def visible(text: str) -> str:
    """`text` on one line, with every control character and direction mark as an escape such as `\\x1b`: safe to send to a terminal."""
    if text.isprintable():
        return text
    return "".join(ESCAPES.get(each) or each.encode("unicode_escape").decode() if _is_unsafe(each) else each for each in text)


def highlighted(text: str, highlights: Iterable[Highlight], style: str, mark: str = "bold red underline") -> Text:
    """`text`, safe to show, with the words that speak against it marked."""
    shown, place = Text(), 0
    for start, end in sorted({(each.start, each.end) for each in highlights}):
        if start >= place:
            shown.append(visible(text[place:start]), style)
            shown.append(visible(text[start:end]), f"{style} {mark}")
            place = end
    return shown.append(visible(text[place:]), style)


def told(text: str, highlights: Iterable[Highlight]) -> str:
    """The words themselves, each once, where no marks can be shown."""
    return ", ".join(dict.fromkeys(visible(text[each.start : each.end]) for each in highlights))


def safe_json(document: bytes) -> str:
    """A JSON document on one line that means the same, with unsafe characters as JSON escapes. They can only stand within strings."""
    text = document.decode()
    if text.isprintable():
        return text
    return "".join("".join(f"\\u{unit:04x}" for unit in _utf16(each)) if _is_unsafe(each) else each for each in text)


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


def moment(time: dt.datetime) -> str:
    """Date and time of day in UTC, and `Z`, which says so; with their own offset at the ends of the calendar, where they have no UTC."""
    return _in_utc(time, "seconds")


def minute(time: dt.datetime) -> str:
    """The same without seconds, for narrow tables."""
    return _in_utc(time, "minutes")


def _in_utc(time: dt.datetime, precision: str) -> str:
    try:
        return time.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", precision) + "Z"
    except OverflowError:
        return time.isoformat(" ", precision)


def size(count: int) -> str:
    """Bytes, readable: 512 B, 1.5 kB, 3.0 MB."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def counted(number: int, noun: str) -> str:
    """`1 post`, `2 posts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], console: Console = out) -> None:
    """A table on a terminal; elsewhere a line per row with tabs between cells, for other programs."""
    if not on_terminal(console):
        for row in (columns, *rows):
            line("\t".join(each.plain if isinstance(each, Text) else each for each in row), console)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(each if isinstance(each, Text) else Text(each) for each in row))
    console.print(drawn)


def line(content: str | Text, console: Console = out) -> None:
    """One line; on a terminal cut at its width, elsewhere whole."""
    text = content if isinstance(content, Text) else Text(content)
    if on_terminal(console):
        console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        verbatim(text.plain, console)


def verbatim(content: str, console: Console = out) -> None:
    """What other programs read: whole on a terminal too, from which people copy it. Not through rich, which turns tabs into spaces."""
    console.file.write(content + "\n")
    console.file.flush()


def say(content: str | Text, console: Console = out) -> None:
    """A sentence: wrapped on a terminal, on one line elsewhere; nothing in it is markup."""
    console.print(content if isinstance(content, Text) else Text(content), soft_wrap=not on_terminal(console))
