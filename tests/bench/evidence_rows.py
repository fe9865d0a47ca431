"""The rows that the default policy's thresholds and evidence are made from: `python -m tests.bench.evidence_rows BUNDLE DIR`.

DIR is that of `sluice train`. Writes to `--out`, with the scores that posts with these texts would get:

- `dev.jsonl`, `test.jsonl`: labelled rows of these parts (pipeline.scoring.training.splits). The dev rows go to `sluice calibrate`.
- `benign-choose.jsonl`, `benign-measure.jsonl`: ordinary text that is only for measuring, in two halves by hash (`half_of`). Thresholds are
  chosen on the first and measured on the second.
- `benign-tweets.jsonl`: ordinary text whose licence says `local eval only`. Its first half only raises thresholds; the second measures.

Prints how much of the ordinary text reaches a threshold of the policy.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

import pipeline
from agents.cli.rows import scored_by
from pipeline.policy.policy import Policy, read_policies
from pipeline.scoring.evaluation.benign import flagged
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.evaluation.sample import Sample
from pipeline.scoring.training.rows import LABELS, LOCAL_ONLY, Row, read_directory
from pipeline.scoring.training.splits import Part, parts

POLICY = Path(pipeline.__file__).parent / "policies" / "default"
OUT = Path(__file__).resolve().parents[2] / "build" / "evidence"
HALVES = ("choose", "measure")


def half_of(text: str) -> str:
    """`choose` or `measure`, by the lowest bit of the first byte of the SHA-256 of `half ` and the text."""
    return HALVES[hashlib.sha256(b"half " + text.encode()).digest()[0] & 1]


def files_of(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each row that is not trained on, and the file in which it goes."""
    for row, part in zip(rows, parts([row.text for row in rows]), strict=True):
        if row.benign and row.measured_only and row.text.strip():
            yield f"benign-{'tweets' if LOCAL_ONLY in row.licence else half_of(row.text)}", row
        elif not row.benign and part is not Part.TRAIN and row.text.strip():
            yield part.value, row


def labelled(row: Row) -> LabelledRow:
    """In the form of `sluice evaluate`."""
    judged = {label: 1 if value else 0 for label, value in zip(LABELS, row.targets.tolist(), strict=True) if not math.isnan(value)}
    return msgspec.convert(
        {"text": row.text, "language": row.language, "labels": judged, "source": row.source, "licence": row.licence}, LabelledRow
    )


def show(name: str, sample: Sample, policy: Policy) -> None:
    """Prints the share that reaches a threshold, all together and per language, the highest first."""
    for each in sorted(flagged(sample, policy), key=lambda each: (each.language is not None, -each.share)):
        low, high = each.interval
        labels = ", ".join(f"{label} {count}" for label, count in each.by_label.items())
        print(f"{name} {each.language or 'all'}: {each.flagged} of {each.rows}, {each.share:.2%} ({low:.2%} to {high:.2%}) {labels}")


def main() -> None:
    """Reads the arguments, scores, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    policy = read_policies(POLICY).at(dt.datetime.now(dt.UTC))
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[LabelledRow]] = {}
    for name, row in files_of(read_directory(arguments.data)[0]):
        found.setdefault(name, []).append(labelled(row))
    for name, rows in found.items():
        print(f"{name}: {len(rows)} rows", file=sys.stderr)
        (version, *_), (sample,) = scored_by(arguments.bundle, rows)
        pairs = zip(rows, sample.scores.tolist(), strict=True)
        lines = [msgspec.structs.replace(row, scores=dict(zip(LABELS, line, strict=True)), model_version=version) for row, line in pairs]
        (arguments.out / f"{name}.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        if name.startswith("benign"):
            show(name, sample, policy)


if __name__ == "__main__":
    main()
