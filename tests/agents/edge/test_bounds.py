"""What becomes of a consumer whose position lies outside the log."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiokafka.errors import KafkaTimeoutError, OffsetOutOfRangeError
from faust.types import TP

from agents.edge.failures import ExitCode
from tests.agents.edge.records import PLACE
from tests.agents.edge.unconnected import Bench, ending


def test_a_broker_that_does_not_say_where_a_log_begins_is_not_reached(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no bug: its partition has lost its leader just after something was read."""
    bench.consumer._committed_offset[PLACE] = 5

    async def silent(tp: TP) -> Mapping[TP, int]:
        raise KafkaTimeoutError(f"asked for {tp}")

    monkeypatch.setattr(bench.consumer, "earliest_offsets", silent)
    with ending(monkeypatch) as code:
        bench.run(bench.consumer._out_of_range(OffsetOutOfRangeError({PLACE: 5})))
    assert code == [ExitCode.UNREACHABLE]


@pytest.mark.parametrize(
    ("asked_for", "starts_at", "says"),
    [
        (50, 60, "10 records from offset 50 were deleted"),
        (55, 60, "5 records from offset 55 were deleted"),  # 50 to 54 were marks of transactions, which aiokafka has seen
        (50, 0, "made anew?"),
    ],
)
def test_a_position_outside_the_log_ends_the_worker_wherever_the_log_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked_for: int, starts_at: int, says: str
) -> None:
    bench.read(40, 10)
    with ending(monkeypatch) as code:
        bench.run(outside(bench, monkeypatch, asked_for, starts_at))
    assert code == [ExitCode.LOST]
    assert says in caplog.text


def test_where_nothing_was_read_before_reading_begins_where_the_log_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.run(outside(bench, monkeypatch, 0, 60)) == [{PLACE: 60}]


async def outside(bench: Bench, monkeypatch: pytest.MonkeyPatch, asked_for: int, starts_at: int) -> list[Mapping[TP, int]]:
    """A fetch asks for an offset that is not in the log. Returns where the consumer goes."""
    consumer, seeks = bench.consumer, list[Mapping[TP, int]]()

    async def refused(**_: object) -> None:
        raise OffsetOutOfRangeError({PLACE: asked_for})

    async def seek(places: Mapping[TP, int]) -> None:
        seeks.append(places)

    monkeypatch.setattr(consumer, "_getmany", refused)
    monkeypatch.setattr(consumer, "earliest_offsets", lambda tp: _at_once({tp: starts_at}))
    monkeypatch.setattr(consumer._thread, "seek_wait", seek)
    consumer._set_active_tps({PLACE})
    assert [each async for each in consumer.getmany(0.1)] == []
    return seeks


async def _at_once(offsets: dict[TP, int]) -> dict[TP, int]:
    return offsets
