"""Posts that come in transactions: their marks lie between the posts, and hold none."""

from __future__ import annotations

from pathlib import Path

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from agents.edge.failures import ExitCode
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING, POSTS_LANGUAGE
from tests.integration.conftest import create
from tests.support.clients import OwnTopics
from tests.support.posts_in_flow import has_all, outgoing
from tests.support.workers import stage_process, wait_for

pytestmark = pytest.mark.kafka


def transaction(topics: OwnTopics, *names: str, commit: bool = True) -> None:
    """Sends posts in one."""
    producer = ck.Producer({"bootstrap.servers": topics.address, "transactional.id": f"{topics.prefix}producer"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for name in names:
        key, value, *_ = outgoing(name, name)
        producer.produce(topics.name(POSTS_INCOMING), value, key)
    producer.flush(30)
    producer.commit_transaction(30) if commit else producer.abort_transaction(30)


def committed(topics: OwnTopics) -> int:
    consumer = ck.Consumer({"bootstrap.servers": topics.address, "group.id": f"{topics.prefix}sluice.language"})
    try:
        offset: int = consumer.committed([ck.TopicPartition(topics.name(POSTS_INCOMING), 0)], timeout=10)[0].offset
        return offset
    finally:
        consumer.close()


def test_marks_that_are_deleted_for_their_age_are_no_lost_posts(topics: OwnTopics, tmp_path: Path) -> None:
    """Two posts, a mark, an aborted post, a mark: five offsets. Posts of aborted transactions are decided too."""
    create(topics, (POSTS_INCOMING, POSTS_LANGUAGE, DEAD_LETTERS), partitions=1)
    transaction(topics, "one", "two")
    transaction(topics, "taken-back", commit=False)
    with stage_process(topics.address, topics.prefix, tmp_path, "language") as process:
        topics.read_all(POSTS_LANGUAGE, has_all({"one", "two", "taken-back"}))
        wait_for(lambda: committed(topics) == 5, lambda: f"committed {committed(topics)}", 10)
        assert process.stop() == ExitCode.OK, process.log
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.delete_records([ck.TopicPartition(topics.name(POSTS_INCOMING), 0, 5)]).values():
        done.result(10)
    with stage_process(topics.address, topics.prefix, tmp_path, "language") as process:
        transaction(topics, "three")
        topics.read_all(POSTS_LANGUAGE, has_all({"three"}))
        assert process.stop() == ExitCode.OK, process.log
