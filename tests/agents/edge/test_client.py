"""Faust's consumer thread without a thread: it starts, calls and ends on the event loop of the app."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.errors import KafkaConnectionError

from agents.edge.app import make_app
from agents.edge.chunks import Limits
from agents.edge.client import Client
from agents.settings import load


def client_of(folder: Path) -> tuple[Any, Client]:
    """An app, and the client of its consumer; inside an event loop."""
    app = make_app(load(data_dir=folder), "language", Limits(500, 1000, 500, 10), "test")
    app.finalize()
    client: Client = app._new_consumer()._thread
    return app, client


def test_it_starts_calls_and_ends_on_the_loop_it_was_made_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = list[threading.Thread]()

    async def seen(*_: Any) -> None:
        threads.append(threading.current_thread())

    async def run() -> None:
        _, client = client_of(tmp_path)
        await client.start()
        await client.call_thread(seen)
        await client.stop()
        await client.stop()  # once is enough

    monkeypatch.setattr(aiokafka.AIOKafkaConsumer, "start", seen)
    monkeypatch.setattr(aiokafka.AIOKafkaConsumer, "stop", seen)
    before = threading.active_count()
    asyncio.run(run())
    assert threads == [threading.current_thread()] * 3
    assert threading.active_count() == before


def test_what_ends_its_start_is_what_the_app_crashed_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """agents/edge/process.py says why a process ends, and looks there."""

    async def unreachable(_: Any) -> None:
        raise KafkaConnectionError("no broker")

    async def run() -> None:
        app, client = client_of(tmp_path)
        with pytest.raises(KafkaConnectionError):
            await client.start()
        assert isinstance(client.crash_reason, KafkaConnectionError)
        assert isinstance(app.crash_reason, KafkaConnectionError)

    monkeypatch.setattr(aiokafka.AIOKafkaConsumer, "start", unreachable)
    asyncio.run(run())
