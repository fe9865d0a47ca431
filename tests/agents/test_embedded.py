"""What the demo relies on: aiokafka (beneath Faust) and confluent-kafka both live with the embedded broker."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents import embedded
from agents.embedded import EmbeddedBroker
from tests.support.clients import Outgoing, produce, read_all

HEADERS = (("ce_id", b"p1:1"), ("ce_specversion", b"1.0"), ("empty", b""))
TIMEOUT = 20
PARTITION_BYTES = 5 * 1024 * 1024
"""What a partition keeps."""


def posts(count: int) -> list[Outgoing]:
    return [Outgoing(f"c{number % 100}".encode(), str(number).encode(), HEADERS, 1_700_000_000_000 + number) for number in range(count)]


async def read_and_commit(address: str, group: str, count: int) -> list[ConsumerRecord]:
    """As one static member of `group`: `count` records of the topic `posts`, then a commit."""
    consumer = AIOKafkaConsumer(
        "posts", bootstrap_servers=address, group_id=group, group_instance_id=f"{group}-0",
        enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=20,
    )  # fmt: skip
    await consumer.start()
    try:
        records: list[ConsumerRecord] = []
        async with asyncio.timeout(TIMEOUT):
            while len(records) < count:
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    records += batch
        await consumer.commit()
        return records
    finally:
        await consumer.stop()


def test_topics_have_the_partitions_asked_for() -> None:
    with EmbeddedBroker({"posts": 12, "decisions": 3}) as broker:
        host, _, port = broker.address.partition(":")
        assert host == "127.0.0.1"
        assert port.isdecimal()
        topics = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=TIMEOUT).topics
        assert {name: len(topic.partitions) for name, topic in topics.items()} == {"posts": 12, "decisions": 3}


def test_three_groups_each_read_everything_while_it_is_written() -> None:
    async def flow(address: str) -> list[list[ConsumerRecord]]:
        sent = asyncio.to_thread(produce, address, "posts", posts(5000))
        *groups, _ = await asyncio.gather(*(read_and_commit(address, f"group-{number}", 5000) for number in range(3)), sent)
        return groups

    with EmbeddedBroker({"posts": 12}) as broker:
        for records in asyncio.run(flow(broker.address)):
            assert {record.value for record in records} == {post.value for post in posts(5000)}
            assert {record.partition for record in records} == set(range(12))


def test_key_value_headers_and_the_producers_time_survive() -> None:
    with EmbeddedBroker({"posts": 12}) as broker:
        produce(broker.address, "posts", posts(1))
        [record] = asyncio.run(read_and_commit(broker.address, "aiokafka", 1))
        [message] = read_all(broker.address, "posts")
    sent = posts(1)[0]
    assert (record.key, record.value, tuple(record.headers), record.timestamp) == sent
    assert (message.key, message.value, message.headers, message.timestamp_ms) == sent
    assert not message.append_time


def test_committed_offsets_and_watermarks_give_the_lag() -> None:
    with EmbeddedBroker({"posts": 1}) as broker:
        produce(broker.address, "posts", posts(30))
        records = asyncio.run(read_and_commit(broker.address, "stage", 30))
        produce(broker.address, "posts", posts(12))
        observer = Consumer({"bootstrap.servers": broker.address, "group.id": "stage"})
        partition = TopicPartition("posts", 0)
        [committed] = observer.committed([partition], timeout=TIMEOUT)
        watermarks = observer.get_watermark_offsets(partition, timeout=TIMEOUT)
        observer.close()
    assert records[-1].offset == 29
    assert (committed.offset, watermarks) == (30, (0, 42))


def test_a_full_partition_drops_its_oldest_records() -> None:
    kilobyte = [Outgoing(b"k", b"x" * 1024)] * 6000
    with EmbeddedBroker({"posts": 1}) as broker:
        produce(broker.address, "posts", kilobyte)
        kept = read_all(broker.address, "posts")
    assert kept[-1].offset == 5999
    assert kept[0].offset > 0
    assert sum(len(message.value or b"") for message in kept) <= PARTITION_BYTES


def test_a_worker_process_reaches_it_by_address() -> None:
    with EmbeddedBroker({"posts": 2}) as broker:
        code = f"from tests.support.clients import *; print(produce({broker.address!r}, 'posts', [Outgoing(b'k', b'v')]))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        [message] = read_all(broker.address, "posts")
    assert done.stdout.strip() == str([(message.partition, message.offset)])


def test_after_the_block_nothing_listens() -> None:
    with EmbeddedBroker({"posts": 1}) as broker:
        address = broker.address
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=1)


def test_a_refused_topic_is_an_error_and_leaves_nothing_behind() -> None:
    broker = EmbeddedBroker({"posts": 1, "posts\0": 1})  # one name to librdkafka: C strings end at NUL
    with pytest.raises(RuntimeError, match=r"refused topic 'posts\\x00': .*already exists"):
        broker.start()
    assert broker.address == ""


def test_a_librdkafka_without_mock_cluster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_SIGNATURES", {"rd_kafka_mock_nothing": (None, ())})
    with pytest.raises(RuntimeError, match=r"has no embedded broker .rd_kafka_mock_nothing is missing.: install its wheel"):
        EmbeddedBroker({"posts": 1})
