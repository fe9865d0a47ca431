"""What an owner is given: in order, in groups, bounded, and nothing once it is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from agents.edge.inbox import MAX_BYTES, MAX_CHUNKS, Group, Inbox

NOW, LONG = 0.0, 30.0
GROUP = Group(records=2000, bytes=4_000_000)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def event(records: int = 1, size: int = 1) -> Any:
    """Faust's, with a chunk of so many records and bytes."""
    return SimpleNamespace(value=SimpleNamespace(records=[None] * records, size=size))


def test_chunks_come_out_in_order() -> None:
    inbox, events = Inbox(GROUP), [event() for _ in range(5)]
    for each in events:
        inbox.put(each)
    assert inbox.take(LONG, NOW) == events
    assert inbox.take(NOW, NOW) == []


@pytest.mark.parametrize("big", [event(GROUP.records), event(1, GROUP.bytes)], ids=["records", "bytes"])
def test_a_group_is_bounded_but_always_holds_a_chunk(big: Any) -> None:
    inbox, small = Inbox(GROUP), event()
    for each in (big, small, small):
        inbox.put(each)
    assert inbox.take(LONG, NOW) == [big]
    assert inbox.take(LONG, NOW) == [small, small]


def test_a_group_is_quick_unless_more_waits_than_one_group_holds() -> None:
    inbox = Inbox(Group(records=64, bytes=1000, quick=16))
    for _ in range(8):
        inbox.put(event(8))
    assert [len(inbox.take()) for _ in range(4)] == [2, 2, 2, 2]
    for _ in range(9):
        inbox.put(event(8))
    assert [len(inbox.take()) for _ in range(2)] == [8, 1]


def test_a_group_gathers_until_it_is_time_or_full() -> None:
    inbox = Inbox(GROUP)
    inbox.put(event())
    started = time.monotonic()
    assert len(inbox.take(LONG, started + 0.1)) == 1
    assert time.monotonic() - started >= 0.1
    inbox.put(event(GROUP.records))
    assert len(inbox.take(LONG, time.monotonic() + LONG)) == 1


def test_reading_waits_while_the_inbox_is_full(loop: asyncio.AbstractEventLoop) -> None:
    inbox = Inbox(GROUP)

    async def fill() -> int:
        for number in range(3 * MAX_CHUNKS):
            await inbox.room()
            inbox.put(event())
            assert len(inbox) <= MAX_CHUNKS, number
        return len(inbox)

    taken: list[Any] = []

    def take() -> None:
        while len(taken) < 2 * MAX_CHUNKS:
            taken.extend(inbox.take(LONG, NOW))

    taker = threading.Thread(target=take)
    taker.start()
    assert loop.run_until_complete(asyncio.wait_for(fill(), LONG)) <= MAX_CHUNKS
    inbox.close()
    taker.join(LONG)


def test_bytes_fill_it_too() -> None:
    inbox = Inbox(GROUP)
    inbox.put(event(1, MAX_BYTES))
    assert inbox.full


def test_a_closed_inbox_gives_and_takes_nothing_and_lets_everybody_go(loop: asyncio.AbstractEventLoop) -> None:
    inbox = Inbox(GROUP)
    for _ in range(MAX_CHUNKS):
        inbox.put(event())

    async def wait_then_close() -> None:
        waiting = asyncio.ensure_future(inbox.room())
        await asyncio.sleep(0)
        inbox.close()
        await asyncio.wait_for(waiting, LONG)

    loop.run_until_complete(wait_then_close())
    inbox.put(event())
    assert inbox.take(LONG, time.monotonic() + LONG) == []
    assert len(inbox) == 0
