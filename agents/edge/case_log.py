"""The log of states of one partition number as its owner reads it back, and whether inputs and states still fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, cast

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker, deleted_unread, made_anew
from agents.edge.restore import READ_TIMEOUT_SECONDS, LogReader
from agents.edge.transport import TRANSACTION_MARK

POSITION = b"@"
"""Before the full name of an input: the key under which the offset of the next record to handle is kept. No post id begins so."""

COMMITTED = {"isolation.level": "read_committed", "fetch.message.max.bytes": 8 * 1024 * 1024}
ALL = {"isolation.level": "read_uncommitted"}
Headers = Sequence[tuple[str, bytes | None]]


def states(client: Mapping[str, Any], topic: str, number: int) -> Iterator[tuple[bytes, bytes | None, Headers]]:
    """Key, value and headers of every committed record, to the end of the log.

    Not only to the last stable offset, which is all that a reader of committed records is told of: while somebody's transaction is open,
    there may be committed records behind it.
    """
    with closing(LogReader(client, topic, number, **ALL)) as reader:
        start, end = reader.span()
    with closing(LogReader(client, topic, number, **COMMITTED)) as reader:
        for messages in reader.read(start, end):
            for message in messages:
                yield message.key() or b"", message.value(), cast(Headers, message.headers() or ())


def check_positions(client: Mapping[str, Any], group: str, number: int, topics: Sequence[str], positions: Mapping[str, int]) -> None:
    """Raises StopWorker, code LOST, when inputs and states do not fit: states were lost, or records that nobody has handled.

    `positions`: of the states, by full name of the input.
    """
    for topic in topics:
        with closing(LogReader(client, topic, number, **ALL)) as reader:
            low, high = reader.span()
        position = positions.get(topic)
        if position is not None and position + TRANSACTION_MARK < low:
            raise deleted_unread(f"{topic}[{number}]", position, low)
        if position is not None and position > high:
            raise made_anew(f"{topic}[{number}]", position)
    for topic, offset in _committed(client, group, number, topics).items():
        known = positions.get(topic, 0)
        if offset > known:
            raise StopWorker(
                ExitCode.LOST,
                f"{topic}[{number}]: group {group} has handled it up to offset {offset}, the states only to {known}: states were lost. "
                "Was their topic made anew? Restore it, or delete the group: then they are made anew of what the inputs hold.",
            )


def _committed(client: Mapping[str, Any], group: str, number: int, topics: Sequence[str]) -> dict[str, int]:
    """The group's offsets; below 0 where there is none."""
    with closing(ck.Consumer({**client, "group.id": group, "enable.auto.commit": False})) as consumer:
        try:
            found = consumer.committed([ck.TopicPartition(topic, number) for topic in topics], timeout=READ_TIMEOUT_SECONDS)
        except ck.KafkaException as error:
            raise StopWorker(ExitCode.UNREACHABLE, f"group {group}: {error.args[0].str()}") from error
    return {place.topic: place.offset for place in found}
