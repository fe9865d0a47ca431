"""Intervals of metrics by the bootstrap: rows drawn with replacement, all draws at once.

scikit-learn takes milliseconds a call however few the rows, so some hundred draws of some hundred cells would take minutes. Scores have
four decimals, so a cell is a table of counts per distinct score, a draw is a multinomial one from it, and a metric is a few sums over all
draws. tests/pipeline/scoring/evaluation holds each formula to scikit-learn's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.95
BINS = 15
"""Equally wide, as in Guo et al. (2017), On calibration of modern neural networks."""

MAX_CELLS = 4_000_000
"""Numbers in one chunk of draws: 32 MB."""


class Counts(NamedTuple):
    """`scores`: distinct, ascending, [k]. `positives` and `negatives`: rows with that score in each draw, [draws, k]."""

    scores: Array
    positives: Array
    negatives: Array


class Metrics(NamedTuple):
    """One number per draw, [draws]; NaN where it has no value, as an AUC without negatives. `f1`, `precision`, `recall` at a threshold."""

    auc: Array
    average_precision: Array
    calibration_error: Array
    precision: Array
    recall: Array
    f1: Array


def count(truth: Array, scores: Array) -> Counts:
    """The rows as they are: one draw. Both [rows]; `truth` is 0 or 1."""
    distinct, place = np.unique(scores, return_inverse=True)
    positives = np.bincount(place, weights=truth, minlength=len(distinct)).astype(np.float64)
    negatives = np.bincount(place, weights=1 - truth, minlength=len(distinct)).astype(np.float64)
    return Counts(distinct, positives[None], negatives[None])


def measure(counts: Counts, threshold: float) -> Metrics:
    """Of each draw: AUC, average precision, calibration error, and what a threshold gives."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Metrics(_auc(counts), _average_precision(counts), _calibration_error(counts), *_at(counts, threshold))


def draws(counts: Counts, threshold: float, number: int, seed: int) -> Metrics:
    """`number` draws of as many rows as there are."""
    chance = np.random.default_rng(seed)
    whole = np.concatenate([counts.positives[0], counts.negatives[0]])
    rows, distinct = int(whole.sum()), len(counts.scores)
    at_once = max(1, MAX_CELLS // len(whole))
    parts = []
    for start in range(0, number, at_once):
        drawn = chance.multinomial(rows, whole / rows, size=min(at_once, number - start)).astype(np.float64)
        parts.append(measure(Counts(counts.scores, drawn[:, :distinct], drawn[:, distinct:]), threshold))
    return Metrics(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def interval(values: Array) -> tuple[float, float] | None:
    """The middle 95% of a metric over draws; None where no draw gives it a value."""
    usable = values[~np.isnan(values)]
    if not len(usable):
        return None
    low, high = np.quantile(usable, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _auc(counts: Counts) -> Array:
    """Share of pairs in which the positive one has the higher score; equal scores count half (Mann and Whitney, 1947)."""
    below = np.cumsum(counts.negatives, axis=1) - counts.negatives / 2
    pairs = counts.positives.sum(axis=1) * counts.negatives.sum(axis=1)
    result: Array = (counts.positives * below).sum(axis=1) / pairs
    return result


def _average_precision(counts: Counts) -> Array:
    """Mean of the precision at each score, weighted by the positives that have it."""
    true = np.cumsum(counts.positives[:, ::-1], axis=1)
    false = np.cumsum(counts.negatives[:, ::-1], axis=1)
    flagged = true + false
    precision = np.divide(true, flagged, out=np.zeros_like(true), where=flagged > 0)
    result: Array = (counts.positives[:, ::-1] * precision).sum(axis=1) / counts.positives.sum(axis=1)
    return result


def bin_of(scores: Array) -> NDArray[np.int64]:
    """The number of the bin that a score lies in, from 0."""
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def _calibration_error(counts: Counts) -> Array:
    """Expected calibration error: over bins, the distance between mean score and share of positives, weighted by rows."""
    rows = counts.positives + counts.negatives
    member = np.zeros((len(counts.scores), BINS))
    member[np.arange(len(counts.scores)), bin_of(counts.scores)] = 1
    gap = (rows * counts.scores) @ member - counts.positives @ member
    result: Array = np.abs(gap).sum(axis=1) / rows.sum(axis=1)
    return result


def _at(counts: Counts, threshold: float) -> tuple[Array, Array, Array]:
    flagged = counts.scores >= threshold
    true, false = counts.positives[:, flagged].sum(axis=1), counts.negatives[:, flagged].sum(axis=1)
    positives = counts.positives.sum(axis=1)
    return true / (true + false), true / positives, 2 * true / (true + false + positives)
