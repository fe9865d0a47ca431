"""Three brokers, of which one refuses to answer, hangs, or is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from faust.types import TP

from agents.edge.client import SEEK_SECONDS
from agents.edge.failures import ExitCode
from agents.edge.membership import Coordinator, install
from agents.settings import load
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING, POSTS_LANGUAGE
from tests.chaos.cluster import Plan, make_topics, run
from tests.support.clients import OwnTopics, behind, create_new
from tests.support.kafka import KafkaCluster
from tests.support.posts_in_flow import has_all, outgoing
from tests.support.workers import Process, fetch, stage_process, wait_for

pytestmark = pytest.mark.kafka

GROUP, TOPIC, PARTITIONS, COMMITTED = "readers", "read", 3, 7
PLACES = [TP(TOPIC, partition) for partition in range(PARTITIONS)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """With a topic, and a group that has committed an offset of each of its partitions."""
    with KafkaCluster(tmp_path_factory.mktemp("cluster")) as brokers:
        create_new(brokers.address, [NewTopic(TOPIC, PARTITIONS, 3)])
        places = [TopicPartition(TOPIC, partition, COMMITTED) for partition in range(PARTITIONS)]
        wait_for(lambda: commit(brokers.address, places), lambda: "no broker is the group's", 30)
        yield brokers


def commit(address: str, places: list[TopicPartition]) -> bool:
    """Whether the group's offsets are committed now: a broker that has just become the group's has to read what it knows of groups, and
    while brokers start another one may take its place (retriable by Kafka's protocol, not by librdkafka's word).
    """
    consumer = Consumer({"bootstrap.servers": address, "group.id": GROUP})
    try:
        consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        fault = error.args[0]
        if not fault.retriable() and fault.code() != KafkaError.NOT_COORDINATOR:
            raise
        return False
    finally:
        consumer.close()
    return True


def ask(cluster: KafkaCluster, check: Callable[[Coordinator], Awaitable[None]]) -> None:
    """Has `check` look at the coordinator of a consumer that knows which broker is the group's."""

    async def run() -> None:
        install()
        consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=cluster.address, group_id=GROUP, enable_auto_commit=False)
        await consumer.start()
        try:
            await consumer._coordinator.ensure_coordinator_known()
            await check(consumer._coordinator)
        finally:
            await consumer.stop()

    asyncio.run(run())


def test_a_broker_that_is_not_the_groups_is_not_believed(cluster: KafkaCluster) -> None:
    """So it is for one that was until just now."""

    async def check(coordinator: Coordinator) -> None:
        right = coordinator.coordinator_id
        for node in cluster.nodes:
            coordinator.coordinator_id = node.number
            assert await coordinator.committed(PLACES) == dict.fromkeys(PLACES, COMMITTED)
            assert coordinator.coordinator_id == right

    ask(cluster, check)


def test_a_broker_that_hangs_is_left_for_the_next_one_that_is_the_groups(cluster: KafkaCluster) -> None:
    async def check(coordinator: Coordinator) -> None:
        hung = next(node for node in cluster.nodes if node.number == coordinator.coordinator_id)
        os.kill(hung.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert await coordinator.committed(PLACES) == dict.fromkeys(PLACES, COMMITTED)
            assert time.monotonic() - began < SEEK_SECONDS  # so another one has answered: this one cannot
        finally:
            os.kill(hung.pid, signal.SIGCONT)

    ask(cluster, check)


def test_a_partition_whose_broker_is_gone_is_told(cluster: KafkaCluster, prefix: str, tmp_path: Path) -> None:
    """Here it alone had it. The group's broker is there, or another one takes its place."""
    topics = OwnTopics(cluster.address, prefix)
    topics.create(POSTS_INCOMING, POSTS_LANGUAGE, DEAD_LETTERS, partitions={POSTS_INCOMING.name: 1})
    leader = AdminClient({"bootstrap.servers": cluster.address}).list_topics().topics[topics.name(POSTS_INCOMING)].partitions[0].leader
    broker = next(node for node in cluster.nodes if node.number == leader)
    with stage_process(cluster.address, prefix, tmp_path, "language") as process:
        address = process.ready(["language"]).addresses()["language"]

        def says(status: str) -> bool:
            return f'"status": "{status}"' in fetch(f"{address}/healthz")[1]

        broker.kill()
        try:
            wait_for(lambda: says("partition not answering"), lambda: fetch(f"{address}/healthz")[1], 60)
            assert f"{topics.name(POSTS_INCOMING)}[0]: its broker does not answer" in process.log
            assert 'sluice_partitions_not_answering{stage="language"} 1.0' in fetch(f"{address}/metrics")[1]
        finally:
            broker.restart()
        wait_for(lambda: says("ok"), lambda: fetch(f"{address}/healthz")[1], 60)
        assert 'sluice_partitions_not_answering{stage="language"} 0.0' in fetch(f"{address}/metrics")[1]
        assert process.stop() == ExitCode.OK, process.log


def test_the_groups_broker_dies_while_a_worker_joins(cluster: KafkaCluster, prefix: str, tmp_path: Path) -> None:
    """All that was sent is done and committed: whatever is read again shows."""
    make_topics(load(broker=cluster.address, topic_prefix=prefix))
    topics, names = OwnTopics(cluster.address, prefix), [f"post-{number}" for number in range(300)]
    admin = AdminClient({"bootstrap.servers": cluster.address})
    group = f"{prefix}sluice.language"

    def worker(name: str) -> Process:
        settings = {"instance": name, "session_timeout_seconds": 6}
        return stage_process(cluster.address, prefix, tmp_path / name, "language", **settings)

    with worker("one") as one:
        one.ready(["language"])
        topics.produce(POSTS_INCOMING, [outgoing(name, name) for name in names])
        topics.read_all(POSTS_LANGUAGE, has_all(set(names)))
        wait_for(lambda: not behind(cluster.address, group, [topics.name(POSTS_INCOMING)]), lambda: "not all is committed", 20)
        number = admin.describe_consumer_groups([group])[group].result(10).coordinator.id
        broker = next(node for node in cluster.nodes if node.number == number)
        with worker("two") as two:
            two.said("reading")
            broker.kill()
            try:
                wait_for(lambda: two.assigned_partitions() > 0, lambda: f"it gets no partitions:\n{two.log[-3000:]}", 90)
                topics.produce(POSTS_INCOMING, [outgoing("last", "last")])
                outputs = topics.read_all(POSTS_LANGUAGE, has_all({"last"}), timeout=60)
            finally:
                broker.restart()
            for each in (one, two):
                assert each.stop() == ExitCode.OK, each.log[-3000:]
    assert len(outputs) == len(names) + 1


def test_nothing_is_lost_when_one_of_three_brokers_loses_its_disk(cluster: KafkaCluster, rules: dict[str, object], tmp_path: Path) -> None:
    """The short form of what `make chaos` does to three brokers."""
    report = run(cluster, tmp_path, Plan(rate=100, kills=1, disks=1, down=1, kill_every=1), Path(str(rules["model"])))
    print(report)
    assert report.findings.sound, str(report)
