"""How often a record was put back, and how many headers are kept. What a dead letter holds is tested with the stage (test_work.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.dead_letters import TRIES, dead_letter, tries
from schemas.wire import InvalidRecordError, Unreadable
from tests.agents.edge.records import record


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


def test_any_number_of_empty_headers_leaves_a_letter_that_the_broker_takes() -> None:
    """Such a record can come: compressed, it is small."""
    hostile = record(b"no post", headers=[("", None)] * 100_000)
    letter = dead_letter("letters", hostile, InvalidRecordError(Unreadable.NOT_JSON, "no"), stage="language", max_bytes=1000)
    kept = [header for header in letter.headers if not header[0]]
    assert 1000 < len(kept) < 2000
    assert ("sluice_headers_dropped", b"%d" % (100_000 - len(kept))) in letter.headers


@given(st.lists(st.tuples(st.just(TRIES) | st.text(), st.none() | st.binary())))
def test_any_header_gives_a_small_number(headers: list[tuple[str, bytes | None]]) -> None:
    assert 0 <= tries(headers) <= 9
