"""What becomes of a worker whose place in the group aiokafka keeps no longer, or that it fetches nothing for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.membership import Coordinator, FencedInstanceIdError, ended, fenced
from agents.edge.pulse import Meter
from tests.agents.edge.unconnected import Bench, ending

DENIED = GroupAuthorizationFailedError("sluice.language")


def keeping(bench: Bench, check: Callable[[Coordinator], Awaitable[None]]) -> None:
    """Has `check` look at the coordinator of a consumer that runs, and has nothing to read yet."""

    async def run() -> None:
        thread = bench.consumer._thread
        thread._consumer = consumer = thread._create_worker_consumer(bench.consumer.transport)
        client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
        coordinator = Coordinator(client, consumer._subscription, group_id="g", session_timeout_ms=10_000)
        consumer._coordinator, consumer._fetcher = coordinator, Fetcher(client, consumer._subscription)
        await asyncio.sleep(0)
        try:
            await check(coordinator)
        finally:
            coordinator._coordination_task.cancel()
            await consumer._fetcher.close()
            consumer._coordinator = consumer._fetcher = None
            await consumer.stop()

    bench.run(run())


def test_a_member_that_is_kept_has_no_fault(bench: Bench) -> None:
    async def check(_: Coordinator) -> None:
        assert bench.consumer.fault() is None

    keeping(bench, check)
    assert bench.consumer.fault() is None  # nor one that has ended


def test_what_aiokafka_waits_for_somebody_to_hear_is_a_fault(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(coordinator: Coordinator) -> None:
        waiting = asyncio.ensure_future(coordinator._push_error_to_user(DENIED))
        assert isinstance(bench.consumer.fault(), GroupAuthorizationFailedError)
        bench.consumer.app.consumer = bench.consumer
        with ending(monkeypatch) as code:
            Meter(bench.consumer.app, "language", ["in"], "")._look()
        assert code == [ExitCode.DENIED]
        waiting.cancel()

    keeping(bench, check)


def test_a_task_of_aiokafka_that_has_ended_is_a_fault(bench: Bench) -> None:
    async def check(coordinator: Coordinator) -> None:
        coordinator._subscription.subscribe({"in"})  # it does not know any broker, which it cannot imagine
        await asyncio.wait([coordinator._coordination_task], timeout=5)
        assert "Unexpected error during coordination" in str(bench.consumer.fault())

    keeping(bench, check)


def test_what_is_stopped_for_says_what_to_do() -> None:
    refused, thrown_out = ended(DENIED, "one.language"), ended(KafkaError(repr(FencedInstanceIdError())), "one.language")
    assert isinstance(refused, StopWorker)
    assert (refused.code, "sluice topics rights" in str(refused)) == (ExitCode.DENIED, True)
    assert str(thrown_out) == str(fenced("one.language"))
    unforeseen = KafkaError("unforeseen")
    assert ended(unforeseen, "one.language") is unforeseen
