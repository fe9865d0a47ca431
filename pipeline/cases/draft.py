"""A case while one event is applied to it: the state to come, and what leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from pipeline.cases.facts import Fact
from pipeline.cases.rules import Files, OpenTasks, Rules
from pipeline.ids import derived
from pipeline.policy.policy import Policy
from pipeline.policy.region import OTHER_LANGUAGE
from pipeline.stage import Output
from schemas.cases import CaseFile, CaseState, OpenTask
from schemas.people import Channel, Notice, TaskEvent
from schemas.records import RESTRICTS, Decision, Language, Record
from schemas.topics import NOTICES, TASK_EVENTS, Topic

GRAVE = frozenset({Channel.TRUSTED_FLAGGER, Channel.AUTHORITY})
"""Reports through these are looked at whatever a person has decided before."""


class Surroundings(NamedTuple):
    """What a case does not know of itself. `open_tasks`: in one of `shards` partitions that see about as many each."""

    rules: Rules
    files: Files
    open_tasks: OpenTasks
    shards: int


class Draft:
    """`state` is replaced, never changed. `cause`: the id of the event. `at`: its time, the only clock there is."""

    def __init__(self, state: CaseState, cause: str, at: dt.datetime, surroundings: Surroundings) -> None:
        self.state = state
        self.cause = cause
        self.at = at
        self.rules = surroundings.rules
        self.policy: Policy = surroundings.rules.policies.at(at)
        self._around = surroundings
        self.outputs: list[Output] = []
        self.facts: list[Fact] = []
        self.file_changed = False
        self.forgotten = False
        """The case is over: nothing of it is kept."""
        self._file: CaseFile | None = None
        self._made = 0

    @property
    def file(self) -> CaseFile:
        """The content. RuntimeError where a case that was not erased has none: the log is damaged, and nothing may be decided on it."""
        if self._file is None:
            self._file = self._around.files.read(self.state.post_id)
        if self._file is None:
            raise RuntimeError(f"the case file of post {self.state.post_id} is missing")
        return self._file

    @file.setter
    def file(self, changed: CaseFile) -> None:
        self._file, self.file_changed = changed, True

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Those that the file holds; none once it was erased."""
        return () if self.state.erased_at else self.file.decisions

    @property
    def task(self) -> OpenTask:
        """The open task. RuntimeError where there is none: whoever asks has looked before."""
        if self.state.task is None:
            raise RuntimeError(f"post {self.state.post_id} has no open task")
        return self.state.task

    def load(self, region: str) -> float:
        """Open tasks of a region, over all partitions, besides the one of this case."""
        task = self.state.task
        own = task is not None and task.region == region and not task.nobody_left
        return float((self._around.open_tasks(region) - own) * self._around.shards)

    def severity(self, labels: Iterable[str]) -> int:
        """Of the gravest of these labels, 0 to 100; 0 of those that the policy does not know."""
        known = self.policy.labels
        return max((known[label].severity for label in labels if label in known), default=0)

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - fields of CaseState, which mypy cannot check here; msgspec refuses unknown names
        """Replaces fields of the state."""
        self.state = msgspec.structs.replace(self.state, **changes)

    def put(self, topic: Topic, record: Record) -> None:
        """Sends a record."""
        self.outputs.append(Output(topic, record))

    def new_id(self, kind: str) -> str:
        """The next id that follows from the event."""
        self._made += 1
        return derived(kind, self.state.post_id, self.cause, self._made)

    def notify(self, notice: Notice) -> None:
        """Tells the author, a reporter or a reviewer."""
        self.put(NOTICES, notice)

    def tell_tools(self, event: TaskEvent) -> None:
        """Tells the review tools."""
        self.put(TASK_EVENTS, event)

    @property
    def language(self) -> Language:
        """Of the post; of one that is not known, none."""
        return self.state.language or Language(tag=OTHER_LANGUAGE, confidence=0.0)

    def appeal_until(self, decided_at: dt.datetime) -> dt.datetime | None:
        """How long an appeal is open; None where the case is about to be erased, so that nobody could look at one."""
        return None if self.state.erase_when_closed else decided_at + self.policy.people.appeals

    def appeals_end(self, since: dt.datetime) -> dt.datetime:
        """When the time for appeals ends that began then: not before the date that a notice has named, whatever a later policy says."""
        return since + max(self.policy.people.appeals, self.rules.policies.at(since).people.appeals)

    @property
    def restricted(self) -> bool:
        """Whether the decision in force restricts the post."""
        return self.state.standing is not None and self.state.standing.action in RESTRICTS
