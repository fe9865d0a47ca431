"""From which probability on may the machine act alone? Evidence from labelled rows, per label, language and action.

Precision at a threshold is the share of rows from it on that are what the label says; its lower bound is exact (Clopper and Pearson, 1934).
A threshold chosen on the same rows that bound it would be flattered by the choice. So thresholds are tested in a fixed order: from each of
STARTS downwards, as long as the lower bound, at an equal part of the error for each start, meets the target. Everything before the first
failure holds together, with the policy's confidence, whatever the rows are like, so a rule may stand at any of these (`passed`), chosen as
one likes, and no part of the error is left for any other: fixed sequence testing with several starts, algorithm 1 of
Angelopoulos, Bates, Candès, Jordan and Lei (2021), Learn then test: calibrating predictive algorithms to achieve risk control,
arXiv:2110.01052.

At each threshold every group with enough rows is tested too: the upper bound of its false positive rate must lie below the policy's. A
threshold passes only where all tests pass, so they need no part of the error of their own (Berger, 1982, intersection-union tests).

Precision depends on how many posts are what the label says; collections of abuse hold more of these than any traffic. So a policy may say
which share of its traffic they are, `prevalence`: then precision is that of such traffic, share * r / (share * r + (1 - share) * f), with
the lower bound of recall r and the upper bound of the false positive rate f, each at half the error. What neither covers: rows that are
unlike the traffic in other ways.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.policy.automation import STARTS, Targets
from pipeline.policy.evidence import Band, Closed, GroupRate, Passed
from pipeline.policy.rules import RuleAction
from pipeline.scoring.evaluation.rows import Limits
from pipeline.scoring.evaluation.sample import Array, Sample, Words

GRID = tuple(hundredths / 100 for hundredths in range(99, 49, -1))
"""Thresholds that are tested, from the top. Below a half, a rule of the machine would be wrong more often than not."""

MOST_TIMES = 1000.0
"""More than so many times the rows is no estimate of how many are missing."""


Passes = NDArray[np.bool_]


class Rows(NamedTuple):
    """Of a label in a language: truth (0 or 1), score and group of each row, and what they do not say."""

    truth: Array
    scores: Array
    groups: Words
    limits: Limits = Limits()

    @property
    def judged(self) -> int:
        """Rows that somebody has judged."""
        return len(self.truth) - self.limits.undecided


class Counts(NamedTuple):
    """Per threshold of GRID: rows from it on that are what the label says (`true`) and that are not (`false`); and all of either kind."""

    true: Array
    false: Array
    positives: float
    negatives: float


def bands(sample: Sample, targets: Targets, limits: Mapping[tuple[str, str], Limits] | None = None) -> Iterator[Band]:
    """A band for every label, language and action of `targets`, where any row is what the label says. `limits`: of label and language."""
    for column, label in enumerate(sample.labels):
        judged = ~np.isnan(sample.truth[:, column])
        for language in np.unique(sample.languages[sample.truth[:, column] == 1]).tolist():
            chosen = judged & (sample.languages == language)
            known = (limits or {}).get((label, language), Limits())
            rows = Rows(sample.truth[chosen, column], sample.scores[chosen, column], sample.groups[chosen], known)
            for action in targets.precision:
                yield band(rows, targets, label, language, action)


def band(rows: Rows, targets: Targets, label: str, language: str, action: RuleAction) -> Band:
    """Where the band of one label, language and action opens, or why it does not."""
    counts = count(rows)
    low = precision_low(counts, targets)
    precise = low >= targets.precision[action]
    led_to = reached_from_starts(precise & _fair(rows, targets))
    open_at = max(led_to, default=None)
    closed = _closed(rows, targets, precise, open_at)
    place = open_at if closed is None and open_at is not None else int(np.argmax(low))
    true, false = int(counts.true[place]), int(counts.false[place])
    recall = _two_sided(true, int(counts.positives), targets.confidence)
    return Band(
        label=label,
        language=language,
        action=action,
        rows=len(rows.truth),
        positives=int(counts.positives),
        undecided=rows.limits.undecided,
        closed=closed,
        threshold=GRID[place],
        flagged=true + false,
        correct=true,
        precision=_precision(counts, place, targets.prevalence),
        precision_low=_down(low[place]),
        recall_low=_down(recall[0]),
        recall_high=_up(recall[1]),
        more_rows=None if closed in {None, Closed.GROUP} else more_rows(counts, targets, action, rows.limits.undecided),
        groups=group_rates(rows, GRID[place], targets),
        passed=tuple(_passed(counts, low, each) for each in reversed(led_to) if each < place) if closed is None else (),
    )


def _passed(counts: Counts, low: Array, place: int) -> Passed:
    true, false = int(counts.true[place]), int(counts.false[place])
    return Passed(threshold=GRID[place], flagged=true + false, correct=true, precision_low=_down(low[place]))


def count(rows: Rows) -> Counts:
    """What each threshold reaches: below the floor nothing, so that no bound there meets a target."""
    grid = np.array(GRID)[:, None]
    reached = (rows.scores[None, :] >= grid) & (grid >= rows.limits.floor)
    true = (reached & (rows.truth == 1)[None, :]).sum(axis=1).astype(np.float64)
    positives = float(rows.truth.sum())
    return Counts(true, reached.sum(axis=1) - true, positives, len(rows.truth) - positives)


def precision_low(counts: Counts, targets: Targets) -> Array:
    """The lower bound of precision at each threshold, at a start's part of the error."""
    error, share = targets.error, targets.prevalence
    if share is None:
        return lower_bound(counts.true, counts.true + counts.false, error)
    recall = lower_bound(counts.true, np.full_like(counts.true, counts.positives), error / 2)
    negatives = np.full_like(counts.true, counts.negatives)
    false_rate = 1 - lower_bound(negatives - counts.false, negatives, error / 2)
    low: Array = share * recall / (share * recall + (1 - share) * false_rate)
    return low


