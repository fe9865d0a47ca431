"""The headers of a record: CloudEvents in binary mode (its Kafka binding, 1.0) and W3C Trace Context. All values are UTF-8."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from schemas.topics import Topic
from schemas.wire import InvalidRecordError, Unreadable

CE_SPECVERSION = "ce_specversion"
CE_ID = "ce_id"
CE_TYPE = "ce_type"
CE_SOURCE = "ce_source"
CE_TIME = "ce_time"
TRACEPARENT = "traceparent"

SPECVERSION = "1.0"
NAMESPACE = "sluice."
"""What every `ce_type` of ours begins with."""

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def event_type(topic: Topic) -> str:
    """The `ce_type` of a topic's records, with the topic's major version: `sluice.language-post.v1`.

    ValueError for a topic that carries any bytes.
    """
    if topic.record is None:
        raise ValueError(f"topic {topic.name}: carries records of any type")
    record = _WORD_START.sub("-", topic.record.__name__).lower()
    return f"{NAMESPACE}{record}.{topic.name.rpartition('.')[2]}"


def event_type_check(topic: Topic) -> Callable[[Iterable[tuple[str, bytes | None]]], None]:
    """A function that raises InvalidRecordError, reason SCHEMA_VERSION, when `ce_type` names another record of ours, or another major
    version.

    Such a record may decode by chance and mean something else. No `ce_type`, or one that is not ours, says nothing about the record.
    """
    expected, ours = event_type(topic).encode(), NAMESPACE.encode()

    def check(headers: Iterable[tuple[str, bytes | None]]) -> None:
        for name, value in headers:
            if name == CE_TYPE and value is not None and value != expected and value.startswith(ours):
                shown = value[:100].decode(errors="backslashreplace")
                raise InvalidRecordError(
                    Unreadable.SCHEMA_VERSION, f"header {CE_TYPE} is {shown!r}; {topic.name} carries {expected.decode()!r}"
                )

    return check
