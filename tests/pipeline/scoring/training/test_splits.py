from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.text import normalised
from pipeline.scoring.training.splits import Part, group_keys, part_of, parts

LONG = "The committee met on Tuesday and decided that the old bridge over the river will be closed for repairs until the spring"

ALIKE = [
    (LONG, LONG.upper() + "!!!"),
    (LONG, f"@someone {LONG} https://example.org/1"),
    (LONG, LONG.replace("Tuesday", "Tuesdayyyyy")),
    (LONG, LONG + " or so"),
    ("so true", "SO TRUE!!!"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_near_duplicates_are_one_group(one: str, other: str) -> None:
    first, second = group_keys([one, other])
    assert first == second


def test_other_texts_are_other_groups() -> None:
    texts = [LONG, "Vandaag is het mooi weer en we gaan met de kinderen naar het strand", "so true", "not true", "学校旁边新开了一家面包店"]
    assert len(set(group_keys(texts))) == len(texts)


@given(st.lists(st.text(max_size=80), max_size=30), st.randoms())
def test_a_part_does_not_depend_on_the_order_of_the_rows(texts: list[str], random: Random) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    found = parts(texts)
    assert [found[index] for index in order] == parts([texts[index] for index in order])


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_shares() -> None:
    found = [part_of(key * 2**40 + key) for key in range(20_000)]
    shares = {part: found.count(part) / len(found) for part in Part}
    assert shares[Part.TRAIN] == pytest.approx(0.9, abs=0.01)
    assert shares[Part.DEV] == pytest.approx(0.05, abs=0.01)
    assert shares[Part.TEST] == pytest.approx(0.05, abs=0.01)
