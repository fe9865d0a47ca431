"""The log of states of one partition number as its owner reads it back, and whether inputs and states still fit together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, cast

import confluent_kafka as ck

from agents.edge.bounds import TRANSACTION_MARK
from agents.edge.failures import ExitCode, StopWorker, deleted_unread, made_anew
from agents.edge.restore import LogReader, asked, span

POSITION = b"@"
"""Before the full name of an input: the key under which the offset of the next record to handle is kept. No post id begins so."""

COMMITTED = {"isolation.level": "read_committed", "fetch.message.max.bytes": 8 * 1024 * 1024}
Headers = Sequence[tuple[str, bytes | None]]
logger = logging.getLogger(__name__)


class Offsets:
    """What the broker says of a partition number. Logs end behind all open transactions: there may be committed records behind one, though
    who reads only such is told that the log ends before it.
    """

    def __init__(self, client: Mapping[str, Any], group: str, number: int) -> None:
        self.group, self.number = group, number
        self._consumer = ck.Consumer(
            {**client, "group.id": group, "enable.auto.commit": False, "isolation.level": "read_uncommitted"}
        )  # fmt: skip

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()

    def span(self, topic: str) -> tuple[int, int]:
        """The first offset that the log holds, and the one after its last."""
        return span(self._consumer, topic, self.number)

    def committed(self, topics: Sequence[str]) -> dict[str, int]:
        """The group's; below 0 where it has none."""
        places = [ck.TopicPartition(topic, self.number) for topic in topics]
        found = asked(f"group {self.group}", lambda seconds: self._consumer.committed(places, timeout=seconds))
        return {place.topic: place.offset for place in found}


def states(client: Mapping[str, Any], topic: str, offsets: Offsets) -> Iterator[tuple[bytes, bytes | None, Headers]]:
    """Key, value and headers of every committed record, to the end of the log."""
    start, end = offsets.span(topic)
    if start == end:
        return
    with closing(LogReader(client, topic, offsets.number, **COMMITTED)) as reader:
        for messages in reader.read(start, end):
            for message in messages:
                yield message.key() or b"", message.value(), cast(Headers, message.headers() or ())


def check_positions(offsets: Offsets, topics: Sequence[str], positions: Mapping[str, int]) -> dict[str, int]:
    """Raises StopWorker, code LOST, when inputs and states do not fit: states were lost, or records that nobody has handled.

    `positions`: of the states, by full name of the input. Returns those to use instead: where an input no longer holds its position,
    somebody decides where to go on, and says so by setting the group's offset.
    """
    committed = offsets.committed(topics)
    decided: dict[str, int] = {}
    for topic in topics:
        known, offset, name = positions.get(topic, 0), committed[topic], f"{topic}[{offsets.number}]"
        low, high = offsets.span(topic) if topic in positions else (0, known)
        if known + TRANSACTION_MARK < low:  # by itself the group's offset is never ahead of the position
            gone, was_set = deleted_unread(name, known, low), low <= offset <= high
        elif known > high:  # by itself it may be behind
            gone, was_set = made_anew(name, known), offset in (low, high)
        elif offset > known:
            raise StopWorker(
                ExitCode.LOST,
                f"{name}: group {offsets.group} has handled it up to offset {offset}, the states only to {known}: "
                "states were lost. Was their topic made anew? Restore it, or delete the group, to make them anew of what inputs hold.",
            )
        else:
            continue
        if not was_set:
            raise gone
        logger.error("%s The group's offset was set to %d, so it goes on from there", gone, offset)
        decided[topic] = offset
    return decided
