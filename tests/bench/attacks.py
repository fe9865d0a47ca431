"""What disguises cost a bundle: `python -m tests.bench.attacks BUNDLE [--data FILE] [--benign FILE]`.

Rows are those of `sluice evaluate`; without `--data`, the project's own sample. Prints Markdown tables, writes them and JSON to `--out`.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import msgspec

import pipeline
from pipeline.policy.policy import read_policies
from pipeline.scoring.evaluation.attacks import Attacked, Harm, attacked, harmed
from pipeline.scoring.evaluation.rows import LabelledRow, read_rows
from pipeline.scoring.evaluation.tables import attack_table, harm_table
from pipeline.scoring.model import Model

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "labelled" / "rows.jsonl.gz"
POLICY = Path(pipeline.__file__).parent / "policies" / "default"
OUT = Path(__file__).resolve().parents[2] / "build" / "attacks"


class Report(msgspec.Struct, frozen=True):
    """What is written as JSON."""

    model_version: str
    policy: str
    label: str
    seed: int
    attacked: tuple[Attacked, ...]
    harmed: tuple[Harm, ...]


def main() -> None:
    """Reads the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument("--benign", type=Path, action="append", default=[])
    parser.add_argument("--languages", nargs="*", help="only these")
    parser.add_argument("--label", default="toxic")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    model = Model.load(arguments.bundle)
    policy = read_policies(POLICY).at(dt.datetime.now(dt.UTC))

    def rows(path: Path) -> list[LabelledRow]:
        return [row for row in read_rows(path).rows if not arguments.languages or row.tag in arguments.languages]

    found = attacked(model, rows(arguments.data), policy, label=arguments.label, seed=arguments.seed)
    harm = harmed(model, [row for path in arguments.benign for row in rows(path)], policy)
    report = Report(model.bundle.model_version, policy.id, arguments.label, arguments.seed, found, harm)
    tables = attack_table(found) + ("\n\n" + harm_table(harm) if harm else "")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "attacks.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    (arguments.out / "attacks.md").write_text(tables + "\n", encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
