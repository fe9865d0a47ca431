"""Input that is a file or standard input."""

from __future__ import annotations

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
        if sys.stdin.isatty():
            say(f"reading {what} from the keyboard, one JSON object per line; Ctrl-D ends", err)
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        try:
            yield file
        except IsADirectoryError as error:
            raise UnreadableFileError(f"{path}: is a folder, not a file") from error


def bytes_in(file: BinaryIO) -> int | None:
    """The file's size; None for a pipe, whose end nobody knows."""
    if not file.seekable():
        return None
    place = file.tell()
    end = file.seek(0, 2)
    file.seek(place)
    return end
