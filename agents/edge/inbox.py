"""Between the event loop, which puts chunks in, and a thread, which takes them out in groups. Bounded, so that reading waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import Any, NamedTuple

MAX_CHUNKS = 16
MAX_BYTES = 8 * 1024 * 1024
"""What waits in one inbox."""


class Group(NamedTuple):
    """What is taken in one go at most, but always a chunk. `bytes`: of the values. `quick`: so many records, where no more than `records`
    wait; None: no fewer.
    """

    records: int
    bytes: int
    quick: int | None = None


class Inbox:
    """`put`, `room` and `close` belong to the event loop, `take` to the thread."""

    def __init__(self, group: Group) -> None:
        self.closed = False
        self._most = group
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._waits_on: asyncio.AbstractEventLoop | None = None
        self._events: deque[Any] = deque()
        self._bytes = self._records = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def full(self) -> bool:
        """Whether the next chunk has to wait."""
        return not self.closed and (len(self._events) >= MAX_CHUNKS or self._bytes >= MAX_BYTES)

    async def room(self) -> None:
        """Waits until the inbox is not full, or closed."""
        self._waits_on = asyncio.get_running_loop()  # before it looks: what `take` makes room for from now on wakes it
        try:
            while self.full:
                self._room.clear()
                await self._room.wait()
        finally:
            self._waits_on = None

    def put(self, event: Any) -> None:  # noqa: ANN401 - Faust's event, whose value is a Chunk
        """A chunk for the thread. A closed inbox drops it: it is another's to handle."""
        with self._changed:
            if self.closed:
                return
            self._events.append(event)
            self._bytes += event.value.size
            self._records += len(event.value.records)
            self._changed.notify()

    def close(self) -> None:
        """Nothing is taken any more."""
        with self._changed:
            self.closed = True
            self._events.clear()
            self._changed.notify()
        self._room.set()

    def take(self, seconds: float | None = None, not_before: float = 0.0) -> list[Any]:
        """The events of one group, oldest first; none when nothing came, or when the inbox is closed.

        Waits for the first at most `seconds`, and gathers what comes until `not_before` (by time.monotonic()), or until a group is full.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self.closed, seconds)
            if not self._events:
                return []
            if (rest := not_before - time.monotonic()) > 0:
                self._changed.wait_for(lambda: self.closed or self._records >= self._most.records or self._bytes >= self._most.bytes, rest)
            taken = self._group()
        if (loop := self._waits_on) is not None:
            loop.call_soon_threadsafe(self._room.set)
        return taken

    def _group(self) -> list[Any]:
        most = self._most.records
        if self._most.quick is not None and self._records <= most:
            most = self._most.quick
        taken: list[Any] = []
        records = size = 0
        while self._events:
            chunk = self._events[0].value
            records, size = records + len(chunk.records), size + chunk.size
            if taken and (records > most or size > self._most.bytes):
                break
            taken.append(self._events.popleft())
            self._bytes -= chunk.size
            self._records -= len(chunk.records)
        return taken
