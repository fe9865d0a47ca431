"""Which rows a run sees, in which proportion, and what stands beside them.

A draw is a labelled row, or a benign one. Benign rows as plain negatives do harm: a model learns "this language is clean" of the languages
without labelled rows. So a benign row is drawn with soft targets, or as context around a labelled row, which then decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.training.augment import crude
from pipeline.scoring.training.rows import LABELS, Floats, Row

FLATTEN = 0.6
"""A source of n rows is drawn in proportion to n ** FLATTEN, half of it harmful rows, so that the large sources do not drown the others."""

FEW = 50
"""Harmful or harmless rows of a source. With no more of them its rows are drawn alike: each of the few would come hundreds of times."""

RARE = 1.5
"""Rows with a rare label are drawn this much more often."""

RARE_LABELS = tuple(LABELS.index(label) for label in ("insult", "threat", "sexual", "profanity"))
HARM_LABELS = tuple(LABELS.index(label) for label in ("toxic", "hate", "spam"))
SOFT_LABELS = tuple(LABELS.index(label) for label in ("toxic", "hate", "insult"))
"""What a benign row says something about, with soft targets."""

BOUND_LABELS = tuple(LABELS.index(label) for label in ("spam", "sexual"))
"""Labels that few collections judge, each of one kind of text: without ordinary text as negatives a model finds them everywhere else."""

SPAM, HATE = LABELS.index("spam"), LABELS.index("hate")

ASSUMED, ASSUMED_SPAM = 0.3, 0.02
"""Share of draws in which a labelled row of a collection that does not judge spam counts as none, and its target: abuse is seldom spam."""

Weights = NDArray[np.float64]
Noise = Callable[[str, str, Floats, np.random.Generator], tuple[str, Floats]]
"""Text, language and targets to others: pipeline.scoring.training.augment."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A text to learn from. When it is too long, `before` and `after` are shortened and `text` is not. `own`: written for this project."""

    text: str
    targets: Floats
    before: str = ""
    after: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a run's draws. `soft`: a benign row's target for toxic, hate and insult; below 0 the rows are hard zeros everywhere.

    `own`: how many times as often as by their number the rows are drawn that were written for this project.
    """

    benign: float = 0.18
    joined_harmful: float = 0.35
    joined_clean: float = 0.2
    soft: float = 0.05
    own: float = 1.0


def harmful(row: Row) -> bool:
    """Whether any label of a row is 1."""
    return bool((np.nan_to_num(row.targets) > 0.5).any())


def weights(rows: Sequence[Row], benign: float, own: float = 1.0) -> Weights:
    """The chance of each row in a draw, by the shares of a Mix. Sums to 1."""
    is_benign = np.array([row.benign for row in rows])
    labelled = _labelled(rows, is_benign) * np.where([row.own for row in rows], own, 1.0)
    if not is_benign.any() or not benign:
        only: Weights = labelled / labelled.sum()
        return only
    clean = _benign(rows, is_benign)
    both: Weights = (1 - benign) * labelled / labelled.sum() + benign * clean / clean.sum()
    return both


def _labelled(rows: Sequence[Row], is_benign: NDArray[np.bool_]) -> Weights:
    files = np.array([row.file for row in rows])
    targets = np.nan_to_num(np.stack([row.targets for row in rows])) > 0.5
    positive = targets[:, HARM_LABELS].any(axis=1)
    chance = np.zeros(len(rows))
    for file in np.unique(files[~is_benign]):
        mine = files == file
        sides = (mine & positive, mine & ~positive)
        mass = mine.sum() ** FLATTEN
        balanced = all(side.sum() > FEW for side in sides)
        for part in sides if balanced else (mine,):
            chance[part] = mass / part.sum() / (2 if balanced else 1)
    return np.where(targets[:, RARE_LABELS].any(axis=1), chance * RARE, chance)


def _benign(rows: Sequence[Row], is_benign: NDArray[np.bool_]) -> Weights:
    """Every file alike, and in it every language alike, however many rows it has; a file in proportion to the square root of its rows."""
    chance = np.zeros(len(rows))
    groups: dict[str, dict[str, list[int]]] = {}
    for index in np.flatnonzero(is_benign).tolist():
        groups.setdefault(rows[index].file, {}).setdefault(rows[index].language, []).append(index)
    for languages in groups.values():
        total = sum(len(indices) for indices in languages.values())
        size = {language: min(len(indices), 300) for language, indices in languages.items()}
        for language, indices in languages.items():
            chance[indices] = total**0.5 * size[language] / sum(size.values()) / len(indices)
    return chance


def assumed(rows: Iterable[Row], targets: Mapping[str, Mapping[int, float]], words: Mapping[str, Collection[str]]) -> list[Row]:
    """`rows`; those of some files with targets, by the number of the label, for what was not judged.

    For rows that are not hateful and have none of the crude `words` of their language. Collections that look for hate alone say nothing of
    the rest, and a model that never sees a harmless sentence about a group takes the group's name for an insult.
    """
    return [_with_targets(row, targets[row.file], words.get(row.language, ())) if row.file in targets else row for row in rows]


def _with_targets(row: Row, targets: Mapping[int, float], words: Collection[str]) -> Row:
    if row.targets[HATE] == 1 or crude(row.text, words):
        return row
    changed = row.targets.copy()
    for label, target in targets.items():
        if np.isnan(changed[label]):
            changed[label] = target
    return replace(row, targets=changed)


def draws(rows: Sequence[Row], count: int, mix: Mix, noise: Noise, random: np.random.Generator) -> list[Draw]:
    """`count` draws in the proportions of `mix`."""
    chance = weights(rows, mix.benign, mix.own)
    drawn = random.choice(len(rows), count, p=chance)
    pools = [_pool(rows, chance, count, random, wanted=wanted) for wanted in (True, False)]
    result = []
    for index in drawn:
        row = rows[index]
        if not row.benign:
            result.append(Draw(*noise(row.text, row.language, _assumed(row.targets, random), random), own=row.own))
            continue
        share = random.random()
        if share >= mix.joined_harmful + mix.joined_clean:
            result.append(Draw(*noise(row.text, row.language, _soft(mix.soft), random)))
            continue
        partner = rows[next(pools[0 if share < mix.joined_harmful else 1])]
        text, targets = noise(partner.text, partner.language, partner.targets, random)
        first = random.random() < 0.5
        result.append(Draw(text, targets, row.text if first else "", "" if first else row.text, partner.own))
    return result


def _pool(rows: Sequence[Row], chance: Weights, count: int, random: np.random.Generator, *, wanted: bool) -> Iterator[int]:
    """Labelled rows that are harmful, or clean for certain, drawn as often as they would be anyway."""
    fits = np.array([not row.benign and (harmful(row) if wanted else row.targets[0] == 0 and not harmful(row)) for row in rows])
    share = np.where(fits, chance, 0)
    return iter(random.choice(len(rows), count, p=share / share.sum()).tolist()) if share.any() else iter(())


def _soft(soft: float) -> Floats:
    if soft < 0:
        return np.zeros(len(LABELS), np.float32)
    targets = np.full(len(LABELS), np.nan, np.float32)
    targets[list(SOFT_LABELS)] = soft
    targets[list(BOUND_LABELS)] = 0
    return targets


def _assumed(targets: Floats, random: np.random.Generator) -> Floats:
    """The targets of a labelled row, perhaps with an assumption about spam."""
    if not np.isnan(targets[SPAM]) or random.random() >= ASSUMED:
        return targets
    changed = targets.copy()
    changed[SPAM] = ASSUMED_SPAM
    return changed
