"""From the model's probabilities to calibrated ones, per language and label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.language.languages import INSEPARABLE, inseparable_from
from pipeline.scoring.bundle import Bundle, CalibrationForm, CalibrationMethod, PlattByLabel

Array = NDArray[np.float64]

_SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, where the logit has no value; float32 cannot tell 1 from anything nearer."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    result: Array = np.exp(-np.logaddexp(0.0, -x))
    return result


def table_by_language(form: CalibrationForm) -> dict[str, PlattByLabel]:
    """The table of each language that has one, fitted or aligned.

    Which of INSEPARABLE a text's tag is says next to nothing, so all of them have the same table, and a text the same score under each: a
    fitted one goes before an aligned one, and of two the one whose tag comes first in the alphabet.
    """
    own = {**form.aligned, **form.languages}
    shared = sorted(own.keys() & set(INSEPARABLE), key=lambda tag: (tag not in form.languages, tag))
    return own | dict.fromkeys(INSEPARABLE, own[shared[0]]) if shared else own


class Calibration:
    """The calibration of a bundle, ready for batches."""

    def __init__(self, bundle: Bundle) -> None:
        form = bundle.calibration
        self._identity = form.method is CalibrationMethod.NONE
        self._default = _parameters(bundle.labels, form.default, {})
        self._fitted = frozenset(form.languages)
        self._languages = {tag: _parameters(bundle.labels, table, form.default) for tag, table in table_by_language(form).items()}

    def covers(self, language: str) -> bool:
        """Whether nothing is missing for `language`: a table was fitted for it and for those that it cannot be told apart from, or the
        bundle calibrates nothing at all.
        """
        return self._identity or self._fitted.issuperset({language, *inseparable_from(language)})

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
