"""Labelled rows with a model's scores, in columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.scoring.evaluation.rows import LabelledRow

Array = NDArray[np.float64]
Words = NDArray[np.str_]

ROWS_AT_A_TIME = 256

Score = Callable[[Sequence[str], Sequence[str]], Sequence[dict[str, float]]]
"""Texts and their languages to calibrated probabilities per label."""

Progress = Callable[[int], None]
"""Called with the number of rows done since the last call."""


@dataclass(frozen=True)
class Sample:
    """Rows as columns: `scores` and `truth` are [rows, labels], `truth` 0, 1 or NaN (not judged); `group` is empty where there is none."""

    labels: tuple[str, ...]
    languages: Words
    scores: Array
    truth: Array
    groups: Words

    def cells(self, label: str) -> Iterator[tuple[str | None, Array, Array]]:
        """Language, truth and scores of the rows that were judged for `label`: all languages together first (None), then each."""
        column = self.labels.index(label)
        truth, scores = self.truth[:, column], self.scores[:, column]
        judged = ~np.isnan(truth)
        if judged.any():
            yield None, truth[judged], scores[judged]
        for language in np.unique(self.languages[judged]).tolist():
            chosen = judged & (self.languages == language)
            yield language, truth[chosen], scores[chosen]


def score_rows(
    rows: Sequence[LabelledRow], labels: tuple[str, ...], versions: Collection[str], score: Score, progress: Progress | None = None
) -> Sample:
    """The rows with scores: those that a row carries, of one of the model `versions` or of an unnamed one, else those of its text.

    ConfigError where a row has neither text nor scores of this model, or scores without one of its labels.
    """
    known = [row.scores if row.scores is not None and row.model_version in {None, *versions} else None for row in rows]
    scores = np.empty((len(rows), len(labels)))
    for number, found in enumerate(known):
        if found is not None:
            scores[number] = _ordered(found, labels, number)
    asked = [number for number, found in enumerate(known) if found is None]
    for start in range(0, len(asked), ROWS_AT_A_TIME):
        chunk = asked[start : start + ROWS_AT_A_TIME]
        texts = [_text(rows[number], number, versions) for number in chunk]
        for number, found in zip(chunk, score(texts, [rows[number].tag for number in chunk]), strict=True):
            scores[number] = _ordered(found, labels, number)
        if progress:
            progress(len(chunk))
    return Sample(
        labels=labels,
        languages=np.array([row.tag for row in rows], dtype=np.str_),
        scores=scores,
        truth=np.array([[_truth(row.labels.get(label)) for label in labels] for row in rows], dtype=np.float64).reshape(
            len(rows), len(labels)
        ),
        groups=np.array([row.group or "" for row in rows], dtype=np.str_),
    )


def _ordered(scores: dict[str, float], labels: Sequence[str], number: int) -> list[float]:
    missing = sorted(set(labels) - scores.keys())
    if missing:
        raise ConfigError(f"row {number + 1}: scores: {', '.join(missing)} is missing; the model's labels are {', '.join(labels)}")
    return [scores[label] for label in labels]


def _text(row: LabelledRow, number: int, versions: Collection[str]) -> str:
    if row.text is None:
        raise ConfigError(
            f"row {number + 1}: its scores are of {row.model_version}, and without `text` {', '.join(sorted(versions))} cannot score it"
        )
    return row.text


def _truth(judged: int | None) -> float:
    return float("nan") if judged is None else float(judged)
