"""Dead letters: what could not be read, with its original bytes and key, why, and where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from agents.edge.fetched import Fetched
from agents.edge.producer import Header, Message
from schemas.topics import DEAD_LETTERS
from schemas.wire import InvalidRecordError

PREFIX = "sluice_"
TRIES = PREFIX + "tries"
MAX_TRIES = 3
"""How often a record may be put back (`sluice dead-letters requeue`)."""

MAX_KEY_BYTES = 4 * 1024
MAX_HEADER_BYTES = 16 * 1024
"""Kept of the original key, and of the original headers together."""

HEADER_FRAME_BYTES = 10
"""Of a header beside its name and value, at most: without it any number of empty ones would be small."""

MAX_DETAIL_CHARACTERS = 500
VERSION = version("sluice-moderation").encode()


@dataclass(frozen=True)
class DeadLetters:
    """Makes those of one stage. Of a value over `max_bytes` so much is kept."""

    stage: str
    prefix: str
    max_bytes: int

    def of(self, record: Fetched, fault: InvalidRecordError) -> Message:
        """Of a record that cannot be read."""
        return dead_letter(self.prefix + DEAD_LETTERS.name, record, fault, stage=self.stage, max_bytes=self.max_bytes)


def dead_letter(topic: str, record: Fetched, fault: InvalidRecordError, *, stage: str, max_bytes: int) -> Message:
    """The dead letter of a record, for `topic`. Over `max_bytes` the value is cut; the hash and length are those of the whole."""
    key, value, headers = record.key, record.value, record.headers
    whole = value or b""
    kept, dropped = _bounded(headers)
    about: list[Header] = [
        (PREFIX + "topic", record.topic.encode()),
        (PREFIX + "partition", b"%d" % record.partition),
        (PREFIX + "offset", b"%d" % record.offset),
        (PREFIX + "stage", stage.encode()),
        (PREFIX + "reason", fault.reason.encode()),
        (PREFIX + "detail", str(fault)[:MAX_DETAIL_CHARACTERS].encode(errors="backslashreplace")),
        (PREFIX + "version", VERSION),
        (TRIES, b"%d" % tries(headers)),
        (PREFIX + "sha256", hashlib.sha256(whole).hexdigest().encode()),
        (PREFIX + "length", b"%d" % len(whole)),
        (PREFIX + "null", b"%d" % (value is None)),
        (PREFIX + "key_length", b"%d" % len(key or b"")),
        (PREFIX + "headers_dropped", b"%d" % dropped),
    ]
    return Message(topic, None if key is None else key[:MAX_KEY_BYTES], whole[:max_bytes], [*kept, *about])


def tries(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """How often the record was put back before; a header that is no small number counts as never."""
    value = next((value for name, value in headers if name == TRIES), None)
    return int(value) if value is not None and value.isdigit() and len(value) == 1 else 0


def weight(name: str, value: str | bytes | None) -> int:
    """Bytes that a header takes in a record, at most; characters of a name in ASCII."""
    return len(name) + len(value or b"") + HEADER_FRAME_BYTES


def _bounded(headers: Sequence[tuple[str, bytes | None]]) -> tuple[list[Header], int]:
    """The original headers that are not ours, up to the limit, and how many were left out."""
    kept: list[Header] = []
    size = dropped = 0
    for name, value in headers:
        if name.startswith(PREFIX):
            continue
        size += weight(name, value)
        if size > MAX_HEADER_BYTES:
            dropped += 1
        else:
            kept.append((name, value or b""))
    return kept, dropped
