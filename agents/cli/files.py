"""Input that is a file or standard input."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from agents.cli.common import UnreadableFileError, err
from agents.cli.show import say

STANDARD_INPUT = Path("-")

InputFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines; `-` or nothing is standard input.", show_default=False)]


@contextmanager
def opened(path: Path, what: str) -> Iterator[BinaryIO]:
    """The file's bytes, or those of standard input for `-`. A file that cannot be read is a wrong command line: a sentence, exit code 2."""
    if path == STANDARD_INPUT:
        if sys.stdin is None:  # as Python has it where the shell has closed it
            raise UnreadableFileError(f"standard input is closed: name a file of {what}")
        if sys.stdin.isatty():
            say(f"reading {what} from the keyboard, one JSON object per line; Ctrl-D ends", err)
        yield sys.stdin.buffer
        return
    with _open(path) as file:
        yield file


def require_readable(path: Path) -> None:
    """Raises UnreadableFileError for a file of rows that cannot be opened."""
    _open(path).close()


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror}") from error


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The file's lines. A byte-order mark, which some editors put before the first, is no part of it."""
    for number, line in enumerate(file):
        yield line if number else line.removeprefix(codecs.BOM_UTF8)


def bytes_in(file: BinaryIO) -> int | None:
    """The file's size; None for a pipe, whose end nobody knows."""
    if not file.seekable():
        return None
    place = file.tell()
    end = file.seek(0, 2)
    file.seek(place)
    return end
