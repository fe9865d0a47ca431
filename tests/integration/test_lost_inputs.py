"""The cases stage where an input no longer holds what it would read next: it stops, and goes on where the operator says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.edge.failures import ExitCode
from schemas.topics import CASES
from tests.support.case_inputs import enforced, opened, send
from tests.support.clients import OwnTopics, create_topics, delete_topics
from tests.support.counting_worker import ALL, SESSION_SECONDS, counting_worker, notices
from tests.support.workers import Process, wait_for

pytestmark = pytest.mark.kafka

Start = Callable[..., Process]


@pytest.fixture
def owned(topics: OwnTopics) -> OwnTopics:
    """The topics of the stage, each with one partition, of which two events are handled."""
    topics.create(*ALL, partitions={topic.name: 1 for topic in ALL})
    return topics


@pytest.fixture
def start(owned: OwnTopics, tmp_path: Path) -> Start:
    """Starts the worker. It has handled two cases, and an event of another input."""
    started = partial(counting_worker, owned, tmp_path)
    with started() as worker:
        send(owned, opened("first"), opened("second"), enforced("first"))
        notices(owned, "first:3", "second:2")
        assert worker.stop() == ExitCode.OK, worker.log
    return started


def go_on_at(topics: OwnTopics, offset: int) -> None:
    """Sets the group's offset on the topic of cases, as soon as Kafka has forgotten the worker that was there."""

    def is_set() -> bool:
        consumer = Consumer({"bootstrap.servers": topics.address, "group.id": f"{topics.prefix}sluice.cases"})
        try:
            consumer.commit(offsets=[TopicPartition(topics.name(CASES), 0, offset)], asynchronous=False)
        except KafkaException:
            return False
        finally:
            consumer.close()
        return True

    wait_for(is_set, lambda: "the group still has a member", 4 * SESSION_SECONDS)


def test_after_events_were_deleted_unread_it_goes_on_where_the_group_was_set(owned: OwnTopics, start: Start) -> None:
    send(owned, *(opened(f"lost-{number}") for number in range(5)), opened("kept"))
    admin = AdminClient({"bootstrap.servers": owned.address})
    for done in admin.delete_records([TopicPartition(owned.name(CASES), 0, 7)]).values():
        done.result(10)
    with start() as worker:
        assert worker.wait() == ExitCode.LOST, worker.log
        assert "[0]: 5 records from offset 2 were deleted before they were handled" in worker.log
    go_on_at(owned, 7)
    with start() as worker:
        send(owned, enforced("first"))
        found = notices(owned, "kept:2", "first:4")
        assert set(found.values()) == {1}
        assert not [name for name in found if name.startswith("lost")]
        assert worker.stop() == ExitCode.OK, worker.log
        assert "5 records from offset 2 were deleted before they were handled" in worker.log
        assert "The group's offset was set to 7, so it goes on from there" in worker.log
    with start() as worker:  # and it does not have to be told again
        send(owned, opened("later"))
        notices(owned, "later:2")
        assert worker.stop() == ExitCode.OK, worker.log
        assert "so it goes on from there" not in worker.log


def test_after_an_input_was_made_anew_it_goes_on_where_the_group_was_set(owned: OwnTopics, start: Start) -> None:
    delete_topics(owned.address, [owned.name(CASES)])
    create_topics(owned.address, owned.prefix, [CASES], {CASES.name: 1})
    send(owned, opened("new"))
    with start() as worker:
        assert worker.wait() == ExitCode.LOST, worker.log
        assert "was the topic made anew?" in worker.log
    go_on_at(owned, 0)
    with start() as worker:
        send(owned, enforced("first"))
        assert set(notices(owned, "new:2", "first:4").values()) == {1}
        assert worker.stop() == ExitCode.OK, worker.log
