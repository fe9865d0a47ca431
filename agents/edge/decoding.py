"""From what was fetched to the record of its topic, and when the broker had it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import TypeVar, cast

from agents.edge.fetched import Fetched
from schemas.headers import event_type_check
from schemas.records import Record
from schemas.topics import Topic
from schemas.wire import decoder

R = TypeVar("R", bound=Record)


def record_of(topic: Topic, kind: type[R]) -> Callable[[Fetched], R]:
    """A function that gives the record, of the topic's `kind`. It raises InvalidRecordError for what is none."""
    assert topic.record is kind  # noqa: S101 - it stands for the type checker
    decode, check = decoder(kind), event_type_check(topic)

    def read(record: Fetched) -> R:
        if record.headers:
            check(record.headers)
        return decode(record.value)

    return read


def any_record_of(topic: Topic) -> Callable[[Fetched], Record]:
    """The same for a topic whose kind of record is not known to the type checker. Not for a topic that carries any bytes."""
    return record_of(topic, cast(type[Record], topic.record))


@functools.lru_cache(maxsize=64)
def instant(milliseconds: int) -> dt.datetime:
    """The time of a record (ms since 1970). The records of a batch have the broker's time in common."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
