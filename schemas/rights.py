"""Who may do what on Kafka: least-privilege rights per role, made from the one table of topics. Pure.

Kafka lets whoever may Read or Write a resource Describe it too, so Describe stands only where neither does. An idempotent producer needs no
right of its own: to Write one topic is enough since Kafka 2.8.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.topics import DEAD_LETTERS, REVIEW, TOPICS, Topic, review_topic

PRODUCERS, PLATFORM, REVIEW_TOOLS = "producers", "platform", "review tools"
OPERATORS, ON_CALL, PRIVACY, EVIDENCE = "operators", "on call", "privacy", "evidence"
OUTSIDE = (PRODUCERS, PLATFORM, REVIEW_TOOLS, OPERATORS, ON_CALL, PRIVACY, EVIDENCE)
"""Those in the table of topics that are no stage."""

TRANSACTIONAL = "cases"
"""The stage that writes in transactions; their ids are its group and a partition number. It also writes what it reads: a record that lies
on another partition than its key's is put where it belongs.
"""


class Kind(enum.Enum):
    """What a right is on."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional id"


class Operation(enum.Enum):
    """What may be done, in Kafka's words."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    CREATE = "Create"


class Right(NamedTuple):
    """To do `operation` on what is named `name`, or, if `prefixed`, on all whose names begin with it."""

    operation: Operation
    kind: Kind
    name: str
    prefixed: bool = False


@dataclass(frozen=True)
class Role:
    """Rights of one kind of program; `name` is lower-case words joined by hyphens, and a Kafka user's name with a prefix before it."""

    name: str
    title: str
    rights: tuple[Right, ...]

    def may(self, operation: Operation, topic: str) -> bool:
        """Whether it may do so on a topic, by its full name."""
        return Right(operation, Kind.TOPIC, topic) in self.rights


@dataclass(frozen=True)
class Names:
    """What an installation calls its topics and groups: the settings `topic_prefix` and `group`, and its review regions."""

    topic_prefix: str
    group: str
    regions: tuple[str, ...]

    def topics(self, entry: Topic) -> tuple[str, ...]:
        """The full names of an entry of the table: one, or one per region."""
        entries = [review_topic(region) for region in self.regions] if entry is REVIEW else [entry]
        return tuple(self.topic_prefix + each.name for each in entries)

    def of(self, party: str) -> str:
        """The consumer group of a stage; what the groups of the others begin with."""
        return f"{self.topic_prefix}{self.group}.{party}"


def stages(table: Iterable[Topic] = TOPICS) -> tuple[str, ...]:
    """The stages that the table names, in the order of their inputs."""
    return tuple(dict.fromkeys(party for topic in table for party in topic.read_by if party not in OUTSIDE))


def roles(names: Names, table: Sequence[Topic] = TOPICS) -> tuple[Role, ...]:
    """Every role, in the order of the flow."""
    return (
        Role("producer", "publishes posts", _topics(names, table, PRODUCERS)),
        *(Role(stage, f"the stage {stage}", _of_stage(names, table, stage)) for stage in stages(table)),
        Role(
            "platform",
            "enforces decisions, delivers notices, files appeals and reports",
            (*_topics(names, table, PLATFORM), Right(Operation.READ, Kind.GROUP, names.of("platform."), prefixed=True)),
        ),
        *(_review_tool(names, table, region) for region in names.regions),
        Role(
            "operator",
            "`sluice topics create` and `check`, `sluice doctor`, `sluice dead-letters list` and `show`",
            (*_topics(names, table, OPERATORS), *_looking(names, table, Operation.CREATE, Operation.DESCRIBE_CONFIGS)),
        ),
        Role(
            "on-call",
            "what the runbooks look at: `sluice tail`, `sluice doctor`, `sluice topics check`, `sluice dead-letters list` and `show`",
            (*_topics(names, table, ON_CALL), *_looking(names, table, Operation.DESCRIBE_CONFIGS)),
        ),
        Role("privacy", "`sluice erase`; looks up an author's posts among those that came in", _topics(names, table, PRIVACY)),
        Role("evidence", "`sluice calibrate --verdicts`", _topics(names, table, EVIDENCE)),
        Role("monitor", "measures lag, to scale and to alert; reads no record", _looking(names, table)),
        Role(
            "repair",
            "for hours, not for ever: `sluice dead-letters requeue`, setting a group's offsets, looking at a record that stops a stage",
            _repair(names, table),
        ),
    )


def _topics(names: Names, table: Sequence[Topic], party: str) -> tuple[Right, ...]:
    """What the table says that `party` reads and writes."""
    read = [Right(Operation.READ, Kind.TOPIC, name) for topic in table if party in topic.read_by for name in names.topics(topic)]
    write = [Right(Operation.WRITE, Kind.TOPIC, name) for topic in table if party in topic.written_by for name in names.topics(topic)]
    return (*read, *write)


def _of_stage(names: Names, table: Sequence[Topic], stage: str) -> tuple[Right, ...]:
    rights, group = _topics(names, table, stage), Right(Operation.READ, Kind.GROUP, names.of(stage))
    if stage != TRANSACTIONAL:
        return (*rights, group)
    misplaced = (right._replace(operation=Operation.WRITE) for right in rights if right.operation is Operation.READ)
    transactions = Right(Operation.WRITE, Kind.TRANSACTIONAL_ID, names.of(f"{stage}."), prefixed=True)
    return (*dict.fromkeys((*rights, *misplaced)), group, transactions)


def _review_tool(names: Names, table: Sequence[Topic], region: str) -> Role:
    """Of the topics with a region in their name, its own alone."""
    others = {name for topic in table for name in names.topics(topic)} - {
        name for topic in table for name in Names(names.topic_prefix, names.group, (region,)).topics(topic)
    }
    rights = tuple(right for right in _topics(names, table, REVIEW_TOOLS) if right.name not in others)
    group = Right(Operation.READ, Kind.GROUP, names.of(f"review.{region}."), prefixed=True)
    return Role(f"review-{region}", f"the review tool of the region {region}", (*rights, group))


def _looking(names: Names, table: Sequence[Topic], *more: Operation) -> tuple[Right, ...]:
    """To see that topics and the stages' groups exist and how far they are, but no record; with `more` on the topics."""
    every = [name for topic in table for name in names.topics(topic)]
    on_topics = (Right(operation, Kind.TOPIC, name) for operation in (Operation.DESCRIBE, *more) for name in every)
    return (*on_topics, *(Right(Operation.DESCRIBE, Kind.GROUP, names.of(stage)) for stage in stages(table)))


def _repair(names: Names, table: Sequence[Topic]) -> tuple[Right, ...]:
    """All that stages read, the dead letters, and the stages' positions."""
    known = stages(table)
    read = [topic for topic in table if topic is DEAD_LETTERS or (not topic.compacted and not set(known).isdisjoint(topic.read_by))]
    on_topics = (Right(operation, Kind.TOPIC, topic) for operation in (Operation.READ, Operation.WRITE)
                 for entry in read for topic in names.topics(entry))  # fmt: skip
    return (*on_topics, *(Right(Operation.READ, Kind.GROUP, names.of(stage)) for stage in known))
