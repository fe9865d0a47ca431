"""Labelled rows, one JSON object a line: the form in which texts with people's judgements come in.

What reviewers said is made into the same rows (pipeline.scoring.evaluation.verdicts). Whatever the source, nothing behind them knows it.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from pipeline.config import ConfigError
from pipeline.policy.rules import LANGUAGE_TAG
from schemas.records import Probability

Judgement = Literal[0, 1]
"""Of a person: the label does not hold, or it does. A label that is absent or null was not judged."""


_TAG = re.compile(LANGUAGE_TAG)

Check = Callable[["LabelledRow"], None]
"""Raises ValueError, with what is wrong, for a row that is not wanted."""


class LabelledRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text and what people said of it. Other keys are ignored.

    `language` (or `lang`) is a BCP 47 tag. `scores` are calibrated probabilities of the model `model_version`, so that it need not be asked
    again. `group`: whom the text is about, or whose way of writing it is, for the error rate of a group.
    """

    text: Annotated[str, Meta(min_length=1)] | None = None
    language: str | None = None
    lang: str | None = None
    labels: dict[str, Judgement | None] = {}
    scores: dict[str, Probability] | None = None
    model_version: str | None = None
    group: str | None = None
    source: str | None = None
    licence: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        if self.language is None and self.lang is None:
            raise ValueError("a row needs `language` or `lang`")
        if not _TAG.fullmatch(self.tag):
            raise ValueError(f"`language` is a BCP 47 tag, such as en or pt (got {self.tag!r})")
        if self.text is None and self.scores is None:
            raise ValueError("a row needs `text` or `scores`")

    @property
    def tag(self) -> str:
        """The language."""
        return (self.lang if self.language is None else self.language) or ""


class Limits(NamedTuple):
    """What rows of a label in a language do not say. Nothing of thresholds below `floor`; and `undecided` of them, for which the label does
    not hold, nobody has judged.
    """

    floor: float = 0.0
    undecided: int = 0


class RowFile(msgspec.Struct, frozen=True):
    """The rows of a file and the SHA-256 of its bytes, unpacked."""

    rows: list[LabelledRow]
    sha256: str


def read_rows(path: Path, check: Check | None = None) -> RowFile:
    """Every row of a `.jsonl` or `.jsonl.gz` file. ConfigError that names file and line where one is no row, or `check` refuses it."""
    digest = hashlib.sha256()
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            rows = list(decode_rows(_hashed(file, digest.update, str(path)), str(path), check))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    return RowFile(rows, digest.hexdigest())


def decode_rows(lines: Iterable[bytes], where: str, check: Check | None = None) -> Iterator[LabelledRow]:
    """The rows of `lines`, blank ones left out. ConfigError when one is no row, or `check` refuses it."""
    decoder = msgspec.json.Decoder(LabelledRow)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = decoder.decode(line if number > 1 else line.removeprefix(codecs.BOM_UTF8))
                if check:
                    check(row)
            except RecursionError as error:
                raise ConfigError(f"{where}: line {number}: nested too deep for a row") from error
            except ValueError as error:  # msgspec's and Unicode's are such
                raise ConfigError(f"{where}: line {number}: {error}") from error
            yield row


def _hashed(lines: Iterable[bytes], update: Callable[[bytes], None], where: str) -> Iterator[bytes]:
    number = 0
    try:
        for number, line in enumerate(lines, 1):  # noqa: B007 - said where the next one cannot be unpacked
            update(line)
            yield line
    except (EOFError, zlib.error) as error:
        raise ConfigError(f"{where}: line {number + 1}: cannot be unpacked, the file is cut off or damaged ({error})") from error
