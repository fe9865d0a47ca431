"""Posts that were written to measure with are rows of `sluice evaluate`, and nothing was trained on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.scoring.evaluation.fairness import fairness_rows
from pipeline.scoring.evaluation.rows import read_rows
from pipeline.scoring.training import splits, templates, written
from pipeline.scoring.training.rows import LABELS

FOLDER = Path("tests/data/written")


@pytest.mark.parametrize(("name", "languages", "count"), [("posts.jsonl.gz", 16, 3202), ("near.jsonl.gz", 12, 768)])
def test_they_are_rows_with_labels_and_a_licence(name: str, languages: int, count: int) -> None:
    rows = read_rows(FOLDER / name).rows
    assert (len(rows), len({row.tag for row in rows})) == (count, languages)
    assert all(row.labels and row.licence == "Apache-2.0" for row in rows)


def test_no_row_of_the_training_is_nearly_one_of_them() -> None:
    measured = [row.text or "" for name in ("posts", "near") for row in read_rows(FOLDER / f"{name}.jsonl.gz").rows]
    learnt = splits.unlike([*templates.rows(), *written.rows()], [row.text or "" for row in fairness_rows(LABELS)])
    kept = splits.unlike(learnt, measured)
    assert len(learnt) - len(kept) <= ALIKE
    assert not {row.text for row in learnt} & set(measured)


ALIKE = 10
"""Short posts that two writers thought of alike."""
