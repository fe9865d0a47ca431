"""The tests' own Kafka: clients of both kinds agree about it, and what it confirmed outlives SIGKILL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from schemas.topics import DEAD_LETTERS, DECISIONS, POSTS_INCOMING
from tests.support.clients import Message, Outgoing, OwnTopics
from tests.support.java import console_consume, console_produce
from tests.support.kafka import Broker, ExternalBroker, KafkaBroker

pytestmark = pytest.mark.kafka

KEYS = [f"conversation-{number}" for number in range(200)]


def partition_by_key(messages: list[Message]) -> dict[bytes | None, int]:
    return {message.key: message.partition for message in messages}


def test_confluent_kafka_puts_a_key_where_java_puts_it(kafka: Broker, topics: OwnTopics) -> None:
    topics.create(POSTS_INCOMING, DECISIONS)
    topics.produce(POSTS_INCOMING, (Outgoing(key.encode(), b"{}") for key in KEYS))
    console_produce(kafka.address, topics.name(DECISIONS), ((key, "{}") for key in KEYS))

    ours, javas = (partition_by_key(topics.read_all(topic)) for topic in (POSTS_INCOMING, DECISIONS))
    assert len(ours) == len(KEYS)
    assert len(set(ours.values())) == POSTS_INCOMING.partitions
    assert ours == javas


def test_java_reads_keys_values_and_headers(kafka: Broker, topics: OwnTopics) -> None:
    topics.create(DECISIONS)
    topics.produce(DECISIONS, [Outgoing(b"p1", "gr\u00fc\u00dfe".encode(), (("ce_id", b"d1"), ("ce_specversion", b"1.0")))])
    lines = console_consume(kafka.address, topics.name(DECISIONS), 1, properties={"print.headers": "true"})
    assert lines == ["ce_id:d1,ce_specversion:1.0\tp1\tgr\u00fc\u00dfe"]


def test_topics_have_the_settings_of_the_table(topics: OwnTopics) -> None:
    topics.create(POSTS_INCOMING, DECISIONS, partitions={DECISIONS.name: 2})
    for topic in (POSTS_INCOMING, DECISIONS):
        topics.produce(topic, (Outgoing(key.encode(), b"{}", timestamp_ms=1_700_000_000_000) for key in KEYS))
    incoming, decisions = topics.read_all(POSTS_INCOMING), topics.read_all(DECISIONS)
    assert all(message.append_time and message.timestamp_ms > 1_700_000_000_000 for message in incoming)
    assert {message.partition for message in decisions} == {0, 1}
    assert all(not message.append_time and message.timestamp_ms == 1_700_000_000_000 for message in decisions)


def test_reading_until_a_condition_says_what_was_missing(topics: OwnTopics) -> None:
    topics.create(DEAD_LETTERS)
    topics.produce(DEAD_LETTERS, [Outgoing(b"k", b"1")] * 3)
    assert len(topics.read_all(DEAD_LETTERS, until=lambda messages: len(messages) >= 2)) >= 2
    with pytest.raises(TimeoutError, match="read 3 messages"):
        topics.read_all(DEAD_LETTERS, until=lambda messages: len(messages) > 3, timeout=1)


def test_what_was_confirmed_outlives_sigkill(tmp_path: Path, prefix: str) -> None:
    with KafkaBroker(tmp_path) as broker:
        topics = OwnTopics(broker.address, prefix)
        topics.create(POSTS_INCOMING)
        before = topics.produce(POSTS_INCOMING, [Outgoing(key.encode(), b"before") for key in KEYS])
        dead = broker.pid
        broker.restart()
        assert broker.pid != dead
        assert {(message.partition, message.offset) for message in topics.read_all(POSTS_INCOMING)} == set(before)
        after = topics.produce(POSTS_INCOMING, [Outgoing(key.encode(), b"after") for key in KEYS])
        assert len(topics.read_all(POSTS_INCOMING)) == len(before) + len(after)


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path)
    broker.start()
    second = KafkaBroker(tmp_path)  # the same directory: Kafka holds a lock on it
    try:
        with pytest.raises(RuntimeError, match="ended with 1 before it was ready"):
            second.start()
    finally:
        second.stop()
        broker.stop()


def test_the_broker_ends_with_the_run(tmp_path: Path) -> None:
    # Only Linux ends a child of a process that was killed; elsewhere the run has to end in an orderly way.
    ending = "os.kill(os.getpid(), signal.SIGKILL)" if sys.platform == "linux" else "sys.exit(1)"
    code = f"""
import os, pathlib, signal, sys
from tests.support.kafka import KafkaBroker
broker = KafkaBroker(pathlib.Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, timeout=90, check=False)
    assert done.returncode != 0
    if psutil.pid_exists(pid := int(done.stdout)):
        psutil.Process(pid).wait(timeout=10)


def test_a_foreign_broker_is_never_killed() -> None:
    for attempt in (ExternalBroker("127.0.0.1:9092").kill, ExternalBroker("127.0.0.1:9092").restart):
        with pytest.raises(RuntimeError, match="SLUICE_TEST_BROKER: unset it"):
            attempt()
