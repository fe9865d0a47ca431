"""Rows scored by a bundle before calibration, in the way in which a worker scores them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipeline.scoring.model import Model
from pipeline.scoring.training.calibrate import Floats
from pipeline.scoring.training.rows import Row

AT_ONCE = 1024

THREADS = min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Of ONNX Runtime: not more than this process may use, for they would wait for each other."""


def raw(directory: Path, rows: Sequence[Row], say: Callable[[str], None], threads: int = THREADS) -> Floats:
    """[rows, labels]: the highest of each text's windows, as the graph gives it."""
    model = Model.load(directory, threads)
    found = []
    for start in range(0, len(rows), AT_ONCE):
        windows = [model.windows(row.text).rows for row in rows[start : start + AT_ONCE]]
        probabilities = model.probabilities([each for text in windows for each in text])
        first = np.cumsum([0, *(len(text) for text in windows[:-1])])
        found.append(np.maximum.reduceat(probabilities, first, axis=0))
        say(f"{directory.name}: {min(len(rows), start + AT_ONCE)} of {len(rows)} rows scored")
    return np.concatenate(found)


def some(rows: Sequence[Row], most: int, seed: int = 0) -> list[Row]:
    """At most `most` rows of each file and language, the same in every run."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.file, row.language), []).append(row)
    random = np.random.default_rng(seed)
    return [members[index] for _, members in sorted(groups.items()) for index in np.sort(random.permutation(len(members))[:most])]
