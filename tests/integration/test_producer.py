"""The side producer: what `confirm` says is true, and a refused output ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource  # type: ignore[attr-defined]  # as in agents.topics

from agents.edge.failures import ExitCode
from agents.edge.producer import Message, SideProducer
from schemas.topics import DECISIONS
from tests.support.clients import OwnTopics
from tests.support.kafka import KafkaBroker

pytestmark = pytest.mark.kafka

MANY = 20_000
SEND_AND_CONFIRM = """
import os, sys
from agents.edge.producer import Message, SideProducer
address, topic, size, seconds = sys.argv[1:]
producer = SideProducer({"bootstrap.servers": address}, delivery_timeout_seconds=float(seconds))
producer.send([Message(topic, "k", value, []) for value in (b"first", os.urandom(int(size)), b"third")])
producer.confirm()
print("confirmed")
"""


def send_and_confirm(address: str, topic: str, size: int, seconds: float) -> subprocess.CompletedProcess[str]:
    """Three messages, of which the second has `size` bytes, in a process of its own: a refusal ends it."""
    command = [sys.executable, "-c", SEND_AND_CONFIRM, address, topic, str(size), str(seconds)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_is_confirmed_is_there_in_order(topics: OwnTopics) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 3})
    producer = SideProducer({"bootstrap.servers": topics.address, "log_level": 0}, delivery_timeout_seconds=60)
    for start in range(0, MANY, MANY // 4):
        numbers = range(start, start + MANY // 4)
        producer.send([Message(topics.name(DECISIONS), f"k{number % 50}", str(number).encode(), []) for number in numbers])
        producer.confirm()
        read = topics.read_all(DECISIONS)  # up to the end of the log as it is now
        by_partition: dict[int, list[int]] = {}
        for message in read:
            by_partition.setdefault(message.partition, []).append(int(message.value or b""))
        assert sorted(number for numbers in by_partition.values() for number in numbers) == list(range(numbers.stop))
        assert all(numbers == sorted(numbers) for numbers in by_partition.values())


def test_nothing_to_confirm_is_confirmed_at_once(topics: OwnTopics) -> None:
    SideProducer({"bootstrap.servers": topics.address, "log_level": 0}, delivery_timeout_seconds=60).confirm()


def test_one_refused_message_among_good_ones_ends_the_process(topics: OwnTopics) -> None:
    """Its report is the only one that Python hears, so it must be heard."""
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})
    fine = send_and_confirm(topics.address, topics.name(DECISIONS), 5, 60)
    assert (fine.returncode, fine.stdout) == (0, "confirmed\n")
    limit = ConfigEntry("max.message.bytes", "2000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topics.name(DECISIONS), incremental_configs=[limit])
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(timeout=10)
    refused = send_and_confirm(topics.address, topics.name(DECISIONS), 5000, 60)
    assert refused.returncode == ExitCode.DELIVERY
    assert "confirmed" not in refused.stdout
    assert topics.name(DECISIONS) in refused.stderr


def test_a_broker_that_is_away_confirms_nothing(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        topics = OwnTopics(broker.address, "away.")
        topics.create(DECISIONS, partitions={DECISIONS.name: 1})
        broker.kill()
        timed_out = send_and_confirm(broker.address, topics.name(DECISIONS), 5, 3)
        assert timed_out.returncode == ExitCode.DELIVERY
        assert "confirmed" not in timed_out.stdout
