"""From the model's probabilities to calibrated ones, per language and label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.bundle import Bundle, CalibrationMethod, PlattByLabel

Array = NDArray[np.float64]

_SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, where the logit has no value; float32 cannot tell 1 from anything nearer."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    result: Array = np.exp(-np.logaddexp(0.0, -x))
    return result


class Calibration:
    """The calibration of a bundle, ready for batches."""

    def __init__(self, bundle: Bundle) -> None:
        form = bundle.calibration
        self._identity = form.method is CalibrationMethod.NONE
        self._default = _parameters(bundle.labels, form.default, {})
        self._calibrated = frozenset(form.languages)
        self._languages = {
            tag: _parameters(bundle.labels, table, form.default) for tag, table in [*form.aligned.items(), *form.languages.items()]
        }

    def covers(self, language: str) -> bool:
        """Whether nothing is missing for `language`: it has a table, or the bundle calibrates nothing at all."""
        return self._identity or language in self._calibrated

    def apply(self, probabilities: Array, languages: Sequence[str]) -> Array:
        """Calibrated probabilities, [texts, labels], each row by the table of its language, or by the default where there is none."""
        if self._identity or not languages:
            return probabilities
        a, b = np.stack([self._languages.get(tag, self._default) for tag in languages], axis=1)
        p = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
        return sigmoid(a * (np.log(p) - np.log1p(-p)) + b)


def _parameters(labels: Sequence[str], table: PlattByLabel, default: PlattByLabel) -> Array:
    """[2, labels]: a and b."""
    rows = [table.get(label) or default.get(label) for label in labels]
    return np.array([[row.a if row else 1.0 for row in rows], [row.b if row else 0.0 for row in rows]])
