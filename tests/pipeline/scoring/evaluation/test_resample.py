"""Each formula gives what scikit-learn gives, on any truth and scores; intervals hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from pipeline.scoring.evaluation import resample

# Few distinct scores, so that most are tied.
rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda number: number / 20)), min_size=2, max_size=60).filter(
    lambda pairs: 0 < sum(truth for truth, _ in pairs) < len(pairs)
)


@given(rows, st.integers(0, 20).map(lambda number: number / 20))
@settings(deadline=None)
def test_the_formulas_are_scikit_learns(pairs: list[tuple[int, float]], threshold: float) -> None:
    truth, scores = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    found = resample.measure(resample.count(truth, scores), threshold)
    flagged = scores >= threshold
    assert found.auc[0] == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert found.average_precision[0] == pytest.approx(metrics.average_precision_score(truth, scores))
    assert found.recall[0] == pytest.approx(metrics.recall_score(truth, flagged))
    assert found.f1[0] == pytest.approx(metrics.f1_score(truth, flagged))
    if flagged.any():
        assert found.precision[0] == pytest.approx(metrics.precision_score(truth, flagged))
    else:
        assert np.isnan(found.precision[0])


def test_calibration_error_of_an_example_worked_by_hand() -> None:
    # Bin 1 of 15 holds 0.1 and 0.1 (no positives: off by 0.1), bin 13 holds 0.9 and 0.9 (one of two positive: off by 0.4).
    counts = resample.count(np.array([0.0, 0, 1, 0]), np.array([0.1, 0.1, 0.9, 0.9]))
    assert resample.measure(counts, 0.5).calibration_error[0] == pytest.approx(0.25)


def test_a_draw_has_as_many_rows_as_there_are_and_only_scores_that_occur() -> None:
    counts = resample.count(np.array([0.0, 1, 1, 0, 1]), np.array([0.1, 0.2, 0.2, 0.9, 0.9]))
    drawn = resample.draws(counts, 0.5, 1000, seed=1)
    assert len(drawn.auc) == 1000
    # All three positives and no other; drawn five times with replacement, that has a chance of 0.4 ** 5 that no negative is drawn.
    assert 0 < np.isnan(drawn.auc).sum() < 200


def test_the_same_seed_gives_the_same_draws_whatever_fits_in_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    counts = resample.count((chance.random(50) < 0.4).astype(np.float64), np.round(chance.random(50), 2))
    whole = resample.draws(counts, 0.5, 100, seed=7)
    monkeypatch.setattr(resample, "MAX_CELLS", 300)
    assert np.array_equal(resample.draws(counts, 0.5, 100, seed=7).average_precision, whole.average_precision)
    assert not np.array_equal(resample.draws(counts, 0.5, 100, seed=8).average_precision, whole.average_precision)


def test_nineteen_intervals_in_twenty_hold_the_true_value() -> None:
    chance = np.random.default_rng(5)
    held = 0
    for seed in range(200):
        truth = (chance.random(300) < 0.5).astype(np.float64)
        drawn = resample.draws(resample.count(truth, np.full(300, 0.9)), 0.5, 200, seed)
        low, high = resample.interval(drawn.precision) or (1.0, 0.0)
        held += low <= 0.5 <= high
    assert held >= 180  # 190 are expected, standard deviation 3


def test_what_never_has_a_value_has_no_interval() -> None:
    only_positives = resample.draws(resample.count(np.ones(5), np.linspace(0, 1, 5)), 0.5, 50, seed=0)
    assert resample.interval(only_positives.auc) is None
