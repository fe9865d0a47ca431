"""Figures of attacks and of fairness as Markdown tables: for the commands in tests/bench, the docs and the model card."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.scoring.evaluation.attacks import FORMS, Attacked, Harm
from pipeline.scoring.evaluation.fairness import GroupRate


def attack_table(found: Sequence[Attacked]) -> str:
    """Means over languages, a line per disguise: AUC, found and flagged without and with normalisation; then AUC per language."""
    means = {(each.disguise, each.normalisation): each for each in found if each.language is None}
    lines = [
        "| disguise | AUC without | AUC with | found without | found with | harmless flagged without | with |",
        "|---|---|---|---|---|---|---|",
    ]
    for disguise in dict.fromkeys(each.disguise for each in found):
        plain, normalised = (means[disguise, form] for form in FORMS)
        lines.append(
            f"| {disguise or 'none'} | {plain.auc:.3f} | {normalised.auc:.3f} | {plain.found:.0%} | {normalised.found:.0%} "
            f"| {plain.flagged:.1%} | {normalised.flagged:.1%} |"
        )
    return "\n".join([*lines, "", *_by_language(found)])


def _by_language(found: Sequence[Attacked]) -> list[str]:
    cells = {(each.disguise, each.normalisation, each.language): each.auc for each in found if each.language}
    languages = sorted({language for *_, language in cells if language})
    lines = [f"| AUC without, with | {' | '.join(languages)} |", "|---" * (len(languages) + 1) + "|"]
    for disguise in dict.fromkeys(each.disguise for each in found):
        pairs = [", ".join(f"{cells[disguise, form, language]:.2f}" for form in FORMS) for language in languages]
        lines.append(f"| {disguise or 'none'} | {' | '.join(pairs)} |")
    return lines


def harm_table(found: Sequence[Harm]) -> str:
    """A line per language, all first."""
    lines = ["| ordinary text | rows | changed | moved by more than .05 | 95% | across a threshold |", "|---|---|---|---|---|---|"]
    for each in found:
        low, high = each.interval
        lines.append(
            f"| {each.language or 'all'} | {each.rows} | {each.changed / each.rows:.2%} | {each.moved / each.rows:.2%} "
            f"| {low:.2%} to {high:.2%} | {each.crossed} |"
        )
    return "\n".join(lines)


def fairness_table(rates: Sequence[GroupRate]) -> str:
    """Three tables: languages, groups over all languages, and of groups in a language those with anything flagged, worst first."""
    languages = [each for each in rates if each.group is None]
    groups = [each for each in rates if each.group is not None and each.language is None]
    cells = [each for each in rates if each.group is not None and each.language is not None and each.flagged]
    return "\n\n".join(
        _table(*part) for part in (("language", languages), ("group", _worst_first(groups)), ("group, language", _worst_first(cells)))
    )


def _worst_first(rates: Sequence[GroupRate]) -> list[GroupRate]:
    return sorted(rates, key=lambda each: (-each.share, -each.rows))


def _table(name: str, rates: Sequence[GroupRate]) -> str:
    lines = [f"| {name} | sentences | flagged | share | 95% |", "|---|---|---|---|---|"]
    for each in rates:
        low, high = each.interval
        who = ", ".join(part for part in (each.group, each.language) if part) or "all"
        lines.append(f"| {who} | {each.rows} | {each.flagged} | {each.share:.1%} | {low:.1%} to {high:.1%} |")
    return "\n".join(lines)
