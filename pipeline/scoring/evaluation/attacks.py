"""What disguises cost a bundle, with its texts normalised and without, and what normalisation does to ordinary text.

All texts of a sample are disguised, harmless ones too: else a model that only minds oddness would seem to see through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

import msgspec
import numpy as np
from scipy import stats
from sklearn import metrics

from pipeline.policy.policy import Policy
from pipeline.scoring.bundle import Normalisation, TextForm
from pipeline.scoring.evaluation.disguises import DISGUISES, Disguise
from pipeline.scoring.evaluation.measure import thresholds
from pipeline.scoring.evaluation.resample import CONFIDENCE, Array
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.model import Model, Prepared
from pipeline.scoring.text import prepare

MOVED = 0.05
"""A difference of scores that matters: of a probability in policies' thresholds."""

FORMS = (Normalisation.LINKS_AND_NAMES, Normalisation.ROBUST)
"""Without normalisation and with it."""

Progress = Callable[[int], None]
"""Called with the number of texts scored since the last call."""


class Attacked(msgspec.Struct, frozen=True):
    """A label's figures on disguised texts; `disguise` None: as they were written. `language` None: the mean over languages.

    `found`, `flagged`: share of the harmful and of the harmless that reach the policy's lowest threshold for the label there.
    """

    disguise: str | None
    normalisation: Normalisation
    language: str | None
    harmful: int
    harmless: int
    auc: float
    found: float
    flagged: float


class Harm(msgspec.Struct, frozen=True):
    """Of `rows` ordinary texts in a language (None: all), how many normalisation changes at all, and how many move by more than MOVED.

    `crossed`: those that reach a threshold of the policy with normalisation and not without, or the other way round. `interval`: of the
    share moved, exact, 95% (Clopper and Pearson, 1934).
    """

    language: str | None
    rows: int
    changed: int
    moved: int
    crossed: int
    interval: tuple[float, float]


def attacked(  # noqa: PLR0913 - each is something that a caller chooses
    model: Model,
    rows: Sequence[LabelledRow],
    policy: Policy,
    *,
    label: str = "toxic",
    disguises: Mapping[str, Disguise] = DISGUISES,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Attacked, ...]:
    """For no disguise and each of `disguises`, without normalisation and with it: each language that has both kinds, then their mean.

    ValueError when no language has texts with the label and without.
    """
    judged = [(row.tag, row.text, row.labels[label]) for row in rows if row.text is not None and row.labels.get(label) is not None]
    both = [tag for tag in sorted({tag for tag, *_ in judged}) if {truth for other, _, truth in judged if other == tag} == {0, 1}]
    if not both:
        raise ValueError(f"no language has texts that are {label} and texts that are not")
    found = []
    for name, disguise in (None, None), *disguises.items():
        chance = Random(f"{seed} {name}")  # noqa: S311 - nothing depends on its being secret
        texts = [(tag, disguise(text, chance) if disguise else text, truth) for tag, text, truth in judged if tag in both]
        for form in FORMS:
            cells = list(_cells(model, texts, policy, label, (name, form)))
            found += [*cells, _mean(cells)]
            if progress:
                progress(len(texts))
    return tuple(found)


def harmed(model: Model, rows: Sequence[LabelledRow], policy: Policy) -> tuple[Harm, ...]:
    """All languages together, then each. Only changed texts are scored: the others' scores cannot move."""
    pairs = [Pair(row.tag, *(_prepared(model, row.text, form) for form in FORMS)) for row in rows if row.text is not None]
    changed = [pair for pair in pairs if pair.plain != pair.normalised]
    tags = [pair.language for pair in changed]
    before = model.score_prepared([pair.plain for pair in changed], tags)
    after = model.score_prepared([pair.normalised for pair in changed], tags)
    moved, crossed = [], []
    for tag, old, new in zip(tags, before, after, strict=True):
        limits = thresholds(policy, tag)
        if max(abs(score - new.probabilities[label]) for label, score in old.probabilities.items()) > MOVED:
            moved.append(tag)
        if _reaches(old.probabilities, limits) != _reaches(new.probabilities, limits):
            crossed.append(tag)
    everything = [pair.language for pair in pairs]
    languages: list[str | None] = [None, *sorted(set(everything))] if everything else []
    return tuple(_harm(language, everything, tags, moved, crossed) for language in languages)


class Pair(NamedTuple):
    """A text in both forms."""

    language: str
    plain: Prepared
    normalised: Prepared


def _harm(language: str | None, *occurrences: Sequence[str]) -> Harm:
    rows, changed, moved, crossed = (sum(language in {None, tag} for tag in tags) for tags in occurrences)
    exact = stats.binomtest(moved, rows).proportion_ci(CONFIDENCE, method="exact")
    return Harm(language, rows, changed, moved, crossed, (float(exact.low), float(exact.high)))


def _reaches(scores: Mapping[str, float], limits: Mapping[str, float]) -> bool:
    return any(scores[label] >= limit for label, limit in limits.items() if label in scores)


def _prepared(model: Model, text: str, normalisation: Normalisation) -> Prepared:
    return Prepared(*prepare(text, TextForm(normalisation=normalisation, max_characters=model.bundle.text.max_characters)))


def _cells(
    model: Model, texts: Sequence[tuple[str, str, int | None]], policy: Policy, label: str, name: tuple[str | None, Normalisation]
) -> Iterator[Attacked]:
    tags = [tag for tag, *_ in texts]
    scored = model.score_prepared([_prepared(model, text, name[1]) for _, text, _ in texts], tags)
    scores: Array = np.array([each.probabilities[label] for each in scored])
    truth, languages = np.array([value for *_, value in texts]), np.array(tags)
    for language in sorted(set(tags)):
        chosen = languages == language
        here, harmful = scores[chosen], truth[chosen] == 1
        reached = here >= thresholds(policy, language).get(label, np.inf)
        yield Attacked(
            *name,
            language=language,
            harmful=int(harmful.sum()),
            harmless=int((~harmful).sum()),
            auc=float(metrics.roc_auc_score(harmful, here)),
            found=float(reached[harmful].mean()),
            flagged=float(reached[~harmful].mean()),
        )


def _mean(cells: Sequence[Attacked]) -> Attacked:
    """Each language weighs the same."""
    auc, found, flagged = (float(np.mean([getattr(cell, name) for cell in cells])) for name in ("auc", "found", "flagged"))
    harmful, harmless = (sum(getattr(cell, name) for cell in cells) for name in ("harmful", "harmless"))
    return Attacked(cells[0].disguise, cells[0].normalisation, None, harmful, harmless, auc, found, flagged)
