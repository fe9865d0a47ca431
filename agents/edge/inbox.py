"""Between the event loop, which puts chunks in, and an owner's thread, which takes them out. Bounded, so that reading waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import Any

MAX_CHUNKS = 16
MAX_BYTES = 8 * 1024 * 1024
"""What waits for one owner."""

GROUP_RECORDS = 2000
GROUP_BYTES = 4 * 1024 * 1024
"""What one transaction takes at most, but always a chunk."""


class Inbox:
    """`put`, `room` and `close` belong to the event loop `loop`, `take` to the owner's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.closed = False
        self._loop = loop
        self._changed = threading.Condition()
        self._room = asyncio.Event()
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
        while self.full:
            self._room.clear()
            await self._room.wait()

    def put(self, event: Any) -> None:  # noqa: ANN401 - Faust's event, whose value is a Chunk
        """A chunk for the owner. A closed inbox drops it: it is another's to handle."""
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

    def take(self, seconds: float, not_before: float) -> list[Any]:
        """The events of one group, oldest first; none when nothing came, or when the inbox is closed.

        Waits for the first at most `seconds`, and gathers what comes until `not_before` (by time.monotonic()), or until a group is full.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self.closed, seconds)
            if not self._events:
                return []
            self._changed.wait_for(
                lambda: self.closed or self._records >= GROUP_RECORDS or self._bytes >= GROUP_BYTES, max(0.0, not_before - time.monotonic())
            )
            taken = self._group()
        self._loop.call_soon_threadsafe(self._room.set)
        return taken

    def _group(self) -> list[Any]:
        taken: list[Any] = []
        records = size = 0
        while self._events:
            chunk = self._events[0].value
            records, size = records + len(chunk.records), size + chunk.size
            if taken and (records > GROUP_RECORDS or size > GROUP_BYTES):
                break
            taken.append(self._events.popleft())
            self._bytes -= chunk.size
            self._records -= len(chunk.records)
        return taken
