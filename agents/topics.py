"""The topics of an installation: the one table under the settings' prefix, with a review topic per region. Making and comparing them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # its stubs forget these two
from confluent_kafka.cimpl import NewTopic

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED
from agents.edge.reader import ANSWER_SECONDS, quiet, reading
from agents.edge.security import client_config
from agents.settings import Settings
from pipeline.policy.regions import Regions
from schemas.topics import COPIES, REVIEW, TOPICS, Topic, min_in_sync, review_topic

CREATE_SECONDS = 30.0
SEEN_SECONDS = 0.05
MIN_IN_SYNC = "min.insync.replicas"
UNHURRIED = {"segment.bytes", "segment.ms", "min.cleanable.dirty.ratio", "max.compaction.lag.ms"}
"""Settings of compacted topics without which restoring and erasing take longer, and nothing else."""


@dataclass(frozen=True)
class WantedTopic:
    """A topic as it should be; names are full names, with the prefix. `replication_factor` None: what the brokers allow, at most COPIES."""

    name: str
    topic: Topic
    replication_factor: int | None
    same_partitions_as: str | None

    @property
    def partitions(self) -> int:
        """Its partition count."""
        return self.topic.partitions

    def copies(self, brokers: int) -> int:
        """How many brokers shall have it."""
        return self.replication_factor or min(COPIES, brokers)

    def config(self, copies: int) -> dict[str, str]:
        """Its settings, with so many copies."""
        return {**self.topic.config, MIN_IN_SYNC: str(min_in_sync(copies))}


@dataclass(frozen=True)
class FoundTopic:
    """A topic as the broker has it. `copies`: of the partition with the fewest. `config` is None where the broker does not tell."""

    partitions: int
    copies: int
    config: Mapping[str, str] | None


class Found(NamedTuple):
    """Those of the wanted topics that exist, and how many brokers there are."""

    brokers: int
    topics: dict[str, FoundTopic]


class Difference(NamedTuple):
    """What is not as wanted, and what to do. `serious`: with it the pipeline stops, loses posts or order, or means something else."""

    topic: str
    serious: bool
    what: str
    remedy: str


def wanted_topics(settings: Settings, regions: Regions) -> list[WantedTopic]:
    """Every topic of the table, in its order."""
    return [
        WantedTopic(
            settings.topic_prefix + topic.name,
            topic,
            settings.replication_factor,
            settings.topic_prefix + topic.same_partitions_as if topic.same_partitions_as else None,
        )
        for entry in TOPICS
        for topic in ([review_topic(region.name) for region in regions.regions] if entry is REVIEW else [entry])
    ]


def create_topics(settings: Settings, wanted: Sequence[WantedTopic]) -> list[str]:
    """Makes those that do not exist; the others are left as they are. Returns what was made. Raises StopWorker when the broker refuses."""
    with reading(client_config(settings)) as reader:
        cluster = reader.cluster()
    new = []
    for topic in wanted:
        if topic.name not in cluster.topics:
            copies = topic.copies(cluster.brokers)
            new.append(NewTopic(topic.name, topic.partitions, copies, config=topic.config(copies)))
    admin = _admin(settings)  # its futures fail when it goes
    futures = admin.create_topics(new, operation_timeout=CREATE_SECONDS, request_timeout=CREATE_SECONDS) if new else {}
    made = []
    for name, future in futures.items():
        try:
            future.result(CREATE_SECONDS)
            made.append(name)
        except ck.KafkaException as error:
            fault = error.args[0]
            if fault.code() != ck.KafkaError.TOPIC_ALREADY_EXISTS:  # another one was faster
                raise _refused(name, fault) from error
    _wait_until_seen(settings, made)
    return made


def _wait_until_seen(settings: Settings, made: Sequence[str]) -> None:
    """The broker's answers follow what it has made: whoever looks next would miss a topic. Raises StopWorker after CREATE_SECONDS.

    A topic that this user may make and not see is not waited for.
    """
    deadline = time.monotonic() + CREATE_SECONDS
    with reading(client_config(settings)) as reader:
        while missing := [name for name in set(made) - reader.topics().keys() if not reader.forbids(name)]:
            if time.monotonic() > deadline:
                raise StopWorker(ExitCode.UNREACHABLE, f"topic {min(missing)} was made, and {settings.broker} does not show it")
            time.sleep(SEEN_SECONDS)


def find_topics(settings: Settings, wanted: Sequence[WantedTopic]) -> Found:
    """Those of the wanted topics that exist. Raises StopWorker when no broker answers."""
    with reading(client_config(settings)) as reader:
        cluster = reader.cluster()
    names = [topic.name for topic in wanted if topic.name in cluster.topics]
    found = {name: FoundTopic(*cluster.topics[name], config) for name, config in configs(settings, names).items()}
    return Found(cluster.brokers, found)


def configs(settings: Settings, names: Sequence[str]) -> dict[str, dict[str, str] | None]:
    """The settings of these topics; None where the broker does not tell."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    admin = _admin(settings)  # its futures fail when it goes
    futures = admin.describe_configs(resources, request_timeout=ANSWER_SECONDS) if resources else {}
    found: dict[str, dict[str, str] | None] = {}
    for resource, future in futures.items():
        try:
            found[resource.name] = {name: entry.value for name, entry in future.result(ANSWER_SECONDS + 1).items()}
        except ck.KafkaException:  # no right to see them, or an embedded broker; `hidden` says so
            found[resource.name] = None
    return found


