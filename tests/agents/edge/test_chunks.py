"""Records in chunks."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from agents.edge.chunks import Limits, split
from tests.agents.edge.records import record


@given(st.lists(st.none() | st.binary(max_size=12), min_size=1, max_size=40), st.integers(1, 10), st.integers(1, 30))
def test_chunks_hold_all_records_in_order_within_the_limits(values: list[bytes | None], most: int, size: int) -> None:
    records = [record(value, offset) for offset, value in enumerate(values)]
    parts = split(records, Limits(most, size, fetch_wait_ms=500, fetch_pace_ms=10))
    assert [each for part, _ in parts for each in part] == records
    for part, length in parts:
        assert length == sum(len(each.value or b"") for each in part)
        assert 1 <= len(part) <= most
        assert length <= size or len(part) == 1
    for (part, length), (following, _) in itertools.pairwise(parts):  # no chunk is smaller than it must be
        assert len(part) == most or length + len(following[0].value or b"") > size