def lower_bound(successes: Array, of: Array, error: float) -> Array:
    """Clopper and Pearson's, one-sided; 0 without successes. Also of counts that are no whole numbers."""
    bound: Array = np.where(successes > 0, stats.beta.ppf(error, np.maximum(successes, 1e-9), of - successes + 1), 0.0)
    return bound


def reached_from_starts(passes: Passes) -> list[int]:
    """Places in GRID, from the top, of the thresholds that a start leads down to; none if every start fails at once."""
    found: set[int] = set()
    for start in STARTS:
        for place in range(GRID.index(start), len(GRID)):
            if not passes[place]:
                break
            found.add(place)
    return sorted(found)


def more_rows(counts: Counts, targets: Targets, action: RuleAction, undecided: int = 0) -> int | None:
    """About how many more rows like these it takes; None where no number would do, or nothing says how many."""
    rows = counts.positives + counts.negatives
    if not counts.positives or not counts.true.any():
        return None
    times = max(_times(counts, targets, action), targets.least_rows / (rows - undecided), targets.least_positives / counts.positives)
    return None if times > MOST_TIMES else max(1, math.ceil((times - 1) * rows - 1e-6))


def group_rates(rows: Rows, threshold: float, targets: Targets) -> tuple[GroupRate, ...]:
    """Groups with enough rows that are not what the label says, and how many of these lie above the threshold."""
    if targets.groups is None:
        return ()
    found = []
    for name in np.unique(rows.groups).tolist():
        innocent = (rows.groups == name) & (rows.truth == 0)
        number, flagged = int(innocent.sum()), int((innocent & (rows.scores >= threshold)).sum())
        if name and number >= targets.groups.least_rows:
            high = 1 - lower_bound(np.array([float(number - flagged)]), np.array([float(number)]), targets.error)[0]
            found.append(GroupRate(name=name, rows=number, flagged=flagged, high=_up(high)))
    return tuple(found)


def _fair(rows: Rows, targets: Targets) -> Passes:
    """Whether every group's rate is low enough, per threshold."""
    most = targets.groups.false_positive_rate if targets.groups else 1.0
    return np.array([all(rate.high <= most for rate in group_rates(rows, threshold, targets)) for threshold in GRID])


def _closed(rows: Rows, targets: Targets, precise: Passes, open_at: int | None) -> Closed | None:
    if rows.judged < targets.least_rows:
        return Closed.FEW_ROWS
    if rows.truth.sum() < targets.least_positives:
        return Closed.FEW_POSITIVES
    if open_at is None:
        return Closed.GROUP if reached_from_starts(precise) else Closed.PRECISION
    return None


def _times(counts: Counts, targets: Targets, action: RuleAction) -> float:
    """How many times these counts it takes until the lower bound meets the target somewhere; infinite where it never does."""
    low, high = 0.0, math.log(2 * MOST_TIMES)
    for _ in range(30):
        middle = (low + high) / 2
        times = math.exp(middle)
        more = Counts(counts.true * times, counts.false * times, counts.positives * times, counts.negatives * times)
        low, high = (low, middle) if (precision_low(more, targets) >= targets.precision[action]).any() else (middle, high)
    return math.exp(high)


def _precision(counts: Counts, place: int, share: float | None) -> float | None:
    true, false = counts.true[place], counts.false[place]
    if not true + false:
        return None
    if share is not None:
        true, false = share * true / max(1, counts.positives), (1 - share) * false / max(1, counts.negatives)
    return round(float(true / (true + false)), 4) if true + false else None


def _two_sided(successes: int, number: int, confidence: float) -> tuple[float, float]:
    if not number:
        return 0.0, 1.0
    found = stats.binomtest(successes, number).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def _down(bound: float) -> float:
    """To four decimals, never towards what is not shown."""
    return math.floor(bound * 10_000) / 10_000


def _up(bound: float) -> float:
    return math.ceil(min(1.0, bound) * 10_000) / 10_000
