"""Where the fast tier may settle a post, per language and label, shown on dev rows.

A post is settled when all its fast probabilities lie below the thresholds. What is lost then is a harmful post that the accurate tier would
have noticed. The thresholds are the highest for which at most 1% of a language's harmful dev posts are lost, with 95% confidence (the upper
bound of Clopper and Pearson 1934). A language with too few harmful dev posts to show that has no table, and all its posts go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.scoring.training.calibrate import Floats
from pipeline.scoring.training.rows import LABELS

LOST = 0.01
CONFIDENCE = 0.95

NOTICED = 0.3
"""A post counts as noticed when a calibrated probability of the accurate tier reaches this: about where a policy begins to do anything."""

STEPS = np.linspace(0, 0.2, 81)
"""Quantiles of harmful posts' fast probabilities that are tried, the same for each label."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language's dev rows: calibrated probabilities of both tiers and targets, all [rows, labels]."""

    fast: Floats
    accurate: Floats
    targets: Floats


@dataclass(frozen=True, slots=True)
class Shown:
    """Thresholds per label, and what they do on dev rows: `lost` of `harmful`, the bound on their share, and the share of rows settled."""

    below: dict[str, float]
    harmful: int
    lost: int
    bound: float
    settled: float


def bound(lost: int, of: int) -> float:
    """The upper end of the one-sided interval of Clopper and Pearson."""
    return 1.0 if lost >= of else float(stats.beta.ppf(CONFIDENCE, lost + 1, of - lost))


def thresholds(rows: Language) -> Shown | None:
    """The highest thresholds that are shown to be safe; None when none is."""
    harmful = (np.nan_to_num(rows.targets) > 0.5).any(axis=1)
    noticed = (rows.accurate >= NOTICED).any(axis=1)
    best: Shown | None = None
    for step in STEPS:
        below = _at(rows, float(step))
        settled = (rows.fast < below).all(axis=1)
        lost = int((settled & harmful & noticed).sum())
        upper = bound(lost, int(harmful.sum()))
        if upper > LOST:
            break
        table = {label: round(float(value), 4) for label, value in zip(LABELS, below, strict=True)}
        best = Shown(table, int(harmful.sum()), lost, upper, float(settled.mean()))
    return best


def _at(rows: Language, step: float) -> NDArray[np.float64]:
    """[labels]: the quantile of a label's own harmful posts, or of all rows where those are few; what is settled is never noticed."""
    values = []
    for column in range(len(LABELS)):
        mine = rows.fast[:, column][np.nan_to_num(rows.targets[:, column]) > 0.5]
        values.append(np.quantile(mine, step) if len(mine) >= 20 else np.quantile(rows.fast[:, column], 0.98))
    return np.minimum(values, NOTICED)


def settled(shown: Shown, fast: Floats, labels: Sequence[str] = LABELS) -> NDArray[np.bool_]:
    """[rows]: which posts the fast tier settles."""
    return np.asarray((fast < np.array([shown.below[label] for label in labels])).all(axis=1), np.bool_)
