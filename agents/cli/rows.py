"""Labelled rows for commands that measure, and what a bundle says of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.progress import Progress

from agents.cli.common import err
from agents.cli.files import require_readable
from pipeline.config import ConfigError
from pipeline.language.languages import inseparable_from
from pipeline.scoring.evaluation.rows import LabelledRow, read_rows
from pipeline.scoring.tiers import Tier, read_tiers
from schemas.records import Language

if TYPE_CHECKING:
    from pipeline.scoring.evaluation.sample import Sample

Data = Annotated[list[Path] | None, typer.Option("--data", metavar="FILE", help="Labelled rows, .jsonl or .jsonl.gz; may stand often.")]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Only rows with this `split`.")]


class RowsOf(NamedTuple):
    """A file and the rows that were chosen of it. `sha256`: of all its bytes, unpacked."""

    path: Path
    sha256: str
    rows: list[LabelledRow]


def read_files(files: Sequence[Path], split: str | None) -> list[RowsOf]:
    """The rows of each file with `split`, or all. ConfigError when a file has none, UnreadableFileError when it cannot be opened."""
    found = []
    for path in files:
        require_readable(path)
        file = read_rows(path)
        rows = [row for row in file.rows if split in {None, row.split}]
        if not rows:
            raise ConfigError(f"{path}: no row" + (f" with split {split!r}" if split else ""))
        found.append(RowsOf(path, file.sha256, rows))
    return found


def scored_by(directory: Path, *parts: Sequence[LabelledRow]) -> tuple[tuple[str, ...], list[Sample]]:
    """The versions of the bundle in `directory` and of the fast tier that it may name, and a sample for each part, scored as posts are.

    Progress is shown. A model is loaded once there is a row without scores of it.
    """
    from pipeline.scoring.check import load_scorer
    from pipeline.scoring.evaluation.sample import score_rows

    tiers = read_tiers(directory)
    versions = tuple(tier.bundle.model_version for tier in tiers.values())
    scorer = functools.cache(functools.partial(load_scorer, directory))

    def score(texts: Sequence[str], tags: Sequence[str]) -> list[dict[str, float]]:
        languages = [Language(tag=tag, confidence=1, alternatives=inseparable_from(tag)) for tag in tags]  # as a post of it comes
        return [verdict.scored.probabilities for verdict in scorer().score(texts, languages)]

    with Progress(console=err, transient=True) as progress:
        task = progress.add_task(f"scoring with {versions[0]}", total=sum(map(len, parts)))

        def done(rows: int) -> None:
            progress.advance(task, rows)

        labels = tiers[Tier.ACCURATE].bundle.labels
        return versions, [score_rows(rows, labels, versions, score, done) for rows in parts]
