"""A look for records that lasts: what ends it, and what does not. aiokafka's fetcher is genuine, what it has fetched is given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.consumer.subscription_state import SubscriptionState

from agents.edge.fetching import Fetcher
from agents.edge.transport import Consumer
from tests.agents.edge.records import PLACE, record
from tests.agents.edge.unconnected import Bench


def fetched_by_aiokafka(consumer: Consumer, offsets: range) -> Any:
    """Has aiokafka hold records of PLACE that were fetched and not yet taken. Returns its fetcher."""
    subscriptions = SubscriptionState()
    subscriptions.assign_from_user({PLACE})
    assignment = subscriptions.subscription.assignment
    assignment.state_value(PLACE).seek(offsets.start)
    made = Fetcher.__new__(Fetcher)
    made._subscriptions, made._closed = subscriptions, False
    made._loop, made._fetch_waiters, made._wait_consume_future = asyncio.get_running_loop(), set(), None
    found = [record(b"x", offset) for offset in offsets]
    made._records = {PLACE: FetchResult(PLACE, assignment=assignment, partition_records=Found(found), backoff=0)}
    consumer._thread._consumer = SimpleNamespace(_fetcher=made, _closed=False, _max_poll_records=None)
    return made


class Found:
    """The records of a fetch, as aiokafka walks through them."""

    def __init__(self, records: list[ConsumerRecord]) -> None:
        self._records, self.next_fetch_offset = records, records[0].offset

    def __iter__(self) -> Iterator[ConsumerRecord]:
        for each in self._records:
            self.next_fetch_offset = each.offset + 1
            yield each


@pytest.mark.parametrize("wake", ["on_buffer_drop", "resume_flow"])
def test_what_is_held_back_waits_and_is_read_the_moment_it_is_wanted(bench: Bench, wake: str) -> None:
    """The look that finds it began before: it lasts for an hour here. That all is held back does not mean that all is wanted."""
    consumer = bench.consumer

    async def read() -> list[int]:
        fetcher = fetched_by_aiokafka(consumer, range(3))
        consumer._set_active_tps({PLACE})
        consumer.on_buffer_full(PLACE)
        task = asyncio.ensure_future(_offsets(consumer, 3600))
        for step in range(10):
            await asyncio.sleep(0)
            if step == 5:
                fetcher.wake()  # as when something of another partition has come
        assert not task.done()
        if wake == "on_buffer_drop":
            consumer.on_buffer_drop(PLACE)
        else:
            consumer._set_active_tps({PLACE})
            consumer.resume_flow()
        return await asyncio.wait_for(task, 5)

    assert bench.run(read()) == [0, 1, 2]


async def _offsets(consumer: Consumer, timeout: float) -> list[int]:
    return [each.offset async for _, message in consumer.getmany(timeout) for each in message.value.records]
