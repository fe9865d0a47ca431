"""The review thresholds of the default policy, from ordinary text: `python -m tests.bench.thresholds BUNDLE ROWS`.

ROWS is where `tests.bench.evidence_rows` has written `benign-choose.jsonl` and `dev.jsonl`. Prints, per label, the threshold of most
languages and those that need another one; docs/policy.md has the rule in words.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.evaluation.rows import LabelledRow

FIRST = {"threat": 0.6, "hate": 0.6, "sexual": 0.75, "insult": 0.75, "spam": 0.7, "profanity": 0.9}
"""Where each label but `toxic` starts in every language."""

STEP, HIGHEST = 0.05, 0.95
MOST_OF_A_LABEL, MOST_OF_ANY = 0.004, 0.006
"""Shares of ordinary text that may reach the threshold of one label, and any threshold."""

LOWEST, LOWEST_LABELLED = 0.65, 0.55
"""Of `toxic`; the second in languages with LABELLED dev rows, but for Arabic, whose tweets had been looked at."""

LABELLED, NOT_LABELLED = 500, frozenset({"ar"})
STEPS = np.round(np.arange(0.5, HIGHEST + STEP / 2, STEP), 2).tolist()


def chosen(scores: dict[str, NDArray[np.float64]], *, labelled: bool) -> dict[str, float]:
    """The threshold of each label in one language, from the scores [rows] of its ordinary text. `labelled`: see LOWEST_LABELLED."""
    rows = len(scores["toxic"])
    found: dict[str, float] = {}
    for label, first in FIRST.items():
        steps = [step for step in STEPS if step >= first]
        counts = {step: int((scores[label] >= step).sum()) for step in steps}
        found[label] = next((step for step in steps if counts[step] <= max(1, MOST_OF_A_LABEL * rows)), HIGHEST)
    others = np.any([scores[label] >= threshold for label, threshold in found.items()], axis=0)
    few = (step for step in STEPS if (others | (scores["toxic"] >= step)).sum() <= MOST_OF_ANY * rows)
    safe = round(next(few, HIGHEST) + STEP, 2)
    return {"toxic": min(HIGHEST, max(safe, LOWEST_LABELLED if labelled else LOWEST)), **found}


def by_language(path: Path) -> dict[str, list[LabelledRow]]:
    """The rows of a file."""
    found: defaultdict[str, list[LabelledRow]] = defaultdict(list)
    for line in path.read_bytes().splitlines():
        row = msgspec.json.decode(line, type=LabelledRow)
        found[row.tag].append(row)
    return found


def described(thresholds: dict[str, dict[str, float]], labels: Sequence[str]) -> Iterator[str]:
    """`thresholds` by language, as one line per label and threshold; the first of a label is that of most languages."""
    for label in labels:
        counts = Counter(each[label] for each in thresholds.values())
        for number, (threshold, _) in enumerate(counts.most_common()):
            languages = sorted(language for language, each in thresholds.items() if each[label] == threshold)
            yield f"{label} {threshold:.2f} " + ("(all others)" if number == 0 else ", ".join(languages))


def main() -> None:
    """Reads the arguments and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("rows", type=Path)
    arguments = parser.parse_args()
    bundle = read_bundle(arguments.bundle)
    ordinary, dev = by_language(arguments.rows / "benign-choose.jsonl"), by_language(arguments.rows / "dev.jsonl")
    thresholds = {}
    for language in sorted(ordinary.keys() & set(bundle.languages)):
        rows = ordinary[language]
        scores = {label: np.array([row.scores[label] for row in rows if row.scores]) for label in bundle.labels}
        thresholds[language] = chosen(scores, labelled=len(dev.get(language, ())) >= LABELLED and language not in NOT_LABELLED)
    print("\n".join(described(thresholds, bundle.labels)))


if __name__ == "__main__":
    main()
