"""Dead letters as a stage writes them."""

from __future__ import annotations

import datetime as dt

from agents.edge.dead_letters import dead_letter
from agents.edge.fetched import Fetched
from agents.edge.producer import Message
from agents.edge.reader import Entry
from schemas.wire import InvalidRecordError, Unreadable

INCOMING = "posts.incoming.v1"
Headers = tuple[tuple[str, bytes], ...]


def buried(
    value: bytes | None, *, key: bytes | None = b"c1", headers: Headers = (), topic: str = INCOMING, kept: int = 1000, to: str = "dead"
) -> Message:
    """What the language stage makes of a record that it cannot read, for the topic `to`."""
    record = Fetched(topic, 3, 17, 1_700_000_000_000, 1, key, value, headers)
    return dead_letter(to, record, InvalidRecordError(Unreadable.INVALID, "not a post"), stage="language", max_bytes=kept)


def entry(message: Message, partition: int = 0, offset: int = 5) -> Entry:
    """The same once it lies on its topic."""
    key = message.key.encode() if isinstance(message.key, str) else message.key
    headers = tuple((name, value.encode() if isinstance(value, str) else value) for name, value in message.headers)
    return Entry(message.topic, partition, offset, dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC), key, message.value, headers)
