"""What one Faust event stands for: a chunk of consecutive records of one partition."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types import TP

from agents.edge.fetched import Fetched


@dataclass(frozen=True)
class Limits:
    """How much one chunk holds, and how long a fetch waits for it."""

    chunk_records: int
    chunk_bytes: int
    fetch_wait_ms: int
    idle_fetch_wait_ms: int
    fetch_min_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive records of one partition: the value of one Faust event. `epoch` tells whether it was read before a rebalance."""

    tp: TP
    records: list[Fetched]
    size: int  # bytes of the values
    epoch: int


def split(records: list[Fetched], limits: Limits) -> list[tuple[list[Fetched], int]]:
    """`records` in order, in parts within the limits, each with its bytes; a single record may exceed them."""
    parts: list[tuple[list[Fetched], int]] = []
    start = size = 0
    for position, record in enumerate(records):
        length = len(record.value or b"")
        if position > start and (size + length > limits.chunk_bytes or position - start == limits.chunk_records):
            parts.append((records[start:position], size))
            start, size = position, 0
        size += length
    parts.append((records[start:], size))
    return parts
