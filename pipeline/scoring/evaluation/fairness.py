"""How often a bundle flags harmless sentences that name a group of people, or are in its way of writing.

The sentences were written for this, in fairness_texts/<language>.toml: neutral ones with a place for a group, and ordinary ones in dialects
and in the language of chats. No known test set is among them, so that those can still tell how good a model is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.config import ConfigError, ConfigModel, read_toml
from pipeline.policy.policy import Policy
from pipeline.scoring.evaluation.measure import thresholds
from pipeline.scoring.evaluation.resample import CONFIDENCE
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.evaluation.sample import Sample

TEXTS = Path(__file__).with_name("fairness_texts")
FEMININE = "f:"
_AGREEING = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")

SOURCE, LICENCE = "sluice fairness texts", "Apache-2.0"


class Identities(ConfigModel):
    """`templates` hold `{}` for a group in the plural, as subject; `[masculine|feminine]` agrees with it. `terms`: group to its name.

    A term that begins with `f:` is feminine.
    """

    templates: tuple[str, ...]
    terms: dict[str, str]


class Texts(ConfigModel):
    """A language's file. `dialects`: group to sentences."""

    identities: Identities
    dialects: dict[str, tuple[str, ...]]


class GroupRate(msgspec.Struct, frozen=True):
    """Of `rows` harmless sentences of a group (None: all) in a language (None: all), `flagged` reach a threshold of the policy.

    `interval`: of the share, exact, 95% (Clopper and Pearson, 1934). `highest`: label to its highest score.
    """

    group: str | None
    language: str | None
    rows: int
    flagged: int
    interval: tuple[float, float]
    highest: dict[str, float]

    @property
    def share(self) -> float:
        """Of the rows: the false positive rate."""
        return self.flagged / self.rows


def fairness_rows(labels: Sequence[str]) -> list[LabelledRow]:
    """Every sentence with its group, none of `labels` true. ConfigError when a file does not fit."""
    nothing = dict.fromkeys(labels, 0)
    rows = []
    for path in sorted(TEXTS.glob("*.toml")):
        texts = read_toml(path, Texts)
        for group, term in texts.identities.terms.items():
            rows += [_row(filled(each, term, path), path.stem, group, nothing) for each in texts.identities.templates]
        for group, sentences in texts.dialects.items():
            rows += [_row(each, path.stem, group, nothing) for each in sentences]
    return rows


def kind_of(row: LabelledRow) -> str:
    """Of a row's group: `religion` of `religion/jews`."""
    return (row.group or "").split("/")[0]


def filled(template: str, term: str, path: Path) -> str:
    """`template` with `term`, which may begin with `f:`. ConfigError when there is no place for it."""
    if template.count("{}") != 1:
        raise ConfigError(f"{path}: identities.templates: `{{}}` must stand once in each (got {template!r})")
    feminine = term.startswith(FEMININE)
    sentence = _AGREEING.sub(lambda match: match[2 if feminine else 1], template).replace("{}", term.removeprefix(FEMININE))
    return sentence[0].upper() + sentence[1:]


def group_rates(sample: Sample, policy: Policy) -> tuple[GroupRate, ...]:
    """All together, each language, each group, each group in each language; in that order."""
    at = {language: thresholds(policy, language) for language in np.unique(sample.languages).tolist()}
    limits = np.array([[at[language].get(label, np.inf) for label in sample.labels] for language in sample.languages.tolist()])
    reached: NDArray[np.bool_] = np.any(sample.scores >= limits, axis=1)
    pairs = sorted(set(zip(sample.groups.tolist(), sample.languages.tolist(), strict=True)))
    wanted: list[tuple[str | None, str | None]] = [
        (None, None),
        *((None, language) for language in sorted(at)),
        *((group, None) for group in sorted({group for group, _ in pairs})),
        *pairs,
    ]
    return tuple(_rate(sample, reached, group, language) for group, language in wanted)


def _rate(sample: Sample, reached: NDArray[np.bool_], group: str | None, language: str | None) -> GroupRate:
    chosen = np.ones(len(reached), dtype=np.bool_)
    if group is not None:
        chosen &= sample.groups == group
    if language is not None:
        chosen &= sample.languages == language
    flagged = int(reached[chosen].sum())
    exact = stats.binomtest(flagged, int(chosen.sum())).proportion_ci(CONFIDENCE, method="exact")
    highest = dict(zip(sample.labels, sample.scores[chosen].max(axis=0).tolist(), strict=True))
    return GroupRate(group, language, int(chosen.sum()), flagged, (float(exact.low), float(exact.high)), highest)


def _row(text: str, language: str, group: str, labels: dict[str, int]) -> LabelledRow:
    return msgspec.convert(
        {"text": text, "language": language, "group": group, "labels": labels, "source": SOURCE, "licence": LICENCE}, LabelledRow
    )
