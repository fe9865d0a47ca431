"""From a model's probabilities on dev rows to the calibration tables of its bundle.

Per label: one curve from all dev rows (`default`), then one per language with enough rows, drawn towards the pooled one, so that few rows
change little. For labels that few collections judge (spam, sexual) benign rows count as rows without them: a curve from the collections
alone would say of ordinary text what holds for a folder of unwanted mail. A curve is Platt's: sigmoid(a * logit + b).

Languages with too few labelled rows have no table, and their posts stay marked as not calibrated. What can be done for them is done with
benign rows alone: `aligned` moves their logits so that as much benign text lies above a threshold as in the languages with tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pipeline.language.languages import inseparable_from
from pipeline.scoring.bundle import CalibrationForm, CalibrationMethod, Platt, PlattByLabel
from pipeline.scoring.calibration import table_by_language
from pipeline.scoring.training.rows import LABELS, Row
from pipeline.scoring.training.sampling import BOUND_LABELS

LEAST_ROWS, LEAST_OF_EACH = 200, 25
"""Dev rows that a language needs for a curve of its own, and harmful and clean ones among them."""

PULL = 4.0
"""Strength with which a language's (a, b) is drawn to the pooled one, in rows' worth of log-likelihood for a distance of 1."""

BENIGN_ROWS = 30
"""Benign dev rows that a language needs to be aligned."""

BENIGN_SHARES = (0.9, 0.95)
"""Quantiles of benign rows' logits that are brought to one height."""

LARGEST_MOVE = 2.0
"""Of a logit, by alignment."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with a model's raw probabilities [rows, labels]."""

    rows: Sequence[Row]
    probabilities: Floats

    @property
    def logits(self) -> Floats:
        """[rows, labels]."""
        p = np.clip(self.probabilities, 1e-7, 1 - 1e-7)
        result: Floats = np.log(p) - np.log1p(-p)
        return result

    @property
    def targets(self) -> Floats:
        """[rows, labels], NaN where not known."""
        return np.stack([row.targets for row in self.rows]).astype(np.float64)

    @property
    def languages(self) -> NDArray[np.str_]:
        """[rows]."""
        return np.array([row.language for row in self.rows], np.str_)

    def where(self, chosen: NDArray[np.bool_]) -> Scored:
        """Some of the rows."""
        return Scored([row for row, wanted in zip(self.rows, chosen, strict=True) if wanted], self.probabilities[chosen])

    def first(self, count: int) -> Scored:
        """The first rows."""
        return Scored(self.rows[:count], self.probabilities[:count])

    def labelled(self) -> Scored:
        """Rows with a judgement."""
        return self.where(np.array([not row.benign for row in self.rows]))

    def benign(self) -> Scored:
        """Rows without one."""
        return self.where(np.array([row.benign for row in self.rows]))


def calibration(dev: Scored, languages: Sequence[str], ordinary: Scored | None = None) -> CalibrationForm:
    """The tables for a bundle of `languages`; no calibration at all when no language has enough rows.

    `ordinary`: benign rows that languages are aligned by, in place of those among `dev`. They may have been trained on, and fit no curve.
    """
    labelled = dev.labelled()
    default = {label: curve for label in LABELS if (curve := _curve(dev, label, None))}
    tables: dict[str, PlattByLabel] = {}
    for language in sorted(set(labelled.languages.tolist()) & set(languages)):
        mine = dev.where(dev.languages == language)
        table = {label: curve for label in LABELS if (curve := _curve(mine, label, default.get(label)))}
        if "toxic" in table:
            tables[language] = table
    if not tables:
        return CalibrationForm(method=CalibrationMethod.NONE)
    aligned = _aligned(ordinary or dev.benign(), default, tables, languages)
    return CalibrationForm(method=CalibrationMethod.PLATT, default=default, languages=tables, aligned=aligned)


def _curve(scored: Scored, label: str, towards: Platt | None) -> Platt | None:
    column = LABELS.index(label)
    truth = scored.targets[:, column]
    if column in BOUND_LABELS:
        truth = np.where([row.benign for row in scored.rows], 0, truth)
    known = ~np.isnan(truth)
    truth, logits = truth[known], scored.logits[known, column]
    if len(truth) < LEAST_ROWS or not LEAST_OF_EACH <= truth.sum() <= len(truth) - LEAST_OF_EACH:
        return None
    return platt(logits, truth, towards)


def platt(logits: Floats, truth: Floats, towards: Platt | None) -> Platt:
    """The curve of greatest likelihood, drawn `towards` another one."""
    middle = np.array([towards.a, towards.b]) if towards else np.array([1.0, 0.0])
    pull = PULL if towards else 1e-3

    def cost(ab: Floats) -> float:
        z = ab[0] * logits + ab[1]
        return float((np.logaddexp(0, z) - truth * z).sum() + pull * ((ab - middle) ** 2).sum())

    found = optimize.minimize(cost, middle, method="L-BFGS-B", bounds=[(0.05, 10), (-10, 10)]).x
    return Platt(a=round(float(found[0]), 4), b=round(float(found[1]), 4))


def _aligned(
    benign: Scored, default: PlattByLabel, tables: Mapping[str, PlattByLabel], languages: Sequence[str]
) -> dict[str, PlattByLabel]:
    """Curves for languages without tables, neither own nor shared, by benign rows: the pooled curve, moved."""
    if not benign.rows:
        return {}
    heights: dict[str, Floats] = {}
    for language in sorted(set(benign.languages.tolist()) & set(languages)):
        mine = benign.where(benign.languages == language)
        if len(mine.rows) >= BENIGN_ROWS:
            heights[language] = _heights(mine, {**default, **tables.get(language, {})})
    known = [height for language, height in heights.items() if language in tables]
    if not known:
        return {}
    goal = np.median(np.stack(known), axis=0)
    served = tables.keys() | {other for language in tables for other in inseparable_from(language)}
    found: dict[str, PlattByLabel] = {}
    for language, height in heights.items():
        if language not in served:
            move = np.clip(goal - height, -LARGEST_MOVE, LARGEST_MOVE)
            found[language] = {
                label: Platt(a=default[label].a, b=round(default[label].b + float(move[column]), 4))
                for column, label in enumerate(LABELS)
                if label in default
            }
    return found


def _heights(benign: Scored, table: PlattByLabel) -> Floats:
    """[labels]: the mean of the high quantiles of benign rows' calibrated logits."""
    a = np.array([table[label].a if label in table else 1.0 for label in LABELS])
    b = np.array([table[label].b if label in table else 0.0 for label in LABELS])
    result: Floats = np.quantile(a * benign.logits + b, BENIGN_SHARES, axis=0).mean(axis=0)
    return result


def apply(form: CalibrationForm, scored: Scored) -> Floats:
    """Calibrated probabilities [rows, labels], as pipeline.scoring.calibration gives them."""
    result, known = np.empty_like(scored.probabilities), table_by_language(form)
    for language in np.unique(scored.languages).tolist():
        mine = scored.languages == language
        table = {**form.default, **known.get(language, {})}
        a = np.array([table[label].a if label in table else 1.0 for label in LABELS])
        b = np.array([table[label].b if label in table else 0.0 for label in LABELS])
        result[mine] = 1 / (1 + np.exp(-(a * scored.logits[mine] + b)))
    return result
