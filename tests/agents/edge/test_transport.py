"""What may be committed, and reading: Faust's genuine consumer with ours on top, not connected to anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP, Message
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agents.edge.app import METADATA_SECONDS
from agents.edge.transport import Consumer
from tests.agents.edge.records import PLACE, record
from tests.agents.edge.unconnected import OTHER, Bench, limits

# Acknowledging and committing ----------------------------------------------------------------------------------------


def test_what_is_committed_is_the_first_offset_still_in_flight(bench: Bench) -> None:
    first, second, third = bench.read(0, 10), bench.read(10, 10), bench.read(20, 5)
    assert bench.committable() == {}
    assert bench.consumer.ack(second)
    assert bench.committable() == {}  # the first is still at work
    assert bench.consumer.ack(first)
    assert bench.committable() == {PLACE: 20}
    assert bench.consumer.ack(third)
    assert bench.committable() == {PLACE: 25}


def test_partitions_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.read(0, 5)
    bench.consumer.ack(bench.read(40, 2, OTHER))
    assert bench.committable() == {OTHER: 42}


def test_holes_in_the_log_hold_nothing_up(bench: Bench) -> None:
    """Transaction markers and compaction leave offsets that no record has."""
    for message in (bench.read(0, 2), bench.read(7, 2)):
        bench.consumer.ack(message)
    assert bench.committable() == {PLACE: 9}


def test_an_acknowledgement_counts_once(bench: Bench) -> None:
    message = bench.read(0)
    assert bench.consumer.ack(message)
    assert not bench.consumer.ack(message)


def test_what_was_committed_is_not_committed_again(bench: Bench) -> None:
    bench.consumer.ack(bench.read(0, 3))
    bench.consumer._committed_offset[PLACE] = 3
    assert bench.committable() == {}
    assert not bench.consumer.uncommitted()


def test_an_old_acknowledgement_does_not_free_what_is_read_again(bench: Bench) -> None:
    old = bench.read(0, 10)
    bench.run(bench.consumer.perform_seek())
    again = bench.read(0, 10)
    assert bench.consumer.ack(old)
    assert bench.committable() == {}
    bench.consumer.ack(again)
    assert bench.committable() == {PLACE: 10}


def test_seeking_starts_a_new_epoch_at_the_committed_offset(bench: Bench) -> None:
    bench.consumer.committed = {PLACE: 5}
    stale = bench.read(5, 5)
    epoch = bench.consumer.epoch
    bench.run(bench.consumer.perform_seek())
    assert bench.consumer.epoch == epoch + 1
    assert stale.value.epoch == epoch
    assert bench.read(5).value.epoch == epoch + 1
    assert bench.consumer._committed_offset[PLACE] == 5


def test_metrics_see_what_is_not_acknowledged(bench: Bench) -> None:
    assert (bench.consumer.lags(), bench.consumer.oldest_in_flight_ms(), bench.consumer.uncommitted()) == ({}, {}, False)
    first, second = bench.read(10, 10), bench.read(30, 5, OTHER)
    assert bench.consumer.lags() == {"in": 90 + 70}
    assert bench.consumer.oldest_in_flight_ms() == {"in": 1010}
    bench.consumer.ack(first)
    assert bench.consumer.lags() == {"in": 80 + 70}
    assert bench.consumer.oldest_in_flight_ms() == {"in": 1030}
    assert bench.consumer.uncommitted()
    bench.consumer.ack(second)
    assert bench.consumer.lags() == {"in": 80 + 65}


class Acknowledging(RuleBasedStateMachine):
    """Reads, acknowledgements in any order and late ones, commits, seeks: nothing unfinished is ever committed."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.folder)
        self.position = 0  # of the next read
        self.done: set[int] = set()  # offsets acknowledged since they were last read
        self.committed = 0
        self.current: list[tuple[range, Message]] = []
        self.stale: list[Message] = []

    @rule(count=st.integers(1, 5), hole=st.integers(0, 2))
    def read(self, count: int, hole: int) -> None:
        first = self.position + hole
        self.done |= set(range(self.position, first))  # no record is there
        self.current.append((range(first, first + count), self.bench.read(first, count)))
        self.done -= set(range(first, first + count))
        self.position = first + count

    @rule(count=st.integers(1, 3))
    def marks(self, count: int) -> None:
        """Offsets that hold no record are passed."""
        self.done |= set(range(self.position, self.position + count))
        self.position += count
        self.bench.consumer._in_flight.pass_to(PLACE, self.position)
        self.bench.consumer._acked[PLACE]

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        offsets, message = self.current.pop(data.draw(st.integers(0, len(self.current) - 1)))
        self.bench.consumer.ack(message)
        self.done |= set(offsets)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def acknowledge_late(self, data: st.DataObject) -> None:
        self.bench.consumer.ack(self.stale.pop(data.draw(st.integers(0, len(self.stale) - 1))))

    @rule()
    def commit(self) -> None:
        for offset in self.bench.committable().values():
            self.committed = offset
            self.bench.consumer.committed[PLACE] = self.bench.consumer._committed_offset[PLACE] = offset

    @rule()
    def seek(self) -> None:
        self.stale += [message for _, message in self.current]
        self.current.clear()
        self.position = self.committed
        self.bench.run(self.bench.consumer.perform_seek())

    @invariant()
    def nothing_unfinished_is_committed(self) -> None:
        offset = self.bench.committable().get(PLACE, self.committed)
        assert offset >= self.committed
        assert set(range(self.committed, offset)) <= self.done

    @invariant()
    def all_that_is_finished_can_be_committed(self) -> None:
        if not self.current and self.position > self.committed:
            assert self.bench.committable() == {PLACE: self.position}

    def teardown(self) -> None:
        self.bench.loop.close()


