"""What a stage is: a function from a batch of records to outputs, whatever carries them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from schemas.records import Record
from schemas.topics import Topic

R = TypeVar("R", bound=Record)


class Incoming(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """A record and the time at which the broker appended it to the topic it was read from."""

    record: R
    appended_at: dt.datetime


class Output(msgspec.Struct, frozen=True, gc=False):
    """A record for a topic. Its key is derived from the record (Topic.key), never copied from the input's."""

    topic: Topic
    record: Record


class Stage(Protocol[R]):
    """One step of the flow. It may be called from any thread, but from one at a time."""

    def process(self, batch: Sequence[Incoming[R]], now: dt.datetime) -> list[list[Output]]:
        """Outputs for each input, in the order of the batch. An exception means: none of the batch was handled."""
        ...

    def fallback(self, item: Incoming[R], now: dt.datetime) -> list[Output]:
        """Outputs for an input on which `process` failed alone: it goes on as unassessed, reason `stage_error`. Must not fail."""
        ...


@dataclass(frozen=True)
class StageSpec(Generic[R]):
    """A stage's place in the flow. Nothing is loaded before `start` is called.

    `start` loads what the stage needs (models, policy) and returns the function that opens it for a partition: it is given the last
    `history` records
    before the stage's position in that partition, oldest first, and is called again whenever the partition is assigned. Where `history`
    is 0 the stage
    keeps no state: it is opened once, and its batches may mix partitions. `max_batch` bounds the posts of one batch; `quick_batch`, where
    there is one, while no more than `max_batch` posts wait: the first of them go on while the last are handled.
    """

    name: str
    source: Topic
    outputs: tuple[Topic, ...]
    start: Callable[[], Callable[[Iterable[R]], Stage[R]]]
    max_batch: int
    history: int = 0
    quick_batch: int | None = None
