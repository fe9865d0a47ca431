"""Numbers of the model card that `sluice evaluate` does not give: parity, movement, chance in a calibration error, what a cascade costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from sklearn import metrics

from pipeline.scoring.evaluation.resample import bin_of
from pipeline.scoring.model import Model
from pipeline.scoring.training.encode import padded
from pipeline.scoring.training.graph import INPUT
from pipeline.scoring.training.rows import Row

Floats = NDArray[np.float64]

FEW_OF_EACH = 20

BATCHINGS = 100
LARGEST_BATCH = 32

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Of posts passed on, in the cascade's curve."""

RECALL = 0.8

RATE_SECONDS, RATE_PASSES = 2.0, 10
"""Of CPU, and over rows that are too few for so many seconds."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far scores of the 8-bit graph lie from those of its twin in float32."""

    rows: int
    mean: float
    largest: float


@dataclass(frozen=True, slots=True)
class Passed:
    """A cascade that passes on `share` of the posts: AUC, precision at 80% recall, and posts in a second of CPU."""

    share: float
    auc: float
    precision: float
    rate: float


def parity(small: Path, twin: Path, rows: Sequence[list[int]]) -> Parity:
    """Both graphs on rows of ids, one by one."""
    graphs = [ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in (small, twin)]
    outputs = [[graph.run(None, {INPUT: padded([row], len(row)).astype(np.int64)})[0][0] for row in rows] for graph in graphs]
    apart = np.abs(np.stack(outputs[0]) - np.stack(outputs[1]))
    return Parity(len(rows), float(apart.mean()), float(apart.max()))


def movement(model: Model, rows: Sequence[list[int]], seed: int = 0) -> float:
    """The largest change of a score, alone or among others, over BATCHINGS random batchings."""
    alone = np.concatenate([model.probabilities_together([row]) for row in rows])
    random, largest = np.random.default_rng(seed), 0.0
    for _ in range(BATCHINGS):
        chosen = random.permutation(len(rows))[: random.integers(2, LARGEST_BATCH + 1)]
        together = model.probabilities_together([rows[index] for index in chosen])
        largest = max(largest, float(np.abs(together - alone[chosen]).max()))
    return largest


def by_collection(truth: Floats, scores: Floats, files: Sequence[str]) -> dict[str, float]:
    """AUC among the rows of each file that has at least FEW_OF_EACH with the label and without. `truth` [rows]: NaN where not judged."""
    found = {}
    names = np.array(files)
    for name in sorted(set(files)):
        mine = (names == name) & ~np.isnan(truth)
        if FEW_OF_EACH <= truth[mine].sum() <= mine.sum() - FEW_OF_EACH:
            found[name] = float(metrics.roc_auc_score(truth[mine], scores[mine]))
    return found


def calibration_error(truth: Floats, scores: Floats) -> float:
    """Expected calibration error, in the bins of `sluice evaluate`."""
    place = bin_of(scores)
    gaps = [abs(float((scores[place == each] - truth[place == each]).sum())) for each in np.unique(place)]
    return sum(gaps) / len(scores)


def by_chance(scores: Floats, draws: int = 1_000, seed: int = 0) -> Floats:
    """Calibration errors [draws] that a perfectly calibrated model with these scores would have, because the rows are few."""
    random = np.random.default_rng(seed)
    return np.array([calibration_error((random.random(len(scores)) < scores).astype(np.float64), scores) for _ in range(draws)])


def rate(model: Model, rows: Sequence[Row]) -> float:
    """Posts in a second of CPU, tokenising included, in chunks of 64 posts. For RATE_SECONDS, or RATE_PASSES times over few rows."""
    texts, languages = [row.text for row in rows], [row.language for row in rows]
    model.score(texts[:64], languages[:64])
    done, began = 0, time.process_time()
    while time.process_time() - began < RATE_SECONDS and done < RATE_PASSES * max(64, len(texts)):
        at = done % max(1, len(texts) - 64)
        model.score(texts[at : at + 64], languages[at : at + 64])
        done += 64
    return done / (time.process_time() - began)


def curve(truth: Floats, fast: Floats, accurate: Floats, rates: tuple[float, float]) -> list[Passed]:
    """What passing on the posts with the highest fast scores gives. `rates`: posts in a CPU second of the fast and the accurate tier."""
    found = []
    for share in SHARES:
        passed = fast >= np.quantile(fast, 1 - share) if share else np.zeros(len(fast), bool)
        scores = np.where(passed, accurate, fast)
        precisions, recalls, _ = metrics.precision_recall_curve(truth, scores)
        at = float(precisions[recalls >= RECALL].max())
        mean = float(passed.mean())
        found.append(Passed(mean, float(metrics.roc_auc_score(truth, scores)), at, 1 / (1 / rates[0] + mean / rates[1])))
    return found
