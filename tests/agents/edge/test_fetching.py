"""The pause between two fetches: of aiokafka's fetcher everything but the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.consumer import fetcher

from agents.edge.fetching import Fetcher


class Client:
    fetch_pace_seconds = 3600.0


async def fetch(monkeypatch: pytest.MonkeyPatch, came: bool) -> tuple[asyncio.Task[bool], asyncio.Future[None]]:
    """One fetch, a moment after the answer; and who waits for records."""

    async def answered(*_: Any) -> bool:
        return came

    monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", answered)
    made = Fetcher.__new__(Fetcher)
    made._client, made._fetch_waiters = Client(), set()
    made._wait_consume_future = asyncio.get_running_loop().create_future()
    waiter = asyncio.get_running_loop().create_future()
    made._fetch_waiters.add(waiter)
    task = asyncio.ensure_future(made._proc_fetch_request(None, 1, None))
    for _ in range(3):
        await asyncio.sleep(0)
    return task, waiter


def test_records_are_had_at_once_and_the_broker_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        task, waiter = await fetch(monkeypatch, came=True)
        assert waiter.done()
        assert not task.done()
        task.cancel()  # as aiokafka does when partitions go, and when all ends
        await asyncio.wait_for(task, 5)  # raises nothing

    asyncio.run(run())


def test_after_an_empty_answer_the_next_fetch_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        task, waiter = await fetch(monkeypatch, came=False)
        assert task.done()
        assert task.result() is False
        assert not waiter.done()
        waiter.cancel()

    asyncio.run(run())


def test_once_a_fetch_is_over_the_routine_looks_whether_the_broker_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have looked in between, when the task was done and its callback had not run: see Fetcher._look_again."""

    async def run() -> None:
        made = Fetcher.__new__(Fetcher)
        made._client, made._fetch_waiters, made._in_flight = Client(), set(), {1}
        looks = list[bool]()

        async def answered(*_: Any) -> bool:
            return False

        monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", answered)
        loop = asyncio.get_running_loop()
        made._wait_consume_future = loop.create_future()
        made._wait_consume_future.add_done_callback(lambda _: looks.append(1 in made._in_flight))
        task = loop.create_task(made._proc_fetch_request(None, 1, None))
        task.add_done_callback(lambda _: made._in_flight.discard(1))  # as aiokafka does
        await asyncio.wait_for(made._wait_consume_future, 5)
        await asyncio.sleep(0)
        assert looks == [False]

    asyncio.run(run())
