"""What every stage counts, and when: reading and handling at once, results only when the broker has confirmed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.edge import metrics
from pipeline.stage import Output
from schemas.records import Record
from schemas.wire import Unreadable


class Sent(NamedTuple):
    """What to count once the broker has confirmed what came of some records: records read, messages by full name of their topic."""

    posts: int
    topics: Counter[str]
    outputs: Sequence[Output]
    dead: Sequence[str]
    stage_errors: int = 0


class Counts:
    """Of one stage. `observe` is called once for each confirmed output."""

    def __init__(self, stage: str, prefix: str, observe: Callable[[Record], None] | None) -> None:
        self._stage, self._prefix, self._observe = stage, prefix, observe
        self._ok, self._failed, self._dead = (metrics.POSTS_DONE.labels(stage, each) for each in ("ok", "stage_error", "dead_letter"))
        self._in, self._seconds, self._batch = (
            each.labels(stage) for each in (metrics.POSTS_IN, metrics.STAGE_SECONDS, metrics.BATCH_POSTS)
        )
        for reason in Unreadable:  # a series that began with its first count would hide that one from increase()
            metrics.DEAD_LETTERS.labels(stage, reason)

    def handled(self, posts: int, seconds: float) -> None:
        """A batch was decoded, handled and encoded."""
        self._in.inc(posts)
        self._seconds.observe(seconds)
        self._batch.observe(posts)

    def confirmed(self, sent: Sent) -> None:
        """The broker has it."""
        self._ok.inc(sent.posts - len(sent.dead) - sent.stage_errors)
        self._failed.inc(sent.stage_errors)
        self._dead.inc(len(sent.dead))
        for reason in sent.dead:
            metrics.DEAD_LETTERS.labels(self._stage, reason).inc()
        for topic, count in sent.topics.items():
            metrics.POSTS_OUT.labels(self._stage, topic.removeprefix(self._prefix)).inc(count)
        if self._observe:
            for output in sent.outputs:
                self._observe(output.record)
