"""The closed set and what a hint means in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.languages import CLASSES, INSEPARABLE, LANGUAGES, hinted, inseparable_from
from tests.pipeline.language.cases import read


@pytest.mark.parametrize("case", read("hints"), ids=lambda case: ascii(case["hint"]))
def test_hint(case: dict[str, Any]) -> None:
    assert hinted(case["hint"]) == case["means"]


@given(st.none() | st.text(st.characters(exclude_categories=())))
def test_any_hint_is_a_class_or_nothing(hint: str | None) -> None:
    assert hinted(hint) in {None, *CLASSES}


def test_a_language_hints_at_itself() -> None:
    assert [hinted(tag) for tag in LANGUAGES] == list(LANGUAGES)


def test_the_inseparable_are_in_the_set() -> None:
    assert set(INSEPARABLE) <= set(LANGUAGES)


def test_what_a_language_cannot_be_told_from() -> None:
    assert [inseparable_from(tag) for tag in ("ms", "id", "nl", "other")] == [("id",), ("ms",), (), ()]