def hidden(found: Mapping[str, FoundTopic]) -> str | None:
    """A sentence if the broker does not show the settings of some topics, so that they could not be compared."""
    names = [name for name, topic in found.items() if topic.config is None]
    return f"{names[0]} and others do not show their settings: give this user the right DescribeConfigs" if names else None


def few_copies(settings: Settings, found: Found) -> str | None:
    """A sentence if topics get fewer copies than they should, and nobody may have meant that."""
    asked_for = settings.replication_factor
    if asked_for is not None and asked_for < COPIES <= found.brokers:
        return (
            f"replication_factor (SLUICE_REPLICATION_FACTOR) is {asked_for}, and there are {found.brokers} brokers: leave it unset for "
            f"{COPIES} copies of each topic, so that the loss of a disk loses nothing"
        )
    if asked_for is None and found.brokers == COPIES - 1:
        return (
            f"{found.brokers} brokers are to be seen, so topics get {found.brokers} copies, and the loss of a disk can lose what it alone "
            f"holds. If another broker is only away, `sluice topics check` says when it is back which topics want a copy more"
        )
    return None


def compare(wanted: Sequence[WantedTopic], found: Found, broker: str) -> list[Difference]:
    """Every difference, in the order of the topics. `broker` stands in the commands that are suggested."""
    return [difference for topic in wanted for difference in _differences(topic, found, broker)]


def _differences(topic: WantedTopic, found: Found, broker: str) -> Iterator[Difference]:
    name, existing = topic.name, found.topics.get(topic.name)
    if existing is None:
        yield Difference(name, True, "does not exist or may not be seen", "run `sluice topics create`")
        return
    yield from _partitions(topic, existing, found.topics.get(topic.same_partitions_as or ""), broker)
    if existing.copies < (copies := topic.copies(found.brokers)):
        what = f"has {existing.copies} of {copies} copies: what is on a broker that is lost may be lost"
        yield Difference(name, True, what, f"`kafka-reassign-partitions.sh --bootstrap-server {broker}` gives its partitions more replicas")
    yield from _settings(topic, existing, broker)


def _partitions(topic: WantedTopic, existing: FoundTopic, sibling: FoundTopic | None, broker: str) -> Iterator[Difference]:
    name = topic.name
    if sibling and existing.partitions != sibling.partitions:
        smaller = name if existing.partitions < sibling.partitions else str(topic.same_partitions_as)
        yield Difference(
            name,
            True,
            f"has {existing.partitions} partitions, {topic.same_partitions_as} has {sibling.partitions}; they must be equal",
            _grow(smaller, max(existing.partitions, sibling.partitions), broker),
        )
    elif existing.partitions < topic.partitions:
        what = f"has {existing.partitions} partitions, not {topic.partitions}"
        yield Difference(name, False, what, _grow(name, topic.partitions, broker))
    elif existing.partitions > topic.partitions:
        what = f"has {existing.partitions} partitions, not {topic.partitions}"
        yield Difference(name, False, what, "leave it if more were meant; to have fewer, the topic must be made anew")


def _settings(topic: WantedTopic, existing: FoundTopic, broker: str) -> Iterator[Difference]:
    if existing.config is None:
        return
    for key, value in topic.config(existing.copies).items():
        found = existing.config.get(key)
        if found == value or (key == MIN_IN_SYNC and found is not None and int(value) < int(found) < existing.copies):
            continue
        why = ""
        if key == MIN_IN_SYNC and found is not None and int(found) >= existing.copies > 1:
            why = f": of {existing.copies} copies; with one broker away nothing can be written"
        yield Difference(
            topic.name,
            _is_serious(key, found, value),
            f"has {key}={found}, not {value}{why}",
            f"`kafka-configs.sh --bootstrap-server {broker} --alter --topic {topic.name} --add-config {key}={value}`",
        )


def _is_serious(key: str, found: str | None, wanted: str) -> bool:
    """Records that are kept for longer, and logs that are cleaned more seldom, cost only disk and time."""
    if key == "retention.ms":
        return found is not None and 0 <= int(found) < int(wanted)  # below 0: for ever
    return key not in UNHURRIED


def _grow(name: str, partitions: int, broker: str) -> str:
    return (
        "keys will move to other partitions, so when no worker runs and all is read: "
        f"`kafka-topics.sh --bootstrap-server {broker} --alter --topic {name} --partitions {partitions}`"
    )


def _admin(settings: Settings) -> AdminClient:
    return AdminClient(quiet(client_config(settings), lambda _: None))


def _refused(name: str, fault: ck.KafkaError) -> StopWorker:
    if fault.code() == ck.KafkaError.INVALID_REPLICATION_FACTOR:
        return StopWorker(ExitCode.CONFIG, f"replication_factor (SLUICE_REPLICATION_FACTOR): topic {name}: {fault.str()}")
    if fault.code() in DENIED:
        return StopWorker(ExitCode.DENIED, f"topic {name} could not be made: {fault.str()}; this user needs the right Create")
    return StopWorker(ExitCode.UNREACHABLE, f"topic {name} could not be made: {fault.str()}")
