"""A stage's runner by itself; on a genuine Kafka it runs in tests/integration."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.edge.counts import Sent
from agents.edge.failures import ExitCode
from agents.edge.runner import Agent, Runner
from agents.settings import load
from pipeline.stage import Incoming, Output, StageSpec
from schemas.records import Post, Record
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE
from tests.agents.edge.unconnected import ending

SILENT = socket.create_server(("127.0.0.1", 0))
"""A broker that answers nothing, so that its client, which outlives the test, has little to say."""


class NoStage:
    """It is not asked."""

    def process(self, batch: Sequence[Incoming[Post]], now: dt.datetime) -> list[list[Output]]:
        raise NotImplementedError

    def fallback(self, item: Incoming[Post], now: dt.datetime) -> list[Output]:
        raise NotImplementedError


def miscounts(record: Record) -> None:
    """An observer with a mistake in it."""
    raise ZeroDivisionError


def runner(folder: Path) -> Runner[Post]:
    spec = StageSpec("language", POSTS_INCOMING, (POSTS_LANGUAGE,), lambda: lambda _: NoStage(), 500)
    settings = load(broker=f"127.0.0.1:{SILENT.getsockname()[1]}", data_dir=folder, log_level="ERROR")
    return Runner(Agent(spec, observe=miscounts), settings, "test")


def event(records: int = 1, epoch: int = -1) -> Any:
    """Faust's, with a chunk that was read long ago."""
    return SimpleNamespace(value=SimpleNamespace(records=[None] * records, size=1, epoch=epoch), ack=lambda: None)


def test_a_mistake_while_counting_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It happens in a callback of the event loop, which would only log it, with the rest of the batch never acknowledged."""
    output: Any = SimpleNamespace(record=None)
    with ending(monkeypatch) as code:
        runner(tmp_path)._tell([(event(), Sent(1, Counter(), [output], []))], 0)
    assert code == [ExitCode.BUG]


def test_an_error_on_its_thread_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, loop = runner(tmp_path), asyncio.new_event_loop()
    made._loop = loop
    made._inbox.put(SimpleNamespace(value=SimpleNamespace(records=[], size=0)))  # without an epoch
    with ending(monkeypatch) as code:
        made._turns()
    loop.close()
    assert code == [ExitCode.BUG]


def test_a_turn_that_outlasts_the_event_loop_is_no_error(tmp_path: Path) -> None:
    """SIGTERM waits for it only so long; the process is about to end with 0."""

    async def make() -> Runner[Post]:
        made = runner(tmp_path)
        made.app.finalize()
        assert made._consumer.epoch == 0
        return made

    loop = asyncio.new_event_loop()
    made = loop.run_until_complete(make())
    loop.close()
    made._loop = loop
    made._inbox.put(event())
    made._turns()  # returns, and the process is still there
