"""The one table of topics. Creation, AsyncAPI, access rights and the docs are made from it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from schemas.cases import CaseEvent, CaseFile, CaseState
from schemas.people import Appeal, Enforcement, Erasure, Notice, Report, TaskEvent, Verdict
from schemas.records import Decision, LanguagePost, Post, Record, ReviewTask, ScoredPost

MAX_MESSAGE_BYTES = 1024 * 1024
"""Largest record on any topic, key and headers included: Kafka's own default for a broker is 1,048,588."""

COPIES = 3
"""Copies of a topic where there are brokers enough."""

DAY_MS = 24 * 60 * 60 * 1000
SEGMENT_BYTES = 64 * 1024 * 1024
"""Of a compacted topic. The cleaner leaves the segment that is written to alone, and Kafka's default is 1 GiB, or a week of records."""

DIRTY_RATIO = "0.1"
"""The cleaner passes when so large a part of a log is new; Kafka's default is half. An owner reads the whole log at its start."""

REGION_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Topic:
    """A topic: `<domain>.<entity>.v<major>`, under a prefix that is a setting. `{region}` in a name stands for a review region.

    `key` is the path in the record whose value is the record's key; None keeps the key that came in. `identity` are the paths whose values,
    joined by colons, are its CloudEvents id. `append_time`: the broker stamps the time of arrival. `compacted`: the newest record of a
    key is kept until a tombstone removes it, and `retention_ms` is how long the tombstone stays. `same_partitions_as` names a topic whose
    partition count must be equal.
    """

    name: str
    record: type[Record] | None
    key: str | None
    identity: tuple[str, ...]
    partitions: int
    retention_ms: int
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    title: str
    append_time: bool = False
    compacted: bool = False
    same_partitions_as: str | None = None
    key_of: Callable[[Record], str] = field(init=False, repr=False, compare=False, hash=False)
    id_of: Callable[[Record], str] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_of", _joined((self.key,) if self.key else ()))
        object.__setattr__(self, "id_of", _joined(self.identity))

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings on the broker."""
        return {
            **(self._cleaned if self.compacted else self._deleted),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "unclean.leader.election.enable": "false",
        }

    @property
    def _deleted(self) -> dict[str, str]:
        """By age alone: a limit in bytes, which brokers may set for all topics, would delete records before they are handled."""
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms), "retention.bytes": "-1"}

    @property
    def _cleaned(self) -> dict[str, str]:
        """So that what is read at a start follows what is kept, and what a tombstone erased is on no disk two days later or so."""
        return {
            "cleanup.policy": "compact",
            "delete.retention.ms": str(self.retention_ms),
            "segment.bytes": str(SEGMENT_BYTES),
            "segment.ms": str(DAY_MS),
            "min.cleanable.dirty.ratio": DIRTY_RATIO,
            "max.compaction.lag.ms": str(DAY_MS),
        }


def min_in_sync(copies: int) -> int:
    """`min.insync.replicas` of a topic with so many copies. A record counts as written when that many have it, so of three copies one may
    be lost with its disk, and one more broker may be away for readers, before anything is. Kafka's default, 1, would confirm a record that
    one disk alone holds. With two copies writing goes on without one of them, and that is the price.
    """
    return 2 if copies >= COPIES else 1


def _joined(paths: tuple[str, ...]) -> Callable[[Record], str]:
    """The values at `paths` of a record, joined by colons. One or two paths, the usual cases, are read without a loop."""
    readers = [operator.attrgetter(path) for path in paths]
    if len(readers) == 1:
        return readers[0]
    if len(readers) == 2:
        first, second = readers
        return lambda record: f"{first(record)}:{second(record)}"
    return lambda record: ":".join(str(read(record)) for read in readers)


POSTS_INCOMING = Topic(
    name="posts.incoming.v1",
    record=Post,
    key="conversation_id",
    identity=("post_id", "revision"),
    partitions=12,
    retention_ms=7 * DAY_MS,
    append_time=True,
    written_by=("producers",),
    read_by=("language", "privacy", "on call"),
    title="What happens to posts: created, edited, deleted",
)
POSTS_LANGUAGE = Topic(
    name="posts.language.v1",
    record=LanguagePost,
    key="post.conversation_id",
    identity=("post.post_id", "post.revision"),
    partitions=12,
    retention_ms=7 * DAY_MS,
    written_by=("language",),
    read_by=("scoring", "on call"),
    title="Posts with their language",
    same_partitions_as="posts.incoming.v1",
)
POSTS_SCORED = Topic(
    name="posts.scored.v1",
    record=ScoredPost,
    key="post.conversation_id",
    identity=("post.post_id", "post.revision"),
    partitions=12,
    retention_ms=7 * DAY_MS,
    written_by=("scoring",),
    read_by=("routing", "on call"),
    title="Posts with a probability per label",
    same_partitions_as="posts.incoming.v1",
)
DECISIONS = Topic(
    name="moderation.decisions.v1",
    record=Decision,
    key="post_id",
    identity=("decision_id",),
    partitions=12,
    retention_ms=30 * DAY_MS,
    written_by=("routing", "cases"),
    read_by=("platform", "on call"),
    title="What the platform does with a post, and why",
)
REVIEW = Topic(
    name="moderation.review.{region}.v1",
    record=ReviewTask,
    key="post.post_id",
    identity=("task_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    written_by=("cases",),
    read_by=("review tools", "on call"),
    title="Posts that people of a region decide, with their conversation",
)
CASES = Topic(
    name="moderation.cases.v1",
    record=CaseEvent,
    key="post.post_id",
    identity=("event_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("routing",),
    read_by=("cases", "evidence"),
    title="What opens a case: posts that people must look at, that the machine has restricted or that the audit drew; edits; deletions",
)
TASK_EVENTS = Topic(
    name="moderation.task-events.v1",
    record=TaskEvent,
    key="post_id",
    identity=("event_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("review tools", "cases"),
    read_by=("cases", "review tools", "on call"),
    title="What happens to review tasks: claimed, released, withdrawn, moved",
    same_partitions_as="moderation.cases.v1",
)
VERDICTS = Topic(
    name="moderation.verdicts.v1",
    record=Verdict,
    key="post_id",
    identity=("verdict_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("review tools",),
    read_by=("cases", "evidence", "on call"),
    title="What reviewers say",
    same_partitions_as="moderation.cases.v1",
)
APPEALS = Topic(
    name="moderation.appeals.v1",
    record=Appeal,
    key="post_id",
    identity=("appeal_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("platform",),
    read_by=("cases",),
    title="Authors and reporters who ask for another look",
    same_partitions_as="moderation.cases.v1",
)
REPORTS = Topic(
    name="moderation.reports.v1",
    record=Report,
    key="post_id",
    identity=("report_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("platform",),
    read_by=("cases",),
    title="What users, trusted flaggers and authorities report",
    same_partitions_as="moderation.cases.v1",
)
ENFORCEMENTS = Topic(
    name="moderation.enforcements.v1",
    record=Enforcement,
    key="post_id",
    identity=("decision_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("platform",),
    read_by=("cases", "on call"),
    title="Decisions that the platform has carried out",
    same_partitions_as="moderation.cases.v1",
)
ERASURES = Topic(
    name="moderation.erasures.v1",
    record=Erasure,
    key="post_id",
    identity=("erasure_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    append_time=True,
    written_by=("privacy",),
    read_by=("cases",),
    title="Posts of which cases are to keep nothing that was written",
    same_partitions_as="moderation.cases.v1",
)
CASE_STATE = Topic(
    name="moderation.case-state.v1",
    record=CaseState,
    key="post_id",
    identity=("post_id",),
    partitions=6,
    retention_ms=7 * DAY_MS,
    compacted=True,
    written_by=("cases",),
    read_by=("cases",),
    title="The state of every case; keys that begin with @ are the positions in the inputs",
    same_partitions_as="moderation.cases.v1",
)
CASE_FILES = Topic(
    name="moderation.case-files.v1",
    record=CaseFile,
    key="post_id",
    identity=("post_id", "revision"),
    partitions=6,
    retention_ms=7 * DAY_MS,
    compacted=True,
    written_by=("cases",),
    read_by=("cases",),
    title="Posts as they were judged, with conversation and decisions, until the window for appeals is over",
    same_partitions_as="moderation.cases.v1",
)
NOTICES = Topic(
    name="moderation.notices.v1",
    record=Notice,
    key="post_id",
    identity=("notice_id",),
    partitions=6,
    retention_ms=30 * DAY_MS,
    written_by=("cases",),
    read_by=("platform",),
    title="What authors, reporters and reviewers are told",
    same_partitions_as="moderation.cases.v1",
)
DEAD_LETTERS = Topic(
    name="moderation.dead-letters.v1",
    record=None,
    key=None,
    identity=(),
    partitions=3,
    retention_ms=14 * DAY_MS,
    written_by=("language", "scoring", "routing", "cases"),
    read_by=("operators", "on call"),
    title="What could not be read: original bytes, reason, where from",
)

TOPICS = (
    POSTS_INCOMING,
    POSTS_LANGUAGE,
    POSTS_SCORED,
    DECISIONS,
    REVIEW,
    CASES,
    TASK_EVENTS,
    VERDICTS,
    APPEALS,
    REPORTS,
    ENFORCEMENTS,
    ERASURES,
    CASE_STATE,
    CASE_FILES,
    NOTICES,
    DEAD_LETTERS,
)


def inputs(stage: str) -> tuple[Topic, ...]:
    """What a stage reads from its group's offsets on. What is compacted is a state, which is read as a whole."""
    return tuple(topic for topic in TOPICS if stage in topic.read_by and not topic.compacted)


CASE_INPUTS = inputs("cases")
"""By post, so that one owner has all that concerns a post."""


def review_topic(region: str) -> Topic:
    """The review topic of a region. ValueError if `region` is not lower-case words and digits joined by hyphens."""
    if not REGION_PATTERN.fullmatch(region):
        raise ValueError(f"region {region!r}: only lower-case letters, digits and single hyphens between them are allowed")
    return replace(REVIEW, name=REVIEW.name.format(region=region))
