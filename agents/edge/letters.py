"""Dead letters as they are read again: where each came from, whether it may go back, and the marks that say that it did."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Self

from agents.edge.dead_letters import MAX_TRIES, PREFIX, TRIES, tries
from agents.edge.producer import Message
from agents.edge.reader import Entry, Headers

REQUEUED = PREFIX + "requeued"
"""Header of a mark: the offset of the letter, in the mark's own partition, that was put back.

A mark lies in its letter's partition, so at a greater offset. Kafka removes a partition's records from the oldest on: no mark goes before
its letter.
"""

REQUEUED_AT = PREFIX + "requeued_at"
UNKNOWN = "?"
PLACE = re.compile(r"([0-9]{1,6}):([0-9]{1,18})")


class Place(NamedTuple):
    """Partition and offset of a letter on the topic of dead letters; written `0:17`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `0:17`. ValueError, with a sentence, for anything else."""
        match = PLACE.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no place; partition:offset is allowed, such as 0:17")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Letter:
    """What the headers of a dead letter say. `length` is that of the whole original, `kept` that of what is left of it."""

    place: Place
    time: dt.datetime
    topic: str
    partition: str
    offset: str
    stage: str
    reason: str
    detail: str
    tries: int
    length: int
    kept: int
    whole: bool

    @property
    def source(self) -> str:
        """Where it came from: `topic[partition]@offset`."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


def letter(entry: Entry) -> Letter:
    """The facts of a dead letter. What a header does not say is `?` or 0; nothing is refused here."""
    value = entry.value or b""
    length = text(entry.headers, "length")
    whole = (
        text(entry.headers, "sha256") == hashlib.sha256(value).hexdigest()
        and text(entry.headers, "headers_dropped") == "0"
        and text(entry.headers, "key_length") == str(len(entry.key or b""))
    )
    return Letter(
        place=Place(entry.partition, entry.offset),
        time=entry.time,
        topic=text(entry.headers, "topic"),
        partition=text(entry.headers, "partition"),
        offset=text(entry.headers, "offset"),
        stage=text(entry.headers, "stage"),
        reason=text(entry.headers, "reason"),
        detail=text(entry.headers, "detail"),
        tries=tries(entry.headers),
        length=int(length) if length.isdecimal() else 0,
        kept=len(value),
        whole=whole,
    )


def text(headers: Headers, name: str) -> str:
    """One of our headers, given without its prefix; `?` if it is not there."""
    value = next((value for each, value in headers if each == PREFIX + name), None)
    return UNKNOWN if value is None else value.decode(errors="backslashreplace")


def marked(entry: Entry) -> Place | None:
    """The letter that a mark says was put back; None if the record is a letter itself."""
    offset = next((value for name, value in entry.headers if name == REQUEUED), None)
    return Place(entry.partition, int(offset)) if offset is not None and offset.isdigit() else None


def obstacle(found: Letter, sources: Collection[str], requeued: Collection[Place]) -> str | None:
    """Why a letter may not be put back, or None. `sources`: the topics it may have come from, by full name."""
    if found.place in requeued:
        return "was put back already"
    if found.topic not in sources:
        return f"came from {found.topic}, which no stage of this installation reads"
    if found.tries >= MAX_TRIES:
        return f"was put back {found.tries} times already; {MAX_TRIES} are allowed"
    if not found.whole:
        return f"is not whole: {found.kept} of {found.length} bytes are left, or a long key was cut, or headers were left out"
    return None


def original(entry: Entry) -> Message:
    """The record as it came in, for the topic it came from, with one more try in its header."""
    value = None if text(entry.headers, "null") == "1" else entry.value or b""
    kept = [(name, value) for name, value in entry.headers if not name.startswith(PREFIX)]
    return Message(text(entry.headers, "topic"), entry.key, value, [*kept, (TRIES, b"%d" % (tries(entry.headers) + 1))])


def mark(entry: Entry, now: dt.datetime) -> Message:
    """Says that the letter was put back. To be sent to the letter's own partition."""
    return Message(entry.topic, entry.key, None, [(REQUEUED, b"%d" % entry.offset), (REQUEUED_AT, now.isoformat().encode())])
