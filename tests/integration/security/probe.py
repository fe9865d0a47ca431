"""What a user may really do: it tries to read and to write every topic, and the broker's answer counts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import confluent_kafka as ck

from schemas.rights import Operation

PROBE_SECONDS = 30.0
REFUSED = {ck.KafkaError.TOPIC_AUTHORIZATION_FAILED, ck.KafkaError.UNKNOWN_TOPIC_OR_PART}
"""The second: what one may not even see does not exist."""


def readable(client: dict[str, Any], topics: Iterable[str]) -> set[str]:
    """Those of the topics of which a record was read from partition 0, where each has one.

    AssertionError if the broker says neither yes nor no.
    """
    consumer = ck.Consumer({**client, "group.id": "nobody", "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0})
    refused = {topic for topic in topics if _hidden(consumer, topic)}
    left = set(topics) - refused
    consumer.assign([ck.TopicPartition(topic, 0, ck.OFFSET_BEGINNING) for topic in left])
    read: set[str] = set()
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        while left:
            assert time.monotonic() < deadline, f"neither read nor refused: {left}"
            for message in consumer.consume(100, 0.2):
                error, topic = message.error(), message.topic() or ""
                if error is None:
                    read.add(topic)
                else:  # GROUP_...: of the group that is not used
                    assert error.code() in {*REFUSED, ck.KafkaError.GROUP_AUTHORIZATION_FAILED}, error
                left.discard(topic)
    finally:
        consumer.close()
    return read


def _hidden(consumer: ck.Consumer, topic: str) -> bool:
    """Whether the broker refuses even to say that there is such a topic. Then it lets nobody read it: librdkafka would not ask."""
    error = consumer.list_topics(topic, timeout=PROBE_SECONDS).topics[topic].error
    assert error is None or error.code() in REFUSED, error
    return error is not None


def writable(client: dict[str, Any], topics: Iterable[str]) -> set[str]:
    """Those of the topics to which a record could be written."""
    topics = set(topics)
    written: set[str] = set()
    refused: set[str] = set()

    def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is None:
            written.add(message.topic() or "")
        else:
            assert error.code() in {*REFUSED, ck.KafkaError._UNKNOWN_TOPIC}, error
            refused.add(message.topic() or "")

    # Not idempotent: that a user without any right to write gets no producer id is another test's matter.
    producer = ck.Producer({**client, "acks": "all", "topic.metadata.propagation.max.ms": 3000, "log_level": 0})
    for topic in topics:
        producer.produce(topic, b"probe", b"probe", 0, on_delivery=delivered)
    assert producer.flush(PROBE_SECONDS) == 0, f"neither written nor refused: {topics - written - refused}"
    return written


def tried(client: dict[str, Any], topics: Iterable[str]) -> set[tuple[Operation, str]]:
    """What the broker let this user do."""
    topics = list(topics)
    return {(Operation.READ, topic) for topic in readable(client, topics)} | {
        (Operation.WRITE, topic) for topic in writable(client, topics)
    }
