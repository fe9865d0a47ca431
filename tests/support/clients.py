"""Looking at a broker from outside: create topics, produce, read everything. Waits are bounded and end with a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as RawMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.topics import MAX_MESSAGE_BYTES, Topic

Headers = tuple[tuple[str, bytes | None], ...]
Address = str | Mapping[str, Any]
"""`host:port`, or the settings of a confluent-kafka client where that is not enough."""


class Outgoing(NamedTuple):
    """A message to produce. `timestamp_ms` 0: now."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0


@dataclass(frozen=True)
class Message:
    """A message as read. `append_time`: its timestamp was given by the broker."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int
    append_time: bool

    def header(self, name: str) -> bytes | None:
        """The first header of that name. KeyError if there is none."""
        for each, value in self.headers:
            if each == name:
                return value
        raise KeyError(name)


CREATE_TRIES = 5


def client(address: Address) -> dict[str, Any]:
    """Settings of a confluent-kafka client."""
    return {"bootstrap.servers": address} if isinstance(address, str) else dict(address)


def create_topics(address: Address, prefix: str, topics: Iterable[Topic], partitions: Mapping[str, int] | None = None) -> list[str]:
    """Creates the topics of the table as `prefix` + name; `partitions` overrides counts by name without prefix. Returns the full names."""
    counts = partitions or {}
    new = [NewTopic(prefix + topic.name, counts.get(topic.name, topic.partitions), 1, config=topic.config) for topic in topics]
    names = [topic.topic for topic in new]
    _wait_until_seen(create_new(address, new), names)
    return names


def create_new(address: Address, new: Iterable[NewTopic]) -> AdminClient:
    """Creates topics of any kind. Returns the client that did.

    While brokers come and go, a request may wait for an address of `bootstrap.servers` and fail when that gives way to the broker behind it
    (librdkafka 2.16, on a busy machine): it is sent again, and may find that the first one arrived.
    """
    missing = {topic.topic: topic for topic in new}
    failed: KafkaException | None = None
    for attempt in range(CREATE_TRIES):
        admin = AdminClient(client(address))
        for name, future in admin.create_topics(list(missing.values()), operation_timeout=30).items():
            try:
                future.result(30)
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError._DESTROY_BROKER:
                    failed = error
                    continue
                if code != KafkaError.TOPIC_ALREADY_EXISTS or not attempt:
                    raise
            del missing[name]
        if not missing:
            return admin
    raise AssertionError(f"not created in {CREATE_TRIES} tries: {sorted(missing)}") from failed


def _wait_until_seen(admin: AdminClient, names: list[str], timeout: float = 30) -> None:
    """The controller has made them; a broker hears of it a little later, on a busy machine noticeably so."""
    deadline = time.monotonic() + timeout
    unseen = set(names)
    while unseen and time.monotonic() < deadline:
        known = admin.list_topics(timeout=timeout).topics
        unseen = {name for name in unseen if name not in known or any(each.leader < 0 for each in known[name].partitions.values())}
    if unseen:
        raise TimeoutError(f"{', '.join(sorted(unseen))}: made, but not to be seen within {timeout} s")


def delete_topics(address: Address, names: list[str]) -> None:
    """Deletes topics by their full names."""
    admin = AdminClient(client(address))
    for future in admin.delete_topics(names, operation_timeout=30).values() if names else ():
        future.result(30)


def produce(address: Address, topic: str, messages: Iterable[Outgoing], timeout: float = 60) -> list[tuple[int, int]]:
    """Sends all and waits until all are confirmed: (partition, offset) of each, in order. KafkaException if one was refused.

    Keys land on the partitions that Java and aiokafka choose.
    """
    settings = {**client(address), "enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 5}
    producer = Producer({**settings, "message.timeout.ms": int(timeout * 1000), "message.max.bytes": MAX_MESSAGE_BYTES})
    places: dict[int, tuple[int, int]] = {}
    refused: list[KafkaError] = []

    def remember(number: int) -> Callable[[KafkaError | None, RawMessage], None]:
        def delivered(error: KafkaError | None, message: RawMessage) -> None:
            if error is not None:
                refused.append(error)
            places[number] = (message.partition() or 0, message.offset() or 0)

        return delivered

    count = 0
    for count, (key, value, headers, timestamp) in enumerate(messages, start=1):
        while len(producer) >= 50_000:  # librdkafka's queue holds 100,000
            producer.poll(0.1)
        producer.produce(topic, value, key, headers=list(headers), timestamp=timestamp, on_delivery=remember(count))
        producer.poll(0)
    producer.flush(timeout + 5)
    if refused:
        raise KafkaException(refused[0])
    return [places[number] for number in range(1, count + 1)]


def read_all(
    address: Address, topic: str, until: Callable[[list[Message]], bool] | None = None, timeout: float = 30, committed: bool = True
) -> list[Message]:
    """Everything in a topic from its start, ordered within a partition: to the current end, or on until `until(messages so far)` holds.

    TimeoutError, saying how much was read, after `timeout` seconds. `committed`: only what committed transactions wrote.
    """
    deadline = time.monotonic() + timeout
    isolation = "read_committed" if committed else "read_uncommitted"
    settings = {**client(address), "group.id": "tests-read-all", "enable.auto.commit": False, "isolation.level": isolation}
    consumer = Consumer({**settings, "enable.partition.eof": True, "fetch.wait.max.ms": 50, "auto.offset.reset": "error"})
    try:
        found = consumer.list_topics(topic, timeout=timeout).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions])
        messages: list[Message] = []
        unfinished = set(found.partitions)
        while unfinished if until is None else not until(messages):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic}: read {len(messages)} messages in {timeout} s, but not what was waited for")
            for raw in consumer.consume(1000, timeout=0.1):
                error = raw.error()
                if error is None:
                    messages.append(message_of(raw))
                elif error.code() == KafkaError._PARTITION_EOF:
                    unfinished.discard(raw.partition())
                elif not error.retriable():
                    raise KafkaException(error)
        return messages
    finally:
        consumer.close()


def message_of(raw: RawMessage) -> Message:
    """confluent-kafka's message as plain data."""
    kind, timestamp = raw.timestamp()
    return Message(
        topic=raw.topic() or "",
        partition=raw.partition() or 0,
        offset=raw.offset() or 0,
        key=raw.key(),
        value=raw.value(),
        headers=tuple(cast("list[tuple[str, bytes | None]]", raw.headers() or [])),  # read: always such a list
        timestamp_ms=timestamp,
        append_time=kind == TIMESTAMP_LOG_APPEND_TIME,
    )


