"""Faust's genuine consumer with ours on top, not connected to anything."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP, Message

from agents.edge.app import make_app
from agents.edge.chunks import Limits
from agents.edge.transport import Consumer
from agents.settings import load
from tests.agents.edge.records import PLACE, record

OTHER = TP("in", 1)


def limits(records: int = 500, size: int = 1000) -> Limits:
    return Limits(chunk_records=records, chunk_bytes=size, fetch_wait_ms=500, fetch_pace_ms=10)


class Unconnected(Consumer):
    """Its group's committed offsets stand in `committed`: Faust would ask the broker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.committed: dict[TP, int] = {}
        self.changing = False
        """Whether the partitions change in a seek."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """As Faust, but for the broker."""
        if self.changing:
            raise IllegalStateError(f"No current assignment for partition {PLACE}")  # as aiokafka, of the one it is about to seek
        return dict(self.committed)

    def assignment(self) -> set[TP]:
        """Both partitions."""
        return {PLACE, OTHER}

    def highwater(self, tp: TP) -> int:
        """A log of 100 records, as long as there is no consumer of aiokafka to ask."""
        return 100 if self._thread._consumer is None else super().highwater(tp)


class Bench:
    """A consumer on an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.consumer: Unconnected = self.run(self._make(folder))

    async def _make(self, folder: Path) -> Unconnected:
        app = make_app(load(data_dir=folder), "language", limits(), "test")
        app.finalize()
        made = app._new_consumer()
        return Unconnected(made.transport, made.callback, made._on_partitions_revoked, made._on_partitions_assigned)

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Until it is done."""
        return self.loop.run_until_complete(what)

    def read(self, first: int, count: int = 1, tp: TP = PLACE) -> Message:
        """A chunk of `count` records from `first` is read and on its way to the stage."""
        records = [record(b"x", offset, timestamp_ms=1000 + offset, place=tp) for offset in range(first, first + count)]
        return self.consumer._message(tp, records, count)

    def committable(self) -> dict[TP, int]:
        """What Faust would commit now."""
        return dict(self.consumer._filter_committable_offsets(list(self.consumer._filter_tps_with_pending_acks())))


@contextmanager
def ending(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What is done within ends the process: here only with an exception. Yields where its exit code will be."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as ended:
        yield codes
    codes.append(int(ended.value.code or 0))
