"""How often a bundle flags harmless sentences about groups and in dialects: `python -m tests.bench.fairness BUNDLE [--rows FILE]`.

`--rows` also writes the sentences with their scores, as rows for `sluice calibrate`. Prints Markdown tables, and writes them and JSON to
`--out`.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

import pipeline
from pipeline.policy.policy import read_policies
from pipeline.scoring.evaluation.fairness import GroupRate, fairness_rows, group_rates
from pipeline.scoring.evaluation.sample import score_rows
from pipeline.scoring.model import Model

POLICY = Path(pipeline.__file__).parent / "policies" / "default"
OUT = Path(__file__).resolve().parents[2] / "build" / "fairness"


class Report(msgspec.Struct, frozen=True):
    """What is written as JSON."""

    model_version: str
    policy: str
    rates: tuple[GroupRate, ...]


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


def main() -> None:
    """Reads the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    model = Model.load(arguments.bundle)
    version, labels = model.bundle.model_version, model.bundle.labels
    policy = read_policies(POLICY).at(dt.datetime.now(dt.UTC))
    rows = fairness_rows(labels)

    def score(texts: Sequence[str], languages: Sequence[str]) -> list[dict[str, float]]:
        return [each.probabilities for each in model.score(texts, languages)]

    sample = score_rows(rows, labels, {version}, score)
    rates = group_rates(sample, policy)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "fairness.json").write_bytes(msgspec.json.format(msgspec.json.encode(Report(version, policy.id, rates))))
    (arguments.out / "fairness.md").write_text(fairness_table(rates) + "\n", encoding="utf-8")
    if arguments.rows:
        scored = (dict(zip(labels, line, strict=True)) for line in sample.scores.tolist())
        lines = [msgspec.structs.replace(row, scores=scores, model_version=version) for row, scores in zip(rows, scored, strict=True)]
        arguments.rows.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    print(fairness_table(rates))


if __name__ == "__main__":
    main()