def behind(address: Address, group: str, topics: Iterable[str]) -> int:
    """Records of the topics (full names) that the group has not committed. Behind a transaction there is always one: its mark."""
    consumer = Consumer({**client(address), "group.id": group, "enable.auto.commit": False})
    try:
        known = consumer.list_topics(timeout=30).topics
        places = [TopicPartition(name, number) for name in topics for number in known[name].partitions]
        ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
        return sum(max(0, end - max(0, each.offset)) for each, end in zip(consumer.committed(places, timeout=10), ends, strict=True))
    finally:
        consumer.close()


class OwnTopics:
    """A test's own topics, under a prefix that no other test has. `security`: what clients need besides the address."""

    def __init__(self, address: str, prefix: str, security: Mapping[str, Any] | None = None) -> None:
        self.address = address
        self._client = {**client(address), **(security or {})}
        self.prefix = prefix
        self.created: list[str] = []

    def name(self, topic: Topic) -> str:
        """The topic's full name."""
        return self.prefix + topic.name

    def create(self, *topics: Topic, partitions: Mapping[str, int] | None = None) -> None:
        """Creates topics of the table; `partitions` overrides counts by name without prefix."""
        self.created += create_topics(self._client, self.prefix, topics, partitions)

    def produce(self, topic: Topic, messages: Iterable[Outgoing]) -> list[tuple[int, int]]:
        """See `produce`."""
        return produce(self._client, self.name(topic), messages)

    def read_all(self, topic: Topic, until: Callable[[list[Message]], bool] | None = None, timeout: float = 30) -> list[Message]:
        """See `read_all`."""
        return read_all(self._client, self.name(topic), until, timeout)

    def delete(self) -> None:
        """Deletes what was created."""
        delete_topics(self._client, self.created)
