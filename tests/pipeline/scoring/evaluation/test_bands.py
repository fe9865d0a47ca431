"""A band opens where the rows bear it, whatever rows they are, and seldom where they only seem to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.policy.automation import STARTS, GroupTargets, Targets
from pipeline.policy.evidence import Band, Closed
from pipeline.policy.rules import RuleAction
from pipeline.scoring.evaluation.bands import GRID, Rows, band, bands, reached_from_starts
from pipeline.scoring.evaluation.rows import Limits
from pipeline.scoring.evaluation.sample import Sample

REMOVE = RuleAction.REMOVE


def targets(prevalence: float | None = None, **changes: object) -> Targets:
    fields = {"precision": {REMOVE: 0.9}, "confidence": 0.95, "least_rows": 60, "least_positives": 20, "prevalence": prevalence}
    return Targets.model_validate(fields | changes)


def rows(*kinds: tuple[int, float, int], groups: tuple[str, ...] = ()) -> Rows:
    """Of each kind (truth, score, how many)."""
    truth = [truth for truth, _, number in kinds for _ in range(number)]
    scores = [score for _, score, number in kinds for _ in range(number)]
    names = [name for (_, _, number), name in zip(kinds, groups or ("",) * len(kinds), strict=True) for _ in range(number)]
    return Rows(np.array(truth, np.float64), np.array(scores, np.float64), np.array(names, np.str_))


def found(what: Rows, asked: Targets) -> Band:
    return band(what, asked, "hate", "en", REMOVE)


def is_open(what: Rows, asked: Targets) -> bool:
    return found(what, asked).closed is None


def test_it_opens_at_the_lowest_threshold_that_holds() -> None:
    good = found(rows((1, 0.95, 100), (1, 0.75, 50), (0, 0.65, 40), (0, 0.1, 100)), targets())
    assert (good.closed, good.threshold, good.flagged, good.correct, good.more_rows) == (None, 0.66, 150, 150, None)
    # Clopper and Pearson without errors: error ** (1 / n), with a fifth of 5%.
    assert good.precision_low == pytest.approx(0.01 ** (1 / 150), abs=1e-4)
    assert (good.precision, good.recall_high) == (1.0, 1.0)
    assert good.recall_low == pytest.approx(0.9757, abs=1e-4)


@pytest.mark.parametrize(("floor", "threshold"), [(0.0, 0.5), (0.8, 0.8), (0.805, 0.81), (0.98, 0.98)])
def test_it_opens_nowhere_below_the_floor(floor: float, threshold: float) -> None:
    seen = rows((1, 0.99, 200))._replace(limits=Limits(floor))
    assert (found(seen, targets()).closed, found(seen, targets()).threshold) == (None, threshold)


def test_what_nobody_judged_makes_no_number_of_rows() -> None:
    enough = rows((1, 0.95, 50), (0, 0.1, 20))
    few = enough._replace(limits=Limits(undecided=15))
    assert (found(enough, targets()).closed, found(few, targets()).closed) == (None, Closed.FEW_ROWS)
    assert (found(few, targets()).rows, found(few, targets()).undecided, found(few, targets()).more_rows) == (70, 15, 7)


def test_above_every_start_nothing_is_known() -> None:
    unseen = found(rows((1, 0.99, 200), (0, 0.985, 100))._replace(limits=Limits(0.99)), targets())
    assert (unseen.closed, unseen.threshold, unseen.flagged) == (Closed.PRECISION, 0.99, 200)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (rows((1, 0.95, 59)), Closed.FEW_ROWS),
        (rows((1, 0.95, 19), (0, 0.1, 60)), Closed.FEW_POSITIVES),
        (rows((1, 0.95, 43), (0, 0.1, 60)), Closed.PRECISION),  # 44 without an error are the least, 0.9 ** 44 < 0.01
        (rows((1, 0.95, 300), (0, 0.95, 30)), Closed.PRECISION),  # above 0.9, and not by enough
        (rows((0, 0.95, 100), (1, 0.1, 100)), Closed.PRECISION),
    ],
)
def test_why_it_is_closed(what: Rows, why: Closed) -> None:
    assert found(what, targets()).closed is why
    assert is_open(rows((1, 0.95, 44), (0, 0.1, 60)), targets())


def test_about_how_many_rows_are_missing() -> None:
    assert found(rows((1, 0.95, 22), (0, 0.1, 60)), targets()).more_rows == pytest.approx(82, abs=2)  # twice as many
    assert found(rows((1, 0.95, 10), (0, 0.1, 60)), targets()).more_rows == pytest.approx(238, abs=4)  # 44 that are reached
    assert found(rows((1, 0.95, 20), (0, 0.95, 20), (0, 0.1, 60)), targets()).more_rows is None  # it errs too often
    assert found(rows((0, 0.1, 100)), targets()).more_rows is None  # nothing says how often


def test_in_traffic_with_little_harm_the_same_rows_bear_less() -> None:
    what = rows((1, 0.95, 200), (0, 0.95, 1), (0, 0.1, 199))
    assert is_open(what, targets()) and is_open(what, targets(0.5))
    little = found(what, targets(0.05))
    assert little.closed is Closed.PRECISION
    # All of the label is reached and one in 200 of the rest: 0.05 / (0.05 + 0.95 / 200).
    assert little.precision == pytest.approx(0.9132, abs=1e-4)
    many = rows((1, 0.95, 200), (0, 0.95, 1), (0, 0.1, 4_999))
    assert is_open(many, targets(0.05))


def test_a_group_that_is_wronged_more_often_closes_the_band_or_raises_it() -> None:
    asked = targets(groups=GroupTargets(false_positive_rate=0.05, least_rows=50))
    kinds = (1, 0.95, 300), (1, 0.75, 300), (0, 0.1, 200), (0, 0.75, 10), (0, 0.1, 100)
    fair = rows(*kinds, groups=("", "", "women", "", "women"))
    wronged = rows(*kinds, groups=("", "", "", "women", "women"))
    assert (found(fair, asked).threshold, found(wronged, asked).threshold) == (0.5, 0.76)
    assert found(wronged, asked).groups[0].model_dump() == {"name": "women", "rows": 110, "flagged": 0, "high": 0.0411}
    everywhere = rows((1, 0.95, 300), (0, 0.99, 10), (0, 0.1, 100), groups=("", "women", "women"))
    assert found(everywhere, asked).closed is Closed.GROUP
    few = rows((1, 0.95, 300), (0, 0.99, 10), (0, 0.1, 30), groups=("", "women", "women"))
    assert found(few, asked).closed is None


def test_a_chain_ends_at_the_first_threshold_that_fails_and_another_start_goes_on() -> None:
    passes = np.array([threshold >= 0.9 or 0.6 <= threshold <= 0.7 for threshold in GRID])
    assert [GRID[place] for place in reached_from_starts(passes)] == [n / 100 for n in (*range(98, 89, -1), *range(70, 59, -1))]
    passes = np.array([threshold >= 0.9 or 0.6 <= threshold < 0.7 for threshold in GRID])
    assert [GRID[place] for place in reached_from_starts(passes)] == [n / 100 for n in range(98, 89, -1)]
    assert reached_from_starts(np.zeros(len(GRID), np.bool_)) == []


def test_a_band_that_opens_from_a_low_start_is_not_open_where_the_machine_errs() -> None:
    """All that lies above .8 is precise enough together, and what lies above .95 is wrong: 40 of 40."""
    mixed = found(rows((0, 0.97, 40), (1, 0.80, 2500), (0, 0.05, 1500)), targets())
    assert (mixed.closed, mixed.threshold, mixed.flagged, mixed.correct) == (None, 0.5, 2540, 2500)
    assert {each.threshold for each in mixed.passed} == {hundredths / 100 for hundredths in range(51, 81)}
    assert {(each.flagged, each.correct) for each in mixed.passed} == {(2540, 2500)}
    assert found(rows((0, 0.97, 40), (0, 0.05, 100)), targets()).passed == ()


scores = st.sampled_from([0.05, 0.3, 0.55, 0.72, 0.81, 0.93, 0.97, 1.0])
samples = st.lists(st.tuples(st.integers(0, 1), scores, st.integers(1, 120)), min_size=1, max_size=8)
shares = st.sampled_from([None, 0.1, 0.5])


@given(samples, shares, st.integers(1, 40))
@settings(deadline=None)
def test_errors_never_open_a_band_nor_lower_its_threshold(kinds: list[tuple[int, float, int]], share: float | None, errors: int) -> None:
    asked = targets(share, least_rows=1, least_positives=1)
    before, after = found(rows(*kinds), asked), found(rows(*kinds, (0, 1.0, errors)), asked)
    if after.closed is None:
        assert before.closed is None and before.threshold <= after.threshold


@given(samples, st.integers(0, 7))
@settings(deadline=None)
def test_a_right_that_turns_out_wrong_never_opens_a_band(kinds: list[tuple[int, float, int]], place: int) -> None:
    asked = targets(least_rows=1, least_positives=1)
    place %= len(kinds)
    turned = [*kinds[:place], (0, *kinds[place][1:]), *kinds[place + 1 :]]
    before, after = found(rows(*kinds), asked), found(rows(*turned), asked)
    if after.closed is None:
        assert before.closed is None and before.threshold <= after.threshold


@given(samples, shares, st.integers(1, 200), st.integers(0, 1))
@settings(deadline=None)
def test_fewer_labels_that_speak_for_the_machine_never_open_a_band(
    kinds: list[tuple[int, float, int]], share: float | None, number: int, truth: int
) -> None:
    """Rows that it judges rightly at every threshold: above all that are what the label says, below all that are not."""
    asked = targets(share)
    fewer, more = found(rows(*kinds), asked), found(rows(*kinds, (truth, 1.0 if truth else 0.0, number)), asked)
    if fewer.closed is None:
        assert more.closed is None and more.threshold <= fewer.threshold


@given(samples, shares)
@settings(deadline=None)
def test_every_threshold_that_passed_meets_the_target_by_its_own_rows(kinds: list[tuple[int, float, int]], share: float | None) -> None:
    what, asked = rows(*kinds), targets(share, least_rows=1, least_positives=1)
    for each in found(what, asked).all_passed:
        above = what.scores >= each.threshold
        assert (each.flagged, each.correct) == (above.sum(), what.truth[above].sum())
        assert each.precision_low >= 0.9 and each.threshold <= STARTS[0]


@pytest.mark.parametrize("share", [None, 0.2])
def test_a_band_that_is_not_precise_enough_opens_as_seldom_as_promised(share: float | None) -> None:
    """Simulated with a precision of 0.895 at every threshold, just short of 0.9; at most 5% may open."""
    chance = np.random.default_rng(11)
    opened, trials, number = 0, 400, 2_000
    # With a share: of the harmful rows half lie above 0.5, of the others so many that precision in such traffic is 0.895.
    false_rate = 0.5 * 0.2 / 0.8 * 0.105 / 0.895
    for _ in range(trials):
        if share is None:
            drawn = chance.random(number)
            truth = (chance.random(number) < 0.895).astype(np.float64)
        else:
            truth = (chance.random(number) < 0.5).astype(np.float64)
            reached = chance.random(number) < np.where(truth == 1, 0.5, false_rate)
            drawn = np.where(reached, 0.5 + chance.random(number) / 2, chance.random(number) / 2)
        opened += is_open(Rows(truth, np.round(drawn, 4), np.array([""] * number)), targets(share))
    # 5% of 400 are 20, standard deviation 4.4; three of them more.
    assert opened <= 33


def test_a_band_that_is_precise_opens_with_enough_rows() -> None:
    chance = np.random.default_rng(12)
    truth = (chance.random(3_000) < 0.95).astype(np.float64)
    assert is_open(Rows(truth, chance.random(3_000), np.array([""] * 3_000)), targets())


def test_a_band_for_each_label_language_and_action_with_rows_that_are_what_it_says() -> None:
    truth = np.array([[1.0, np.nan], [0.0, 1.0], [1.0, np.nan]])
    sample = Sample(("hate", "spam"), np.array(["nl", "en", "fr"]), np.full((3, 2), 0.9), truth, np.array([""] * 3))
    asked = targets(precision={RuleAction.LIMIT: 0.8, REMOVE: 0.9})
    keys = [(each.label, each.language, each.action.value) for each in bands(sample, asked)]
    judged = ("hate", "fr"), ("hate", "nl"), ("spam", "en")
    assert keys == [(label, tag, action) for label, tag in judged for action in ("limit", "remove")]
    french = next(each for each in bands(sample, asked) if each.language == "fr")
    assert (french.rows, french.positives, french.closed) == (1, 1, Closed.FEW_ROWS)
