"""The review thresholds of the default policy: `python -m tests.bench.thresholds BUNDLE ROWS`.

They are chosen on ordinary text, on the half of the tweets that chooses, and on harmless sentences about groups: ROWS is where
`tests.bench.evidence_rows` has written `benign-choose.jsonl`, `benign-tweets.jsonl` and `dev.jsonl`, and `tests.bench.fairness` its
`fairness.jsonl`. Prints, per label, the threshold of most languages
and those that need another one; docs/policy.md has the rule in words.
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
from tests.bench.evidence_rows import HALVES, half_of

FIRST = {"threat": 0.6, "hate": 0.6, "sexual": 0.75, "insult": 0.75, "spam": 0.7, "profanity": 0.9}
"""Where each label but `toxic` starts in every language."""

STEP, HIGHEST = 0.05, 0.95
MOST_OF_A_LABEL, MOST_OF_ANY = 0.004, 0.008
"""Shares of ordinary text that may reach the threshold of one label, and any threshold."""

MOST_ABOUT_GROUPS = 0.02
"""Share of the harmless sentences about groups and in dialects that may reach the threshold of one label."""

LOWEST, LOWEST_LABELLED = 0.65, 0.55
"""Of `toxic`; the second in languages with LABELLED dev rows, but for Arabic, whose tweets had been looked at."""

MOST_OF_TWEETS = 0.04
"""Share of tweets that may reach any threshold, as far as `toxic` decides. More than of other text: some of them are hostile."""

LABELLED, NOT_LABELLED = 500, frozenset({"ar"})
STEPS = np.round(np.arange(0.5, HIGHEST + STEP / 2, STEP), 2).tolist()


Scores = dict[str, NDArray[np.float64]]
"""Label to scores [rows]."""


def chosen(scores: Scores, about_groups: Scores, tweets: Scores, *, labelled: bool) -> dict[str, float]:
    """The threshold of each label in one language, from the scores of its ordinary text, harmless sentences about groups, and tweets.

    `labelled`: see LOWEST_LABELLED.
    """
    rows = len(scores["toxic"])
    fair = {label: _fair(about_groups[label]) for label in ("toxic", *FIRST)}
    found: dict[str, float] = {}
    for label, first in FIRST.items():
        steps = [step for step in STEPS if step >= max(first, fair[label])]
        counts = {step: int((scores[label] >= step).sum()) for step in steps}
        found[label] = next((step for step in steps if counts[step] <= max(1, MOST_OF_A_LABEL * rows)), HIGHEST)
    safe = round(_few(scores, found, MOST_OF_ANY) + STEP, 2)
    calm = _few(tweets, found, MOST_OF_TWEETS)
    return {"toxic": min(HIGHEST, max(safe, calm, fair["toxic"], LOWEST_LABELLED if labelled else LOWEST)), **found}


def _few(scores: Scores, thresholds: dict[str, float], most: float) -> float:
    """The lowest step of `toxic` with which at most this share of texts reaches any threshold."""
    others = np.any([scores[label] >= threshold for label, threshold in thresholds.items()], axis=0)
    return next((step for step in STEPS if (others | (scores["toxic"] >= step)).sum() <= most * len(others)), HIGHEST)


def _fair(scores: NDArray[np.float64]) -> float:
    """The lowest step that few of the sentences about groups reach."""
    return next((step for step in STEPS if (scores >= step).sum() <= MOST_ABOUT_GROUPS * len(scores)), HIGHEST)


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
    names = ("benign-choose", "fairness", "benign-tweets", "dev")
    ordinary, about_groups, tweets, dev = (by_language(arguments.rows / f"{name}.jsonl") for name in names)
    thresholds = {}
    for language in sorted(ordinary.keys() & set(bundle.languages)):
        half = [row for row in tweets.get(language, []) if half_of(row.text or "") == HALVES[0]]
        given = [
            {label: np.array([row.scores[label] for row in rows if row.scores]) for label in bundle.labels}
            for rows in (ordinary[language], about_groups.get(language, []), half)
        ]
        labelled = len(dev.get(language, ())) >= LABELLED and language not in NOT_LABELLED
        thresholds[language] = chosen(*given, labelled=labelled)
    print("\n".join(described(thresholds, bundle.labels)))


if __name__ == "__main__":
    main()
