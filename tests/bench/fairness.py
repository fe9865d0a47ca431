"""How often a bundle flags harmless sentences about groups and in dialects: `python -m tests.bench.fairness BUNDLE [--rows FILE]`.

`--rows` also writes the sentences with their scores, as rows for `sluice calibrate`; their groups there are but two, `identity words` and
`dialects`, because the sentences of one group or kind in a language are too few to bound its rate.
Prints Markdown tables, and writes them and JSON to `--out`.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

import pipeline
from pipeline.policy.policy import read_policies
from pipeline.scoring.evaluation.fairness import GroupRate, fairness_rows, group_rates, kind_of
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.evaluation.sample import score_rows
from pipeline.scoring.evaluation.tables import fairness_table
from pipeline.scoring.model import Model

POLICY = Path(pipeline.__file__).parent / "policies" / "default"
OUT = Path(__file__).resolve().parents[2] / "build" / "fairness"


class Report(msgspec.Struct, frozen=True):
    """What is written as JSON."""

    model_version: str
    policy: str
    rates: tuple[GroupRate, ...]


def merged(row: LabelledRow) -> str:
    """The group of a row in the evidence."""
    return "dialects" if kind_of(row) == "dialect" else "identity words"


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
        pairs = zip(rows, scored, strict=True)
        lines = [msgspec.structs.replace(row, group=merged(row), scores=scores, model_version=version) for row, scores in pairs]
        arguments.rows.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    print(fairness_table(rates))


if __name__ == "__main__":
    main()
