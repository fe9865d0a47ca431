"""Records as aiokafka gives them, and chunks of them."""

from __future__ import annotations

from collections.abc import Sequence

from faust.types import TP

from agents.edge.chunks import Chunk
from agents.edge.fetched import Fetched

PLACE = TP("in", 0)


def record(
    value: bytes | None,
    offset: int = 0,
    *,
    key: bytes | None = b"k",
    headers: Sequence[tuple[str, bytes | None]] = (),
    timestamp_ms: int = 1_800_000_000_000,
    place: TP = PLACE,
) -> Fetched:
    """A record of a partition."""
    return Fetched(place.topic, place.partition, offset, timestamp_ms, 1, key, value, tuple(headers))


def chunk(*values: bytes | None, first: int = 0, epoch: int = 1, place: TP = PLACE) -> Chunk:
    """A chunk of records at consecutive offsets from `first`."""
    records = [record(value, offset, place=place) for offset, value in enumerate(values, start=first)]
    return Chunk(place, records, sum(len(value or b"") for value in values), epoch)
