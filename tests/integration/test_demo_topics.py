"""The demo's topics on a Kafka that others use too."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agents.demo.broker import real
from agents.edge.reader import reading
from agents.settings import load
from agents.topics import wanted_topics
from pipeline.policy.regions import read_regions
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker
from tests.support.workers import wait_for

pytestmark = pytest.mark.kafka

TOPICS = len(wanted_topics(load(), read_regions(load().regions)))


def existing(kafka: Broker, prefix: str) -> set[str]:
    with reading({"bootstrap.servers": kafka.address}) as reader:
        return {name for name in reader.topics() if name.startswith(prefix)}


def test_they_are_deleted_at_the_end_also_after_a_failure(kafka: Broker, tmp_path: Path) -> None:
    said = io.StringIO()
    with (
        pytest.raises(KeyboardInterrupt),
        real(kafka.address, {"data_dir": tmp_path}, Console(file=said, width=200), keep=False) as settings,
    ):
        wait_for(lambda: len(existing(kafka, settings.topic_prefix)) == TOPICS, lambda: "topics are missing", 30)  # metadata follow
        raise KeyboardInterrupt
    wait_for(lambda: not existing(kafka, settings.topic_prefix), lambda: "topics are left", 30)
    assert said.getvalue().splitlines()[-1] == f"the {TOPICS} topics under {settings.topic_prefix} were deleted"


def test_kept_ones_stay_and_it_says_how_to_delete_them(kafka: Broker, topics: OwnTopics, tmp_path: Path) -> None:
    said = io.StringIO()
    with real(kafka.address, {"data_dir": tmp_path}, Console(file=said, width=200), keep=True) as settings:
        pass
    wait_for(lambda: len(existing(kafka, settings.topic_prefix)) == TOPICS, lambda: "topics are missing", 30)
    topics.created += existing(kafka, settings.topic_prefix)
    pattern = settings.topic_prefix.replace(".", r"\.") + ".*"
    assert said.getvalue().splitlines()[-1].strip() == f"kafka-topics.sh --bootstrap-server {kafka.address} --delete --topic '{pattern}'"
