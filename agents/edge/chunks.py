"""What one Faust event stands for: a chunk of consecutive records of one partition."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types import TP

from agents.edge.fetched import Fetched


@dataclass(frozen=True)
class Limits:
    """How much one chunk holds, how long a fetch waits for it, and how long the next waits for the one before (fetching.py)."""

    chunk_records: int
    chunk_bytes: int
    fetch_wait_ms: int
    fetch_pace_ms: int


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
    start = total = 0
    for position, size in enumerate([len(record.value) if record.value else 0 for record in records]):
        if position > start and (total + size > limits.chunk_bytes or position - start == limits.chunk_records):
            parts.append((records[start:position], total))
            start, total = position, 0
        total += size
    parts.append((records[start:], total))
    return parts
