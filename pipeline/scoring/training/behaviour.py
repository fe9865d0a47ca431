"""Parts of a model card that say how a tier takes disguised texts, and sentences about groups of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.policy.policy import Policy
from pipeline.scoring.evaluation.attacks import attacked, harmed
from pipeline.scoring.evaluation.fairness import GroupRate, fairness_rows, group_rates
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.evaluation.sample import score_rows
from pipeline.scoring.evaluation.tables import attack_table, fairness_table, harm_table
from pipeline.scoring.model import Model
from pipeline.scoring.training.rows import LABELS, Row

OF_A_KIND = 60
"""Test rows of a language that are toxic, and that are not, at most: each is scored 36 times."""

GROUP_SENTENCES = 100
"""Of a group, for its line in the card: fewer bound no rate."""

OFTEN = 0.5
"""Share of a group's sentences in a language from which on the card names the pair."""

NOTABLE = 0.005
"""Share of a language's ordinary text that normalisation moves, from which on the card has a line for it."""


def robustness(model: Model, test: Sequence[Row], ordinary: Sequence[Row], policy: Policy) -> str:
    """17 disguises on test rows, and what normalisation does to ordinary text. Empty where no language has rows of both kinds."""
    rows = [_labelled(row) for row in _some(test)]
    try:
        table = attack_table(attacked(model, rows, policy))
    except ValueError:
        return ""
    harm = [
        each
        for each in harmed(model, [_labelled(row) for row in ordinary], policy)
        if each.language is None or each.moved >= NOTABLE * each.rows
    ]
    return (
        f"17 disguises on {len(rows)} test rows, at most {OF_A_KIND} toxic and {OF_A_KIND} other ones a language, each without "
        "normalisation and with it: AUC of toxic, and the share of toxic and of other rows above the policy's threshold; means over "
        f"languages.\n\n{table}\n\nOrdinary text that normalisation changes, and languages in which it moves scores of {NOTABLE:.1%} or "
        f"more.\n\n{harm_table(harm)}\n\nWhat normalisation undoes: docs/model/robustness.md."
    )


def _some(rows: Sequence[Row]) -> list[Row]:
    chosen: dict[tuple[str, float], list[Row]] = {}
    for index in np.random.default_rng(0).permutation(len(rows)).tolist():
        row = rows[index]
        members = chosen.setdefault((row.language, float(row.targets[0])), [])
        if not np.isnan(row.targets[0]) and len(members) < OF_A_KIND:
            members.append(row)
    return [row for _, members in sorted(chosen.items(), key=lambda each: str(each[0])) for row in members]


def _labelled(row: Row) -> LabelledRow:
    pairs = zip(LABELS, row.targets.tolist(), strict=True)
    return LabelledRow(
        text=row.text, language=row.language, labels={label: 1 if value else 0 for label, value in pairs if not np.isnan(value)}
    )


def fairness(model: Model, policy: Policy) -> str:
    """Harmless sentences that name a group or are in its way of writing: how many reach a threshold."""
    labels, version = model.bundle.labels, model.bundle.model_version

    def score(texts: Sequence[str], languages: Sequence[str]) -> list[dict[str, float]]:
        return [each.probabilities for each in model.score(texts, languages)]

    rates = [rate for rate in group_rates(score_rows(fairness_rows(labels), labels, {version}, score), policy) if _shown(rate)]
    return (
        f"Harmless sentences of the project, in 19 languages, that reach a threshold of the policy {policy.id}: by language; groups with "
        f"{GROUP_SENTENCES} sentences or more; groups of which {OFTEN:.0%} or more are flagged in a language.\n\n"
        f"{fairness_table(rates)}\n\nWhat the sentences are: docs/model/fairness.md."
    )


def _shown(rate: GroupRate) -> bool:
    if rate.group is None:
        return True
    return rate.rows >= GROUP_SENTENCES if rate.language is None else rate.share >= OFTEN
