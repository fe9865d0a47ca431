"""Figures per label and language, ordinary text that is flagged, and plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.policy.policy import read_policies
from pipeline.scoring.evaluation.benign import flagged
from pipeline.scoring.evaluation.measure import Cell, evaluate
from pipeline.scoring.evaluation.plots import Format, write_plots
from pipeline.scoring.evaluation.sample import Sample

HOUSE = read_policies(Path(__file__).parents[2] / "policy" / "cases" / "policy.toml").policies[0]
"""toxic goes to people from 0.5, in Dutch from 0.6."""


def sample(rows: int = 600, seed: int = 0) -> Sample:
    """Calibrated by construction: a score of 0.3 is toxic in three cases of ten. Half is Dutch; threats are judged in English only."""
    chance = np.random.default_rng(seed)
    scores = np.round(chance.random((rows, 2)), 4)
    truth = (chance.random((rows, 2)) < scores).astype(np.float64)
    languages = np.array(["nl", "en"] * (rows // 2))
    truth[languages == "nl", 1] = np.nan
    return Sample(("toxic", "threat"), languages, scores, truth, np.array([""] * rows))


def cells(found: tuple[Cell, ...]) -> dict[tuple[str, str | None], Cell]:
    return {(cell.label, cell.language): cell for cell in found}


def test_a_cell_for_every_label_and_language_with_judged_rows() -> None:
    found = cells(evaluate(sample(), "m@1", HOUSE).cells)
    assert set(found) == {("toxic", None), ("toxic", "nl"), ("toxic", "en"), ("threat", None), ("threat", "en")}
    assert (found["toxic", None].rows, found["toxic", "nl"].rows) == (600, 300)
    assert (found["toxic", "nl"].threshold, found["toxic", "en"].threshold, found["threat", "en"].threshold) == (0.6, 0.5, 0.3)


def test_languages_with_different_thresholds_have_no_common_one() -> None:
    found = cells(evaluate(sample(), "m@1", HOUSE).cells)
    assert (found["toxic", None].threshold, found["toxic", None].f1.value, found["toxic", None].f1.interval) == (None, None, None)
    assert found["threat", None].threshold == 0.3


def test_figures_of_calibrated_scores() -> None:
    cell = cells(evaluate(sample(20_000), "m@1", HOUSE).cells)["toxic", "en"]
    # Scores p are uniform, positive with chance p. So the AUC is 5/6, and of those from 0.5 on 3/4 are positive, 3/4 of all that are.
    for figure, expected in ((cell.auc, 5 / 6), (cell.precision, 0.75), (cell.recall, 0.75), (cell.f1, 0.75)):
        assert figure.value == pytest.approx(expected, abs=0.02)
        assert figure.value is not None and figure.interval and figure.interval[0] < figure.value < figure.interval[1]
    assert cell.calibration_error.value is not None and cell.calibration_error.value < 0.02
    assert sum(each.rows for each in cell.reliability) == cell.rows
    assert all(abs(each.mean_score - each.positive_share) < 0.1 for each in cell.reliability)


def test_the_same_seed_gives_the_same_intervals_whatever_else_is_in_the_sample() -> None:
    whole = sample()
    english = whole.languages == "en"
    part = Sample(whole.labels, whole.languages[english], whole.scores[english], whole.truth[english], whole.groups[english])
    first, second = evaluate(whole, "m@1", HOUSE, seed=4), evaluate(part, "m@1", HOUSE, seed=4)
    assert cells(first.cells)["toxic", "en"] == cells(second.cells)["toxic", "en"]
    assert cells(evaluate(whole, "m@1", HOUSE, seed=5).cells)["toxic", "en"].auc.interval != cells(first.cells)["toxic", "en"].auc.interval


def test_a_metric_without_a_value_is_left_out() -> None:
    few = Sample(("toxic",), np.array(["en", "en"]), np.array([[0.1], [0.2]]), np.array([[0.0], [0.0]]), np.array(["", ""]))
    cell = cells(evaluate(few, "m@1", HOUSE).cells)["toxic", "en"]
    assert (cell.auc.value, cell.average_precision.value, cell.recall.value, cell.precision.value) == (None, None, None, None)
    assert cell.calibration_error.value == pytest.approx(0.15)


def test_ordinary_text_is_flagged_where_any_threshold_of_its_language_is_reached() -> None:
    scores = np.array([[0.55, 0.1], [0.55, 0.1], [0.1, 0.3], [0.7, 0.9]])
    clean = Sample(("toxic", "threat"), np.array(["en", "nl", "nl", "nl"]), scores, np.full((4, 2), np.nan), np.array([""] * 4))
    everyone, english, dutch = flagged(clean, HOUSE)
    assert (everyone.language, everyone.rows, everyone.flagged, everyone.by_label) == (None, 4, 3, {"toxic": 2, "threat": 2})
    assert (english.flagged, dutch.flagged, dutch.share) == (1, 2, 2 / 3)
    assert dutch.interval == pytest.approx((0.0943, 0.9916), abs=1e-4)  # Clopper-Pearson of 2 in 3
    assert flagged(Sample(("toxic",), np.array([]), np.empty((0, 1)), np.empty((0, 1)), np.array([])), HOUSE) == ()


@pytest.mark.parametrize(("form", "start"), [(Format.PNG, b"\x89PNG"), (Format.SVG, b"<?xml")])
def test_plots_are_files_of_their_kind(form: Format, start: bytes, tmp_path: Path) -> None:
    written = write_plots({"one": sample(), "two": sample(seed=1)}, tmp_path / "new", form)
    assert {path.name for path in written} == {
        f"{kind}-{label}.{form.value}" for kind in ("reliability", "precision-recall") for label in ("toxic", "threat")
    }
    assert all(path.read_bytes().startswith(start) for path in written)


def test_too_few_rows_draw_nothing(tmp_path: Path) -> None:
    assert write_plots({"one": sample(40)}, tmp_path, Format.PNG) == []
