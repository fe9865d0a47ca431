"""One row for a text in a label and language, whatever the order of rows."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pipeline.scoring.evaluation.copies import distinct, same_text
from pipeline.scoring.evaluation.rows import LabelledRow


def row(text: str | None = "you are all the same", **changes: Any) -> LabelledRow:
    fields: dict[str, Any] = {"text": text, "language": "en", "labels": {"toxic": 1}, "scores": {"toxic": 0.9}}
    return LabelledRow(**(fields | changes))


@pytest.mark.parametrize(
    "copy", ["you are all the same", "YOU are all the same!!", "y\u200bou are all the same", "you are all @anna the same"]
)
def test_a_copy_is_no_row_of_its_own(copy: str) -> None:
    found = distinct([row(), row(copy), row("you are not the same")])
    assert (len(found.rows), found.copies, len({same_text(each.text or "") for each in found.rows})) == (2, 1, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"language": "nl"},
        {"labels": {"hate": 1}},
        {"labels": {"toxic": None, "hate": 0}},
    ],
)
def test_in_another_language_or_for_another_label_it_is(other: dict[str, Any]) -> None:
    assert (len(distinct([row(), row(**other)]).rows), distinct([row(), row(**other)]).copies) == (2, 0)


def test_where_copies_disagree_the_label_does_not_hold() -> None:
    for order in itertools.permutations([row(), row("You are all the same"), row("you are all the SAME", labels={"toxic": 0, "hate": 1})]):
        found = distinct(order).rows
        assert [each.labels["toxic"] for each in found if "toxic" in each.labels] == [0]
        assert [each.labels["hate"] for each in found if "hate" in each.labels] == [1]


def test_which_row_stands_for_a_text_does_not_follow_from_their_order_and_a_group_is_kept() -> None:
    rows = [row("you are all THE same", scores={"toxic": 0.1}), row(scores={"toxic": 0.2}), row("you are ALL the same")]
    assert len({tuple(each.text for each in distinct(order).rows) for order in itertools.permutations(rows)}) == 1
    (named,) = distinct([*rows, row("You are all the same", group="women")]).rows
    assert named.group == "women"


def test_rows_without_text_are_all_kept_and_rows_that_judge_nothing_are_not() -> None:
    assert distinct([row(None), row(None), row("a b", labels={}), row("c d", labels={"toxic": None})]) == ([row(None), row(None)], 0)
