"""The figures of a bundle on a sample, per label and language, with intervals."""

from __future__ import annotations

import warnings
import zlib
from typing import NamedTuple

import msgspec
import numpy as np
from sklearn import metrics

from pipeline.policy.policy import Policy
from pipeline.scoring.evaluation import resample
from pipeline.scoring.evaluation.resample import BINS, Array
from pipeline.scoring.evaluation.sample import Sample

DRAWS = 200
NO_MARKET = ""
"""What no rule for a market covers, so thresholds are those of rules without one."""

Interval = tuple[float, float] | None


class Figure(msgspec.Struct, frozen=True):
    """A metric and its 95% interval; None where it has no value, as an AUC without negatives."""

    value: float | None
    interval: Interval


class Bin(msgspec.Struct, frozen=True):
    """Rows whose score lies in [low, high): their number, mean score and share of positives."""

    low: float
    high: float
    rows: int
    mean_score: float
    positive_share: float


class Cell(msgspec.Struct, frozen=True):
    """A label in a language, or in all together (`language` None). `threshold`: the lowest of the policy's rules there, if it has one."""

    label: str
    language: str | None
    rows: int
    positives: int
    auc: Figure
    average_precision: Figure
    calibration_error: Figure
    threshold: float | None
    precision: Figure
    recall: Figure
    f1: Figure
    reliability: tuple[Bin, ...]


class Evaluation(msgspec.Struct, frozen=True):
    """What one bundle did. `model_version` and `policy`: `name@version`."""

    model_version: str
    policy: str
    cells: tuple[Cell, ...]


def thresholds(policy: Policy, language: str) -> dict[str, float]:
    """Per label, the lowest probability from which anything follows in `language`, by rules without a market."""
    return {label: rules[0].at_least for label, rules in policy.rules_for(language, NO_MARKET).items()}


def evaluate(sample: Sample, model_version: str, policy: Policy, number_of_draws: int = DRAWS, seed: int = 0) -> Evaluation:
    """Every label in every language that has judged rows. The same seed gives the same intervals.

    All languages together have one threshold only if the policy has: otherwise what it gives is left out there.
    """
    cells = []
    for label in sample.labels:
        for language, truth, scores in sample.cells(label):
            threshold = _common(policy, label, sample) if language is None else thresholds(policy, language).get(label)
            own_seed = zlib.crc32(f"{seed} {label} {language}".encode())  # not changed by which other cells there are
            cells.append(_cell(_Slice(label, language, truth, scores, threshold), number_of_draws, own_seed))
    return Evaluation(model_version, policy.id, tuple(cells))


def _common(policy: Policy, label: str, sample: Sample) -> float | None:
    found = {thresholds(policy, language).get(label) for language in np.unique(sample.languages).tolist()}
    return found.pop() if len(found) == 1 else None


class _Slice(NamedTuple):
    """What a cell is made of. `truth` and `scores`: [rows]."""

    label: str
    language: str | None
    truth: Array
    scores: Array
    threshold: float | None


def _cell(rows: _Slice, number_of_draws: int, seed: int) -> Cell:
    counts = resample.count(rows.truth, rows.scores)
    at = 2.0 if rows.threshold is None else rows.threshold  # nothing reaches 2, and what it gives is left out
    drawn = resample.draws(counts, at, number_of_draws, seed)
    values = _values(rows.truth, rows.scores, at) | {"calibration_error": float(resample.measure(counts, at).calibration_error[0])}
    figures = {name: Figure(value, None if value is None else resample.interval(getattr(drawn, name))) for name, value in values.items()}
    if rows.threshold is None:
        figures |= dict.fromkeys(("precision", "recall", "f1"), Figure(None, None))
    return Cell(
        label=rows.label,
        language=rows.language,
        rows=len(rows.truth),
        positives=int(rows.truth.sum()),
        threshold=rows.threshold,
        reliability=reliability(rows.truth, rows.scores),
        **figures,
    )


def _values(truth: Array, scores: Array, threshold: float) -> dict[str, float | None]:
    """What scikit-learn says; None where it has no value."""
    positives, flagged = int(truth.sum()), scores >= threshold
    both = 0 < positives < len(truth)
    with warnings.catch_warnings(action="ignore"):
        return {
            "auc": float(metrics.roc_auc_score(truth, scores)) if both else None,
            "average_precision": float(metrics.average_precision_score(truth, scores)) if positives else None,
            "precision": float(metrics.precision_score(truth, flagged)) if flagged.any() else None,
            "recall": float(metrics.recall_score(truth, flagged)) if positives else None,
            "f1": float(metrics.f1_score(truth, flagged)) if positives else None,
        }


def reliability(truth: Array, scores: Array) -> tuple[Bin, ...]:
    """The rows in equally wide bins, empty ones left out."""
    place = resample.bin_of(scores)
    found = []
    for number in np.unique(place).tolist():
        chosen = place == number
        share, mean = float(truth[chosen].mean()), float(scores[chosen].mean())
        found.append(Bin(number / BINS, (number + 1) / BINS, int(chosen.sum()), mean, share))
    return tuple(found)
