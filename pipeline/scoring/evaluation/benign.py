"""How much ordinary text a policy would send to people or act on."""

from __future__ import annotations

import msgspec
import numpy as np
from scipy import stats

from pipeline.policy.policy import Policy
from pipeline.scoring.evaluation.measure import thresholds
from pipeline.scoring.evaluation.resample import CONFIDENCE
from pipeline.scoring.evaluation.sample import Sample


class Flagged(msgspec.Struct, frozen=True):
    """Of `rows` ordinary texts in a language (None: all together), `flagged` reach a threshold of the policy, `by_label` which.

    `interval`: of the share, exact, 95% (Clopper and Pearson, 1934).
    """

    language: str | None
    rows: int
    flagged: int
    interval: tuple[float, float]
    by_label: dict[str, int]

    @property
    def share(self) -> float:
        """Of the rows."""
        return self.flagged / self.rows


def flagged(sample: Sample, policy: Policy) -> tuple[Flagged, ...]:
    """All languages together, then each. A sample without rows gives nothing."""
    at = {language: thresholds(policy, language) for language in np.unique(sample.languages).tolist()}
    limits = np.array([[at[language].get(label, np.inf) for label in sample.labels] for language in sample.languages.tolist()])
    if not len(limits):
        return ()
    reached = sample.scores >= limits
    everyone = np.ones(len(reached), dtype=np.bool_)
    chosen = {None: everyone} | {language: sample.languages == language for language in at}
    return tuple(_flagged(language, reached[rows], sample.labels) for language, rows in chosen.items())


def _flagged(language: str | None, reached: np.ndarray[tuple[int, int], np.dtype[np.bool_]], labels: tuple[str, ...]) -> Flagged:
    number = int(reached.any(axis=1).sum())
    exact = stats.binomtest(number, len(reached)).proportion_ci(CONFIDENCE, method="exact")
    by_label = {label: int(count) for label, count in zip(labels, reached.sum(axis=0).tolist(), strict=True) if count}
    return Flagged(language, len(reached), number, (float(exact.low), float(exact.high)), by_label)
