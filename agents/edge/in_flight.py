"""Which chunks are read and not yet done with, and so up to where a partition may be committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from faust.types import TP, Message


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    first: int
    behind: int | None
    message: Message
    appended_ms: int


class InFlight:
    """The chunks of all partitions, each known by the message that stands for it, whose offset is the chunk's last."""

    def __init__(self) -> None:
        self._units: defaultdict[TP, dict[int, _Unit]] = defaultdict(dict)  # by last offset, in the order read
        self._last_read: dict[TP, int] = {}

    def add(self, message: Message, first: int, appended_ms: int) -> None:
        """A chunk was read: its first offset, and when the broker got its first record (ms since 1970).

        One that is in flight and was read again stays in flight until the first one is done with.
        """
        tp = message.tp
        self._units[tp].setdefault(message.offset, _Unit(first, self.next_read(tp), message, appended_ms))
        self._last_read[tp] = max(message.offset, self._last_read.get(tp, -1))

    def pass_to(self, tp: TP, offset: int) -> bool:
        """All before `offset` was read, or holds no record. Whether that is news."""
        if offset <= (self.next_read(tp) or 0):
            return False
        self._last_read[tp] = offset - 1
        return True

    def remove(self, message: Message) -> bool:
        """The chunk is done with. False if it is not in flight; it is told by the identity of its message.

        So a late word on a chunk that was read again meanwhile does not free the second one.
        """
        units = self._units[message.tp]
        unit = units.get(message.offset)
        if unit is None or unit.message is not message:
            return False
        del units[message.offset]
        return True

    def forget(self, partitions: Iterable[TP] | None = None) -> None:
        """As if nothing of these partitions, or of all, had been read."""
        for tp in list(self._last_read) if partitions is None else partitions:
            self._units.pop(tp, None)
            self._last_read.pop(tp, None)

    def committable(self, tp: TP) -> int | None:
        """The offset before which everything is done with; None if nothing is yet.

        It is the one behind the last record that is done, not that of the first which is not: marks of transactions may lie between, and
        what keeps its own positions counts no marks.
        """
        for unit in self._units[tp].values():
            return unit.behind
        return self.next_read(tp)

    def position(self, tp: TP) -> int | None:
        """The first offset that is read and not done with, else the one behind the last; None if nothing was read."""
        for unit in self._units[tp].values():
            return unit.first
        return self.next_read(tp)

    def empty(self, tp: TP) -> bool:
        """Whether nothing of it is in flight."""
        return not self._units[tp]

    def next_read(self, tp: TP) -> int | None:
        """The offset after the last that was read; None if nothing was."""
        last = self._last_read.get(tp)
        return None if last is None else last + 1

    def oldest_ms(self) -> dict[str, int]:
        """When the broker got the oldest record in flight of each topic that has one (ms since 1970)."""
        oldest: dict[str, int] = {}
        for tp, units in list(self._units.items()):
            if (unit := next(iter(units.values()), None)) is not None:
                oldest[tp.topic] = min(unit.appended_ms, oldest.get(tp.topic, unit.appended_ms))
        return oldest
