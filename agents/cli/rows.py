"""Labelled rows for commands that measure, and what a bundle says of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.progress import Progress

from agents.cli.common import err
from agents.cli.files import require_readable
from pipeline.config import ConfigError
from pipeline.language.languages import inseparable_from
from pipeline.policy.scopes import of_no_post
from pipeline.scoring.evaluation.rows import LabelledRow, read_rows
from pipeline.scoring.tiers import Described, Tier, read_tiers, settles_below
from schemas.records import Language

if TYPE_CHECKING:
    from pipeline.scoring.evaluation.sample import Sample

Data = Annotated[list[Path] | None, typer.Option("--data", metavar="FILE", help="Labelled rows, .jsonl or .jsonl.gz; may stand often.")]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Only rows with this `split`.")]


TRAIN = "train"
"""The `split` of rows that a model has learned from."""


class RowsOf(NamedTuple):
    """A file and the rows that were chosen of it. `sha256`: of all its bytes, unpacked."""

    path: Path
    sha256: str
    rows: list[LabelledRow]


class Wanted(NamedTuple):
    """Which rows of a file are read, for which bundles: those with `split`, or all. `judged`: their labels count. `unseen`: none that the
    model has learned from may be among them.
    """

    bundles: tuple[Mapping[Tier, Described], ...]
    split: str | None
    judged: bool = True
    unseen: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Of all bundles."""
        return tuple(dict.fromkeys(label for tiers in self.bundles for label in tiers[Tier.ACCURATE].bundle.labels))

    def takes(self, row: LabelledRow) -> bool:
        """Whether it has the split."""
        return self.split in {None, row.split}

    def check(self, row: LabelledRow) -> None:
        """ValueError for a row that is taken and of which nothing could be said, or something wrong."""
        if not self.takes(row):
            return
        if self.judged and (never := of_no_post(row.tag)):
            raise ValueError(f"`language` is {row.tag!r}, and {never}")
        if self.judged and (unknown := sorted(row.labels.keys() - self.labels)):
            raise ValueError(f"`labels` names {', '.join(unknown)}; the model's labels are {', '.join(self.labels)}")
        if self.unseen and row.split == TRAIN:
            raise ValueError(f"`split` is {TRAIN!r}: what a model has learned from is no evidence on it; --split takes the rows of another")
        for tiers in self.bundles:
            _require_settled(row, tiers)


def _require_settled(row: LabelledRow, tiers: Mapping[Tier, Described]) -> None:
    """Of the fast tier's scores, posts carry only those that settle a text. What it says of others is not what anything is decided by."""
    fast, accurate = tiers.get(Tier.FAST), tiers[Tier.ACCURATE].bundle
    if row.scores is None or fast is None or row.model_version != fast.bundle.model_version:
        return
    limit = settles_below(accurate.settle_below, (row.tag, *inseparable_from(row.tag)))
    higher = [label for label, score in sorted(row.scores.items()) if limit is None or score >= limit.get(label, 1.0)]
    if higher:
        raise ValueError(
            f"`scores` are of {row.model_version}, which does not settle such a text in {row.tag!r} ({higher[0]} "
            f"{row.scores[higher[0]]:g}): posts have those of {accurate.model_version} there; leave `scores` out, or give these"
        )


def read_files(files: Sequence[Path], wanted: Wanted) -> list[RowsOf]:
    """The wanted rows of each file. ConfigError when a file has none, or one that is none; UnreadableFileError when it cannot be opened."""
    found = []
    for path in files:
        require_readable(path)
        file = read_rows(path, wanted.check)
        rows = [row for row in file.rows if wanted.takes(row)]
        if not rows:
            raise ConfigError(f"{path}: no row" + (f" with split {wanted.split!r}" if wanted.split else ""))
        if wanted.judged and not any(judged is not None for row in rows for judged in row.labels.values()):
            raise ConfigError(f"{path}: no row says of a label whether it holds; the model's labels are {', '.join(wanted.labels)}")
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
