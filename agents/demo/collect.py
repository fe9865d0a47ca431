"""What the demo reads back, as a platform and a review tool would: decisions, tasks, what happens to them, notices, the states of cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import confluent_kafka as ck

from schemas.cases import AuditCounts, CaseState
from schemas.people import Notice, TaskEvent, TaskEventKind
from schemas.records import Decision, Record, ReviewTask
from schemas.topics import CASE_STATE, DEAD_LETTERS, DECISIONS, NOTICES, TASK_EVENTS, review_topic
from schemas.wire import decoder

BATCH = 500
AUDIT_KEY = b"#audit"
POSITION = b"@"
ENDS = frozenset({TaskEventKind.WITHDRAWN, TaskEventKind.MOVED})

_task, _state, _audits = decoder(ReviewTask), decoder(CaseState), decoder(AuditCounts)
Revision = tuple[str, int]


@dataclass
class Seen:
    """Everything that came out so far.

    `first` is what was first decided on a (post id, revision), by whomever; `decisions` are all, by (post id, revision, sequence): a
    second one of these is a duplicate, or, with another id, a conflict. `ends`: how tasks ended, by task. `states`: as the cases stage
    has them. `audits`: its counts, by partition.
    """

    first: dict[Revision, Decision] = field(default_factory=dict)
    decisions: dict[tuple[str, int, int], Decision] = field(default_factory=dict)
    tasks: dict[str, ReviewTask] = field(default_factory=dict)
    ends: dict[str, TaskEvent] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    states: dict[str, CaseState] = field(default_factory=dict)
    audits: dict[int, AuditCounts] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    last_first: float = field(default_factory=time.monotonic)
    last_change: float = field(default_factory=time.monotonic)

    @property
    def open(self) -> dict[str, ReviewTask]:
        """Tasks that have not ended."""
        return {name: task for name, task in self.tasks.items() if name not in self.ends}

    @property
    def newest(self) -> dict[Revision, Decision]:
        """The last decision on each revision."""
        return {key[:2]: self.decisions[key] for key in sorted(self.decisions)}

    def add(self, record: Record) -> None:
        """Takes a record in."""
        match record:
            case Decision():
                self._decided(record)
            case ReviewTask():
                self.tasks.setdefault(record.task_id, record)
            case TaskEvent() if record.kind in ENDS:
                self.ends.setdefault(record.task_id, record)
            case Notice():
                self.notices.setdefault(record.notice_id, record)

    def _decided(self, decision: Decision) -> None:
        key = (decision.post_id, decision.revision)
        known = self.decisions.setdefault((*key, decision.sequence), decision)
        if known is not decision:
            self.duplicates += 1
            self.conflicts += known.decision_id != decision.decision_id
        if key not in self.first:
            self.first[key] = decision
            self.last_first = time.monotonic()


class Collector:
    """Reads all outputs from their beginning, what is committed of them. Joins no consumer group and commits nothing."""

    def __init__(self, client: dict[str, Any], prefix: str, regions: Iterable[str]) -> None:
        self._consumer = ck.Consumer(
            {**client, "group.id": "sluice-demo", "enable.auto.commit": False, "fetch.wait.max.ms": 20, "isolation.level": "read_committed"}
        )
        self._dead, self._states = prefix + DEAD_LETTERS.name, prefix + CASE_STATE.name
        self._readers: dict[str, Callable[[bytes | None], Record]] = {
            prefix + DECISIONS.name: decoder(Decision),
            prefix + TASK_EVENTS.name: decoder(TaskEvent),
            prefix + NOTICES.name: decoder(Notice),
            **{prefix + review_topic(region).name: _task for region in regions},
        }
        known = self._consumer.list_topics(timeout=30).topics
        self._consumer.assign(
            [
                ck.TopicPartition(name, partition, ck.OFFSET_BEGINNING)
                for name in (*self._readers, self._dead, self._states)
                for partition in known[name].partitions
            ]
        )
        self.seen = Seen()

    def read(self, seconds: float) -> list[Record]:
        """What comes within the time, but for states and dead letters, which are only taken in."""
        found = []
        for message in self._consumer.consume(BATCH, seconds):
            if message.error() is not None:
                continue  # the broker is busy or has moved; what matters is whether everything arrives in the end
            self.seen.last_change = time.monotonic()
            topic = message.topic() or ""
            if topic == self._dead:
                self.seen.dead_letters += 1
            elif topic == self._states:
                self._take_state(message.partition() or 0, message.key() or b"", message.value())
            else:
                record = self._readers[topic](message.value())
                self.seen.add(record)
                found.append(record)
        return found

    def _take_state(self, partition: int, key: bytes, value: bytes | None) -> None:
        if key == AUDIT_KEY:
            self.seen.audits[partition] = _audits(value)
        elif value is None:
            self.seen.states.pop(key.decode(), None)
        elif not key.startswith(POSITION):
            self.seen.states[key.decode()] = _state(value)

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()
