"""Fits pipeline/language/calibration.toml on labelled rows, and measures: `python -m tests.bench.fit_language FOLDER... [--write]`.

A folder holds `*.jsonl` or `*.jsonl.gz`; a row has `text`, `lang` (BCP 47) and, if it likes, `split` (dev: fitted on; eval: measured on).
Rows without a split are halved by their hash. A row whose `licence` says "local eval only" is measured, never fitted on.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.language import calibration
from pipeline.language.clean import clean, has_words
from pipeline.language.identify import Identifier
from pipeline.language.languages import CLASSES, INSEPARABLE, OTHER, hinted

LENGTHS = (0, 20, 50, 140, 10_000)
"""Bounds of the buckets, in characters of the cleaned text."""

EDGES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.965, 0.975, 1.0)
"""Bins of the posterior. Of equal width rather than of equal weight: nearly all answers are sure, and the few that are not matter here."""

LEAN = 5
"""A bin leans on the posterior itself as if it had been seen on so many rows more: bins of long texts that are unsure hold few."""

PER_FILE_AND_LANGUAGE = 1_000
"""Rows per file, language and split: more would only make one source louder."""

PIECES = (18, 45)
"""Texts of other languages are rare and long here: their beginnings are measured as well, in characters."""

Floats = NDArray[np.float64]


class Row(NamedTuple):
    """A labelled text; `language` is one of CLASSES. A row that is `apart` is in no total: its licence allows to look, not to tune."""

    source: str
    text: str
    language: str
    fitted: bool
    apart: bool


class Answer(NamedTuple):
    """What was said about a row. `posterior` and `right` count the inseparable languages as one."""

    row: Row
    tag: str
    characters: int
    posterior: float
    confidence: float
    right: bool
    paired: bool


def read(folders: Sequence[Path]) -> Iterator[Row]:
    """Every row that is measured or fitted on."""
    for path in sorted(file for folder in folders for pattern in ("*.jsonl", "*.jsonl.gz") for file in folder.glob(pattern)):
        seen: dict[tuple[str, bool], int] = {}
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in content.splitlines():
            fields = json.loads(line)
            text, language = fields["text"], hinted(fields["lang"]) or OTHER
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            dev = (fields["split"] == "dev") if "split" in fields else digest[0] % 2 == 0
            seen[language, dev] = seen.get((language, dev), 0) + 1
            if seen[language, dev] > PER_FILE_AND_LANGUAGE:
                continue
            apart = "local eval only" in fields.get("licence", "")
            fitted = dev and not apart
            yield Row(path.name.split(".jsonl")[0], text, language, fitted, apart)
            if language == OTHER:
                yield from (Row("beginnings", text[:size], language, fitted, apart) for size in PIECES)


def answers(identifier: Identifier, rows: Iterator[Row]) -> list[Answer]:
    """One per row that has words."""
    found = []
    for row in rows:
        cleaned = clean(row.text)
        if not has_words(cleaned):
            continue
        posterior = identifier.posterior(cleaned)
        said = identifier.identify(row.text)
        together = {said.tag, *said.alternatives} | (set(INSEPARABLE) if said.tag in INSEPARABLE else set())
        joint = sum(float(posterior[CLASSES.index(tag)]) for tag in together)
        found.append(Answer(row, said.tag, len(cleaned), joint, said.confidence, row.language in together, bool(said.alternatives)))
    return found


def weights(rows: Sequence[Answer]) -> Floats:
    """Each language weighs the same, however many rows it has."""
    counts: dict[str, int] = {}
    for answer in rows:
        counts[answer.row.language] = counts.get(answer.row.language, 0) + 1
    return np.array([1 / counts[answer.row.language] for answer in rows])


def curve(posterior: Floats, right: Floats, weight: Floats) -> tuple[list[float], list[float]]:
    """Isotonic regression over bins (pool adjacent violators), from (0, 0): points (mean posterior, share right)."""
    blocks = [[1.0, 0.0, 0.0]]
    bins = np.searchsorted(EDGES, posterior, side="right")
    for b in sorted(set(bins.tolist())):
        chosen = bins == b
        w, mean = weight[chosen], float(np.average(posterior[chosen], weights=weight[chosen]))
        lean = LEAN * w.mean()
        blocks.append([float(w.sum()), mean, float((w @ right[chosen] + lean * mean) / (w.sum() + lean))])
        while len(blocks) > 2 and blocks[-2][2] >= blocks[-1][2]:
            (w1, x1, y1), (w2, x2, y2) = blocks[-2:]
            blocks[-2:] = [[w1 + w2, (w1 * x1 + w2 * x2) / (w1 + w2), (w1 * y1 + w2 * y2) / (w1 + w2)]]
    return [round(x, 5) for _, x, _ in blocks], [round(y, 5) for *_, y in blocks]


def fit(rows: Sequence[Answer]) -> calibration.Calibration:
    """A curve per bucket of length."""
    buckets = []
    for low, high in pairwise(LENGTHS):
        part = [answer for answer in rows if low <= answer.characters < high]
        xs, ys = curve(np.array([a.posterior for a in part]), np.array([float(a.right) for a in part]), weights(part))
        below = None if high == LENGTHS[-1] else high
        buckets.append(calibration.Bucket(below=below, posterior=tuple(xs), right=tuple(ys)))
    return calibration.Calibration(buckets=tuple(buckets))


def as_toml(fitted: calibration.Calibration) -> str:
    """The file that calibration.load reads."""
    text = "# Made by tests/bench/fit_language.py. Share of right answers per posterior, for cleaned texts below so many characters.\n"
    for bucket in fitted.buckets:
        text += "\n[[buckets]]\n" + (f"below = {bucket.below}\n" if bucket.below else "")
        text += f"posterior = {list(bucket.posterior)}\nright = {list(bucket.right)}\n"
    return text


def calibration_error(rows: Sequence[Answer]) -> float:
    """Expected calibration error: mean distance of confidence and share right over ten bins, weighted by their rows; in percent."""
    confidence = np.array([a.confidence for a in rows])
    right = np.array([float(a.right) for a in rows])
    weight = weights(rows)
    bins = np.minimum((confidence * 10).astype(int), 9)
    error = sum(abs(weight[bins == b] @ (confidence - right)[bins == b]) for b in range(10))
    return 100 * float(error / weight.sum())


def macro_f1(rows: Sequence[Answer], merged: bool) -> float:
    """Mean F1 over the languages that occur, in percent; `merged` counts INSEPARABLE as one language."""

    def name(tag: str) -> str:
        return INSEPARABLE[0] if merged and tag in INSEPARABLE else tag

    truth, said = [name(a.row.language) for a in rows], [name(a.tag) for a in rows]
    scores = []
    for language in sorted(set(truth) - {OTHER}):
        both = sum(t == s == language for t, s in zip(truth, said, strict=True))
        scores.append(2 * both / (truth.count(language) + said.count(language)))
    return 100 * float(np.mean(scores))


def report(rows: Sequence[Answer]) -> None:
    """Prints what docs/model/language.md quotes."""
    benchmark = [a for a in rows if a.row.source.startswith("lingua_")]
    print("| characters | rows | macro-F1, id and ms as one | macro-F1 | Dutch: recall, precision | calibration error |")
    print("|---|---|---|---|---|---|")
    for low, high in pairwise(LENGTHS):
        part = [a for a in benchmark if low <= len(a.row.text) < high]
        everything = [a for a in rows if low <= a.characters < high and not a.row.apart]
        hits = sum(a.tag == a.row.language == "nl" for a in part)
        recall, precision = hits / sum(a.row.language == "nl" for a in part), hits / sum(a.tag == "nl" for a in part)
        print(
            f"| {low}-{high} | {len(part)} | {macro_f1(part, True):.1f} | {macro_f1(part, False):.1f} | {recall:.3f}, {precision:.3f} |",
            end="",
        )
        print(f" {calibration_error(everything):.1f} ({len(everything)} rows) |")
    print("\n| source | language | rows | right | calibration error | median characters |\n|---|---|---|---|---|---|")
    for source, language in sorted({(a.row.source, a.row.language) for a in rows if not a.row.source.startswith("lingua_")}):
        part = [a for a in rows if (a.row.source, a.row.language) == (source, language)]
        if len(part) >= 100:
            share = sum(a.right for a in part) / len(part)
            middle = int(np.median([a.characters for a in part]))
            print(f"| {source} | {language} | {len(part)} | {share:.3f} | {calibration_error(part):.1f} | {middle} |")
    thresholds([a for a in rows if not a.row.apart])


def thresholds(rows: Sequence[Answer]) -> None:
    """What a least confidence costs and buys: share of posts given up, errors among those kept, other languages taken for one of ours."""
    inside, outside = [a for a in rows if a.row.language != OTHER], [a for a in rows if a.row.language == OTHER]
    print("\n| least confidence | given up <20, 20-50, 50-140, 140- | wrong among kept | others taken for ours |")
    print("|---|---|---|---|")
    for least in (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        line, wrong = [], []
        for low, high in pairwise(LENGTHS):
            part = [a for a in inside if low <= a.characters < high]
            kept = [a for a in part if a.tag != OTHER and a.confidence >= least]
            line.append(f"{100 - 100 * len(kept) / len(part):.1f}")
            wrong.append(f"{100 * sum(not a.right for a in kept) / len(kept):.1f}")
        taken = sum(a.tag != OTHER and a.confidence >= least for a in outside) / len(outside)
        print(f"| {least} | {', '.join(line)} % | {', '.join(wrong)} % | {100 * taken:.1f} % |")
    band = [a for a in rows if 0.9 <= a.confidence < 0.95]
    print(f"\nconfidence 0.90-0.95: right {100 * sum(a.right for a in band) / len(band):.1f} % of {len(band)}")
    pair = [a for a in rows if a.row.language in INSEPARABLE and a.tag in INSEPARABLE]
    print(f"id or ms: the right one of both {100 * sum(a.tag == a.row.language for a in pair) / len(pair):.1f} % of {len(pair)}")
    alone = [a for a in pair if not a.paired]
    print(f"named alone: {len(alone)} of them, right {sum(a.tag == a.row.language for a in alone)}")
    print(f"rows of {OTHER}: {len(outside)}")


def main() -> None:
    """Reads the arguments; prints the report for the calibration just fitted, and writes it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help=f"replace {calibration.DEFAULT.name}")
    arguments = parser.parse_args()
    rows = list(read(arguments.folders))
    plain = calibration.Calibration(buckets=(calibration.Bucket(posterior=(0.0, 1.0), right=(0.0, 1.0)),))
    fitted = fit(answers(Identifier(plain), iter([row for row in rows if row.fitted])))
    if arguments.write:
        calibration.DEFAULT.write_text(as_toml(fitted), encoding="utf-8")
    dev = {(row.source, row.text) for row in rows if row.fitted}
    report(answers(Identifier(fitted), iter([row for row in rows if (row.source, row.text) not in dev])))


if __name__ == "__main__":
    main()
