"""Ordinary text in two halves, one to choose a policy's thresholds on and one to measure them: `python -m tests.bench.ordinary BUNDLE DIR`.

Reads `benign/*.jsonl.gz` in DIR: rows with `split` = `eval`, which no training sees. A text's half follows from its hash alone (`half_of`).
Rows whose licence says `local eval only` (tweets) choose nothing; they are a third file. Writes `benign-choose.jsonl`,
`benign-measure.jsonl` and `benign-tweets.jsonl` with scores, for `sluice calibrate` and `sluice evaluate`, and prints how much of each
reaches a threshold of the policy.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

import pipeline
from pipeline.policy.policy import Policy, read_policies
from pipeline.scoring.evaluation.benign import flagged
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.evaluation.sample import Sample, score_rows
from pipeline.scoring.model import Model
from pipeline.scoring.training.rows import LOCAL_ONLY, Row, read_directory

POLICY = Path(pipeline.__file__).parent / "policies" / "default"
OUT = Path(__file__).resolve().parents[2] / "build" / "ordinary"
PARTS = ("choose", "measure", "tweets")


def half_of(text: str) -> str:
    """`choose` or `measure`, by the lowest bit of the first byte of the SHA-256 of `half ` and the text."""
    return PARTS[hashlib.sha256(b"half " + text.encode()).digest()[0] & 1]


def part_of(row: Row) -> str:
    """The file in which a row goes."""
    return "tweets" if LOCAL_ONLY in row.licence else half_of(row.text)


def scored(model: Model, rows: Sequence[LabelledRow]) -> Sample:
    """The rows with the bundle's own scores."""

    def score(texts: Sequence[str], languages: Sequence[str]) -> list[dict[str, float]]:
        return [each.probabilities for each in model.score(texts, languages)]

    return score_rows(rows, model.bundle.labels, {model.bundle.model_version}, score)


def show(part: str, sample: Sample, policy: Policy) -> None:
    """Prints the share that reaches a threshold, per language, the highest first."""
    for each in sorted(flagged(sample, policy), key=lambda each: (each.language is not None, -each.share)):
        low, high = each.interval
        labels = ", ".join(f"{label} {count}" for label, count in each.by_label.items())
        print(f"{part} {each.language or 'all'}: {each.flagged} of {each.rows}, {each.share:.2%} ({low:.2%} to {high:.2%}) {labels}")


def main() -> None:
    """Reads the arguments, scores, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    model = Model.load(arguments.bundle)
    version, labels = model.bundle.model_version, model.bundle.labels
    policy = read_policies(POLICY).at(dt.datetime.now(dt.UTC))
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = [row for row in read_directory(arguments.data)[0] if row.benign and row.measured_only and row.text.strip()]
    for part in PARTS:
        mine = [
            LabelledRow(text=row.text, language=row.language, source=row.source, licence=row.licence)
            for row in rows
            if part_of(row) == part
        ]
        sample = scored(model, mine)
        lines = (
            msgspec.structs.replace(row, scores=dict(zip(labels, line, strict=True)), model_version=version)
            for row, line in zip(mine, sample.scores.tolist(), strict=True)
        )
        (arguments.out / f"benign-{part}.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        show(part, sample, policy)


if __name__ == "__main__":
    main()
