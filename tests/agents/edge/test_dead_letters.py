"""How often a record was put back. What a dead letter holds is tested with the stage that writes it (test_work.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.dead_letters import TRIES, tries


@pytest.mark.parametrize(
    ("headers", "count"),
    [
        ([], 0),
        ([("other", b"2")], 0),
        ([(TRIES, b"0")], 0),
        ([(TRIES, b"3")], 3),
        ([(TRIES, b"1"), (TRIES, b"3")], 1),
        ([(TRIES, None)], 0),
        ([(TRIES, b"")], 0),
        ([(TRIES, b"-1")], 0),
        ([(TRIES, b"10")], 0),
        ([(TRIES, b"9" * 10_000)], 0),
        ([(TRIES, "\u0663".encode())], 0),
    ],
)
def test_tries(headers: list[tuple[str, bytes | None]], count: int) -> None:
    assert tries(headers) == count


@given(st.lists(st.tuples(st.just(TRIES) | st.text(), st.none() | st.binary())))
def test_any_header_gives_a_small_number(headers: list[tuple[str, bytes | None]]) -> None:
    assert 0 <= tries(headers) <= 9