def test_whatever_happens_only_finished_work_is_committed(tmp_path: Path) -> None:
    Acknowledging.folder = tmp_path
    run_state_machine_as_test(Acknowledging, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_fetch_becomes_chunks_round_robin_over_the_partitions(bench: Bench) -> None:
    consumer = bench.consumer
    consumer.limits = limits(records=2)
    fetched = {tp: [record(b"x", offset, place=tp) for offset in range(count)] for tp, count in ((PLACE, 5), (OTHER, 2))}

    async def read() -> list[tuple[TP, list[int]]]:
        consumer._getmany = lambda active_partitions, timeout: _later(fetched)
        consumer._set_active_tps({PLACE, OTHER})
        return [(tp, [each.offset for each in message.value.records]) async for tp, message in consumer.getmany(0.1)]

    assert bench.run(read()) == [(PLACE, [0, 1]), (OTHER, [0, 1]), (PLACE, [2, 3]), (PLACE, [4])]
    assert consumer._new_offset(PLACE) is None


async def _later(fetched: dict[TP, list[ConsumerRecord]]) -> dict[TP, list[ConsumerRecord]]:
    return fetched


def test_what_was_read_before_is_dropped_before_it_is_in_flight(bench: Bench) -> None:
    consumer = bench.consumer
    first = bench.read(0, 10)
    consumer._read_offset[PLACE] = 9

    async def read() -> list[int]:
        consumer._getmany = lambda active_partitions, timeout: _later({PLACE: [record(b"x", offset) for offset in range(15)]})
        consumer.limits = limits(records=5)
        consumer._set_active_tps({PLACE})
        return [message.offset async for _, message in consumer.getmany(0.1)]

    assert bench.run(read()) == [9, 14]
    assert consumer._new_offset(PLACE) is None
    consumer.ack(first)
    assert consumer._new_offset(PLACE) == 10


def test_partitions_that_change_while_seeking_back_end_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Another worker joins just as a fetch has come: what came is dropped, and the next assignment seeks."""
    consumer = bench.consumer
    consumer.changing = True
    epoch = consumer.epoch

    async def read() -> list[Any]:
        consumer._getmany = lambda active_partitions, timeout: _stopped_meanwhile(consumer)
        consumer._set_active_tps({PLACE})
        return [each async for each in consumer.getmany(0.1)]

    with caplog.at_level("INFO"):
        assert bench.run(read()) == []
    assert "partitions changed while seeking: IllegalStateError: No current assignment" in caplog.text
    assert consumer.epoch == epoch + 1
    assert consumer._new_offset(PLACE) is None


async def _stopped_meanwhile(consumer: Consumer) -> dict[TP, list[ConsumerRecord]]:
    consumer.stop_flow()
    return {PLACE: [record(b"x", 0)]}


def test_where_partitions_are_is_asked_for_again_and_again(bench: Bench) -> None:
    """Whatever the broker says that is no longer their leader."""

    async def look() -> None:
        made = bench.consumer._thread._create_worker_consumer(bench.consumer.transport)
        assert made._client._metadata_max_age_ms == METADATA_SECONDS * 1000
        await made.stop()

    bench.run(look())


def test_the_log_end_of_a_partition_that_is_gone_is_unknown(bench: Bench) -> None:
    consumer = bench.consumer
    consumer._committed_offset[PLACE] = 5

    async def look() -> None:
        consumer._thread._consumer = made = consumer._thread._create_worker_consumer(consumer.transport)
        assert consumer._end(PLACE) is None
        assert consumer.lags() == {"in": 0}
        await made.stop()

    bench.run(look())
