"""The rule by which the default policy's review thresholds are chosen (tests.bench.thresholds)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench.thresholds import FIRST, HIGHEST, LOWEST, LOWEST_LABELLED, chosen, described

ROWS = 1_000


def scores(**high: list[float]) -> dict[str, NDArray[np.float64]]:
    """Of 1,000 ordinary texts, all .1 but for the `high` ones of a label."""
    found = {label: np.full(ROWS, 0.1) for label in ("toxic", *FIRST)}
    for label, values in high.items():
        found[label][: len(values)] = values
    return found


@pytest.mark.parametrize(("labelled", "lowest"), [(True, LOWEST_LABELLED), (False, LOWEST)])
def test_where_ordinary_text_scores_low_the_lowest_thresholds_hold(labelled: bool, lowest: float) -> None:
    assert chosen(scores(), scores(), scores(), labelled=labelled) == {"toxic": lowest, **FIRST}


def test_a_label_goes_up_until_few_reach_it() -> None:
    assert chosen(scores(hate=[0.72] * 5), scores(), scores(), labelled=False)["hate"] == 0.75
    assert chosen(scores(hate=[0.72] * 4), scores(), scores(), labelled=False)["hate"] == 0.6


def test_toxic_is_a_step_above_where_few_reach_any() -> None:
    assert chosen(scores(toxic=[0.77] * 9), scores(), scores(), labelled=False)["toxic"] == 0.85
    others = chosen(scores(toxic=[0, 0, 0, *[0.77] * 6], hate=[0.65] * 3), scores(), scores(), labelled=False)
    assert (others["hate"], others["toxic"]) == (0.6, 0.85)


def test_nothing_is_above_the_highest() -> None:
    assert chosen(scores(toxic=[0.99] * 50, hate=[0.99] * 50), scores(), scores(), labelled=False) == {
        "toxic": HIGHEST,
        **FIRST,
        "hate": HIGHEST,
    }


def test_the_threshold_of_most_languages_stands_first() -> None:
    thresholds = {"a": {"toxic": 0.8}, "b": {"toxic": 0.8}, "c": {"toxic": 0.9}}
    assert list(described(thresholds, ["toxic"])) == ["toxic 0.80 (all others)", "toxic 0.90 c"]


def test_a_label_goes_up_where_harmless_sentences_about_groups_reach_it() -> None:
    about_groups = scores(hate=[0.83] * 21, toxic=[0.71] * 20)
    found = chosen(scores(), about_groups, scores(), labelled=False)
    assert (found["hate"], found["toxic"]) == (0.85, LOWEST)


def test_toxic_goes_up_where_more_than_a_few_tweets_reach_it() -> None:
    assert chosen(scores(), scores(), scores(toxic=[0.83] * 41), labelled=False)["toxic"] == 0.85
    assert chosen(scores(), scores(), scores(toxic=[0.83] * 40), labelled=False)["toxic"] == LOWEST
