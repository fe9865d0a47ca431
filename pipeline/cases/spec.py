"""The place of the cases stage in the flow, and what the edge asks of its machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.cases.rules import Event, Files
from pipeline.cases.shard import Changes
from schemas.topics import APPEALS, CASE_FILES, CASE_INPUTS, CASE_STATE, CASES, REPORTS, VERDICTS, Topic


class Machine(Protocol):
    """All cases of one partition number: Shard, or in a test a smaller one. It is called on one thread."""

    def __len__(self) -> int:
        """How many states there are."""
        ...

    def load(self, key: bytes, value: bytes | None) -> None:
        """A committed record of the state topic, in the order of the log."""
        ...

    def wakes_at(self) -> dt.datetime | None:
        """When time alone changes something next."""
        ...

    def step(self, events: Sequence[Event], files: Files, now: dt.datetime) -> Changes:
        """What is due by `now`, then the events in order. An exception ends the worker: what is in memory is ahead of the log then."""
        ...


@dataclass(frozen=True)
class CasesSpec:
    """`start` loads what the stage needs (policy, regions, roster) and returns what makes the machine of one partition number, given how
    many of them there are.

    `on_files`: inputs whose records are applied to what is in a post's file.
    All inputs, `state` and `files` must have the same number of partitions.
    """

    start: Callable[[], Callable[[int], Machine]]
    outputs: tuple[Topic, ...]
    name: str = "cases"
    inputs: tuple[Topic, ...] = CASE_INPUTS
    state: Topic = CASE_STATE
    files: Topic = CASE_FILES
    on_files: tuple[Topic, ...] = (CASES, VERDICTS, APPEALS, REPORTS)
