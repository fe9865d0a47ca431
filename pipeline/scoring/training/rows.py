"""Labelled and benign rows, as they lie in the data directory."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.config import ConfigError

LABELS = ("toxic", "hate", "insult", "threat", "sexual", "spam", "profanity")
"""What the models tell. Rows may carry more labels; self-harm has no labelled rows and is therefore none of them."""

LOCAL_ONLY = "local eval only"
"""Rows whose licence says this are measured on and never trained on."""

OWN = "this project"
"""How the source of a row begins that was written for this project."""

OTHER_TAGS = {"nb": "no", "iw": "he", "zh-Hant": "zh", "fil": "tl"}
"""Tags of the data files that this project writes otherwise (pipeline.language)."""


def named(tags: Sequence[str], languages: Collection[str]) -> list[str]:
    """Those of `tags` that are among `languages` under the names of this project."""
    return [tag for tag in tags if OTHER_TAGS.get(tag, tag) in languages]


Floats = NDArray[np.float32]


class RawRow(msgspec.Struct, frozen=True):
    """A line of a data file. `labels`: 1, 0 or null (not known). `split`: of benign rows, `dev` (may be trained on) or `eval`."""

    text: str
    lang: str
    source: str
    licence: str
    labels: dict[str, int | None] = {}
    split: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A text with what is known of it. `targets`: [labels], NaN where not known; a benign row's are all NaN."""

    text: str
    language: str
    source: str
    licence: str
    file: str
    benign: bool
    measured_only: bool
    targets: Floats

    @property
    def own(self) -> bool:
        """Whether it was written for this project."""
        return self.source.startswith(OWN)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that was read, for the record of the run."""

    name: str
    sha256: str
    rows: int


def read_directory(directory: Path) -> tuple[list[Row], list[DataFile]]:
    """All rows of `train/*.jsonl.gz` (labelled) and `benign/*.jsonl.gz`. ConfigError when a line is no row."""
    rows: list[Row] = []
    found: list[DataFile] = []
    for kind in ("train", "benign"):
        for path in sorted((directory / kind).glob("*.jsonl*")):
            before = len(rows)
            rows.extend(_read(path, benign=kind == "benign"))
            found.append(DataFile(f"{kind}/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest(), len(rows) - before))
    if not rows:
        raise ConfigError(f"{directory}: no rows in train/*.jsonl or benign/*.jsonl (plain or .gz)")
    return rows, found


def _read(path: Path, *, benign: bool) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(RawRow)
    stem = path.name.split(".jsonl")[0]
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                raw = decoder.decode(line)
            except msgspec.DecodeError as error:
                raise ConfigError(f"{path}:{number}: {error}") from error
            yield Row(
                text=raw.text,
                language=OTHER_TAGS.get(raw.lang, raw.lang),
                source=raw.source,
                licence=raw.licence,
                file=stem,
                benign=benign,
                measured_only=raw.split == "eval" or LOCAL_ONLY in raw.licence,
                targets=_targets(raw),
            )


def _targets(raw: RawRow) -> Floats:
    values = [raw.labels.get(label) for label in LABELS]
    return np.array([np.nan if value is None else float(value) for value in values], np.float32)
