"""A worker with all stages that tests share, and topics with few partitions: what a test wants to see needs no more."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.flow import STAGES
from schemas.topics import REVIEW, TOPICS, Topic, review_topic
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker
from tests.support.tiny_model import build_tiny_bundle
from tests.support.workers import Process, worker

DATA = Path(__file__).with_name("data")
REVIEWS = tuple(review_topic(region) for region in ("english", "dutch"))
ALL_TOPICS = (*(topic for topic in TOPICS if topic is not REVIEW), *REVIEWS)
PARTITIONS = 4


def create(topics: OwnTopics, wanted: Iterable[Topic] = ALL_TOPICS, partitions: int = PARTITIONS) -> None:
    """Makes the topics, all with the same number of partitions."""
    wanted = tuple(wanted)
    topics.create(*wanted, partitions={topic.name: partitions for topic in wanted})


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Settings of a worker: the tiny model, a short policy, two regions with their people."""
    bundle = build_tiny_bundle(tmp_path_factory.mktemp("bundle"))
    return {"model": bundle, "policy": DATA / "policy.toml", "regions": DATA / "regions.toml", "roster": DATA / "roster.toml"}


@dataclass(frozen=True)
class Flow:
    """A running worker with all stages, and the topics that it works on."""

    address: str
    topics: OwnTopics
    worker: Process


@pytest.fixture(scope="session")
def flow(kafka: Broker, rules: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """Shared by tests that only send posts and look at what comes of them. SIGTERM ends it in an orderly way."""
    topics = OwnTopics(kafka.address, f"flow{secrets.token_hex(4)}.")
    create(topics)
    with worker(kafka.address, topics.prefix, tmp_path_factory.mktemp("flow"), STAGES, **rules) as process:
        yield Flow(kafka.address, topics, process.ready(STAGES))
        assert process.stop() == 0, process.log[-4000:]
    topics.delete()
