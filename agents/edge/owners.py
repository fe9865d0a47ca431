"""The owners of this process, as partition numbers come and go."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from faust.types import TP

from agents.edge.failures import ExitCode, StopWorker, stop_for
from agents.edge.inbox import Inbox
from agents.edge.owner import GROUP, Done, Owner, Tools

UNEQUAL = "all inputs of cases, case-state and case-files must have the same number of partitions; `sluice doctor` says which has not"
LAST_TURN_SECONDS = 5.0
"""For owners to end their last turn when the process ends. A transaction left open would hold back readers for some seconds, no more."""


class Owners:
    """To be used on the event loop, but for `join`. `done` is called there after each turn of an owner."""

    def __init__(self, tools: Tools, done: Callable[[Done], None]) -> None:
        self._tools, self._done = tools, done
        self._open: dict[int, Owner] = {}
        self._last: dict[int, Owner] = {}

    @property
    def open(self) -> Sequence[Owner]:
        """One for each partition number that is assigned."""
        return list(self._open.values())

    def of(self, tp: TP) -> Owner | None:
        """None: it is another process's number now."""
        return self._open.get(tp.partition)

    def assigned(self, partitions: set[TP]) -> None:
        """Opens an owner for each number. They restore on their own threads: here nobody sends heartbeats."""
        self.revoked()
        topics = defaultdict(set)
        for tp in partitions:
            topics[tp.partition].add(tp.topic)
        inputs = {self._tools.prefix + topic.name for topic in self._tools.spec.inputs}
        if unlike := [number for number, found in topics.items() if found != inputs]:
            stop_for(StopWorker(ExitCode.DENIED, f"of partition {unlike[0]} this worker was given only some topics: {UNEQUAL}"), "joining")
        loop = asyncio.get_running_loop()

        def done(what: Done) -> None:
            loop.call_soon_threadsafe(self._done, what)

        for number in sorted(topics):
            owner = Owner(number, self._tools, Inbox(GROUP), done, self._last.get(number))
            self._open[number] = self._last[number] = owner
            owner.start()

    def revoked(self) -> None:
        """Closes all. What they were given and have not committed is read again, by whoever owns the number then."""
        for owner in self._open.values():
            owner.inbox.close()
        self._open.clear()

    def join(self) -> None:
        """After `revoked`, on any thread: waits for the last turns, at most LAST_TURN_SECONDS."""
        deadline = time.monotonic() + LAST_TURN_SECONDS
        for owner in self._last.values():
            owner.join(max(0.0, deadline - time.monotonic()))
