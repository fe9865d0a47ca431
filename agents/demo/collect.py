"""What the demo reads back: decisions and review tasks, as a platform and a review tool would."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import confluent_kafka as ck

from schemas.records import Decision, Record, ReviewTask
from schemas.topics import DEAD_LETTERS, DECISIONS, review_topic
from schemas.wire import decoder

R = TypeVar("R", bound=Record)
BATCH = 500
_decision = decoder(Decision)
_task = decoder(ReviewTask)


@dataclass
class Seen:
    """Everything that came out so far. Keys of `decisions` are (post id, revision); a duplicate is counted, the first is kept."""

    decisions: dict[tuple[str, int], Decision] = field(default_factory=dict)
    tasks: dict[str, ReviewTask] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    last_change: float = field(default_factory=time.monotonic)

    def add(self, decision: Decision) -> None:
        """Counts a decision."""
        key = (decision.post_id, decision.revision)
        first = self.decisions.setdefault(key, decision)
        if first is not decision:
            self.duplicates += 1
            self.conflicts += first.decision_id != decision.decision_id


class Collector:
    """Reads all outputs from their beginning. Joins no consumer group and commits nothing."""

    def __init__(self, client: dict[str, Any], prefix: str, regions: Iterable[str]) -> None:
        self._consumer = ck.Consumer(
            {**client, "group.id": "sluice-demo", "enable.auto.commit": False, "fetch.wait.max.ms": 20, "isolation.level": "read_committed"}
        )
        self._decisions, self._dead = prefix + DECISIONS.name, prefix + DEAD_LETTERS.name
        names = {self._decisions, self._dead, *(prefix + review_topic(region).name for region in regions)}
        known = self._consumer.list_topics(timeout=30).topics
        self._consumer.assign(
            [ck.TopicPartition(name, partition, ck.OFFSET_BEGINNING) for name in names for partition in known[name].partitions]
        )
        self.seen = Seen()

    def read(self, seconds: float) -> None:
        """What comes within the time."""
        for message in self._consumer.consume(BATCH, seconds):
            if message.error() is not None:
                continue  # the broker is busy or has moved; what matters is whether everything arrives in the end
            self.seen.last_change = time.monotonic()
            if message.topic() == self._decisions:
                self.seen.add(_decision(message.value()))
            elif message.topic() == self._dead:
                self.seen.dead_letters += 1
            else:
                task = _task(message.value())
                self.seen.tasks.setdefault(task.task_id, task)

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()
