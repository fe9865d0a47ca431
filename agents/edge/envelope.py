"""Where a stage's records go and how they are marked: topic, key, CloudEvents, the trace that is passed on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.edge.producer import Header, Message
from pipeline.stage import Output
from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, SPECVERSION, TRACEPARENT, event_type
from schemas.topics import MAX_MESSAGE_BYTES, Topic
from schemas.wire import InvalidRecordError, Unreadable, encode

MAX_VALUE_BYTES = MAX_MESSAGE_BYTES - 16 * 1024
"""Of an output, which leaves room for its key, its headers and the batch around it."""

TRACEPARENT_PATTERN = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class _Address:
    """What is the same for all records of a topic."""

    name: str
    headers: tuple[Header, ...]


class Envelope:
    """Of one stage, for all its topics."""

    def __init__(self, stage: str, prefix: str) -> None:
        self._stage, self._prefix = stage, prefix
        self._addresses: dict[str, _Address] = {}

    def message(self, output: Output, time: Header, trace: bytes | None) -> Message:
        """What to send. Raises InvalidRecordError, reason TOO_LARGE: the broker would refuse it each time, and hold up all behind it."""
        topic, record = output.topic, output.record
        address = self._addresses.get(topic.name) or self._address_of(topic)
        headers = [*address.headers, (CE_ID, topic.id_of(record)), time]
        if trace is not None:
            headers.append((TRACEPARENT, trace))
        value = encode(record)
        if len(value) > MAX_VALUE_BYTES:
            said = f"{self._stage} makes {len(value)} bytes of it; at most {MAX_VALUE_BYTES} fit"
            raise InvalidRecordError(Unreadable.TOO_LARGE, said)
        return Message(address.name, topic.key_of(record), value, headers)

    def _address_of(self, topic: Topic) -> _Address:
        marks = {CE_SPECVERSION: SPECVERSION, CE_TYPE: event_type(topic), CE_SOURCE: f"sluice/{self._stage}"}
        address = _Address(self._prefix + topic.name, tuple((name, value.encode()) for name, value in marks.items()))
        self._addresses[topic.name] = address
        return address


def time_header(now: dt.datetime) -> Header:
    """When the records of a batch were made."""
    return (CE_TIME, now.isoformat().encode())


def traceparent(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """The W3C trace context that is passed through every hop, if it is one."""
    for name, value in headers:
        if name == TRACEPARENT and value is not None and TRACEPARENT_PATTERN.fullmatch(value):
            return value
    return None
