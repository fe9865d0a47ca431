"""How a stage ends, and that what it had not finished is there when it starts again.

Mostly without a supervisor, so that the exit code shows.
"""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.edge.failures import ExitCode, FaultShare
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING, POSTS_LANGUAGE, POSTS_SCORED, Topic
from tests.integration.conftest import create
from tests.support.clients import Outgoing, OwnTopics, delete_topics
from tests.support.kafka import KafkaBroker, free_ports
from tests.support.posts_in_flow import has_all, outgoing
from tests.support.workers import Process, health, stage_process, wait_for, worker

pytestmark = pytest.mark.kafka

LANGUAGE_TOPICS = (POSTS_INCOMING, POSTS_LANGUAGE, DEAD_LETTERS)
SHORTEST_SESSION = 6
Start = Callable[..., Process]


@pytest.fixture
def language(topics: OwnTopics, tmp_path: Path) -> Start:
    """Starts the language stage on the test's topics; called again, as the same instance."""
    return lambda **settings: stage_process(topics.address, topics.prefix, tmp_path, "language", **settings)


def posts(*names: str) -> list[Outgoing]:
    return [outgoing(name, name) for name in names]


def group(topics: OwnTopics) -> str:
    return f"{topics.prefix}sluice.language"


def remove(topics: OwnTopics, topic: Topic) -> None:
    """Deletes a topic before the test's end."""
    topics.created.remove(topics.name(topic))
    delete_topics(topics.address, [topics.name(topic)])


def committed(topics: OwnTopics, partition: int = 0) -> int:
    """The language stage's committed offset; below 0 if there is none."""
    consumer = Consumer({"bootstrap.servers": topics.address, "group.id": group(topics), "enable.auto.commit": False})
    try:
        offset: int = consumer.committed([TopicPartition(topics.name(POSTS_INCOMING), partition)], timeout=10)[0].offset
        return offset
    finally:
        consumer.close()


def members(topics: OwnTopics) -> int:
    """How many members the language stage's group has."""
    admin = AdminClient({"bootstrap.servers": topics.address})
    described: Any = admin.describe_consumer_groups([group(topics)], request_timeout=10)[group(topics)].result()
    return len(described.members)


def test_a_missing_topic_is_named(topics: OwnTopics, language: Start) -> None:
    topics.create(POSTS_INCOMING, DEAD_LETTERS)
    with language() as process:
        assert process.wait() == ExitCode.DENIED
        assert f"topic {topics.name(POSTS_LANGUAGE)} does not exist or may not be seen: make it with `sluice topics create`" in process.log


def test_an_output_topic_that_goes_away_stops_the_stage_and_loses_nothing(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS)
    with language(delivery_timeout_seconds=3) as process:
        process.ready(["language"])
        remove(topics, POSTS_LANGUAGE)
        topics.produce(POSTS_INCOMING, posts("waits"))
        assert process.wait() in (ExitCode.DELIVERY, ExitCode.DENIED)
        assert f"{topics.name(POSTS_LANGUAGE)}" in process.log
    create(topics, (POSTS_LANGUAGE,))
    with language():
        topics.read_all(POSTS_LANGUAGE, has_all({"waits"}))


def test_a_port_that_is_taken_is_a_setting_to_change(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with language(port=port) as process:
            assert process.wait() == ExitCode.CONFIG
            assert f"metrics_host, metrics_port: cannot listen on 127.0.0.1:{port}" in process.log
            assert "its own SLUICE_METRICS_PORT" in process.log


def test_a_wrong_model_folder_stops_the_whole_worker(topics: OwnTopics, tmp_path: Path) -> None:
    create(topics, (*LANGUAGE_TOPICS, POSTS_SCORED))
    nowhere = tmp_path / "no-model"
    with worker(topics.address, topics.prefix, tmp_path, ("language", "scoring"), model=nowhere) as process:
        assert process.wait() == ExitCode.CONFIG
        assert str(nowhere) in process.log
        assert not process.descendants()


def test_a_broker_that_does_not_answer_is_waited_for_and_then_named(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    started = time.monotonic()
    with stage_process(address, "nobody.", tmp_path, "language", delivery_timeout_seconds=5) as process:
        assert process.wait(15) == ExitCode.UNREACHABLE
        said = process.log
    assert re.search(rf"WARNING .*no broker answers at {address} \(.*: Connection refused\); trying for [23] s more", said), said
    assert re.search(rf"stopping with .* no broker answered in 5 s: {address}.*: Connection refused", said), said
    assert len(said.splitlines()) < 8, said
    assert 5 < time.monotonic() - started < 13


def test_a_stage_without_a_broker_says_so_and_goes_on_when_it_is_back(tmp_path: Path, prefix: str) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        topics = OwnTopics(broker.address, prefix)
        create(topics, LANGUAGE_TOPICS)
        with stage_process(broker.address, prefix, tmp_path, "language", session_timeout_seconds=SHORTEST_SESSION) as process:
            process.ready(["language"])
            address = process.addresses()["language"]
            broker.kill()
            wait_for(lambda: health(address) == 503, lambda: f"/healthz says that all is well:\n{process.log}", 30)
            silence = process.said("no broker answers for 11 s; waiting, nothing is lost")
            broker.restart()
            wait_for(lambda: health(address) == 200, lambda: f"the stage is not well again:\n{process.log}", 30)
            topics.produce(POSTS_INCOMING, posts("later"))
            topics.read_all(POSTS_LANGUAGE, has_all({"later"}))
            assert process.stop() == ExitCode.OK
    for said in ("joined: 4 partitions", "the broker answers again, after", "ended; nothing is lost"):
        assert process.log.count(said) == 1, process.log
    assert len(silence.splitlines()) < 25, silence


def test_sigterm_ends_a_busy_stage_with_nothing_lost_and_nothing_done_twice(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS)
    names = [f"busy-{number}" for number in range(3000)]
    with language() as process:
        process.ready(["language"])
        topics.produce(POSTS_INCOMING, posts(*names))
        started = time.monotonic()
        assert process.stop() == ExitCode.OK, process.log
        assert time.monotonic() - started < 5
    with language() as process:
        topics.read_all(POSTS_LANGUAGE, has_all(set(names)))
        assert process.stop() == ExitCode.OK, process.log
    assert len(topics.read_all(POSTS_LANGUAGE)) == len(names)


def test_a_stage_that_somebody_else_ends_is_started_again(topics: OwnTopics, tmp_path: Path) -> None:
    create(topics, LANGUAGE_TOPICS)
    with worker(topics.address, topics.prefix, tmp_path, ["language"]) as process:
        process.ready(["language"])
        process.stages()["language"].terminate()
        process.said("stage language ended with exit code 0 (OK); it starts again")
        topics.produce(POSTS_INCOMING, posts("later"))
        topics.read_all(POSTS_LANGUAGE, has_all({"later"}))
        assert process.stop() == ExitCode.OK, process.log


def handle_then_stop(topics: OwnTopics, language: Start, names: list[str], offset: int | None = None) -> int:
    """The stage handles these posts and ends; returns the offset that it committed on partition 0, by default their number."""
    offset = offset or len(names)
    with language() as process:
        topics.produce(POSTS_INCOMING, posts(*names))
        topics.read_all(POSTS_LANGUAGE, has_all(set(names)))
        wait_for(lambda: committed(topics) == offset, lambda: f"committed {committed(topics)}, not {offset}", 10)
        assert process.stop() == ExitCode.OK
    return committed(topics)


def test_records_deleted_before_they_were_handled_stop_the_stage(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS, partitions=1)
    offset = handle_then_stop(topics, language, [f"kept-{number}" for number in range(5)])
    topics.produce(POSTS_INCOMING, posts(*(f"late-{number}" for number in range(10))))
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.delete_records([TopicPartition(topics.name(POSTS_INCOMING), 0, offset + 3)]).values():
        done.result(10)
    for attempt in ("first", "second"):  # it does not forget
        with language() as process:
            assert process.wait() == ExitCode.LOST, attempt
            assert f"3 records from offset {offset} were deleted before they were handled" in process.log
    assert committed(topics) == offset


def test_what_was_deleted_before_a_stages_first_start_is_not_missed(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS, partitions=1)
    topics.produce(POSTS_INCOMING, posts("gone-1", "gone-2", "there"))
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.delete_records([TopicPartition(topics.name(POSTS_INCOMING), 0, 2)]).values():
        done.result(10)
    assert handle_then_stop(topics, language, ["later"], 4) == 4
    assert len(topics.read_all(POSTS_LANGUAGE, has_all({"there"}))) == 2


def test_an_offset_behind_the_logs_end_stops_the_stage(topics: OwnTopics, language: Start) -> None:
    """So it is when the topic was made anew from a backup, or the group's offset set wrong."""
    create(topics, LANGUAGE_TOPICS, partitions=1)
    topics.produce(POSTS_INCOMING, posts("new-1", "new-2"))
    place = TopicPartition(topics.name(POSTS_INCOMING), 0, 20)
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group(topics), [place])]).values():
        done.result(10)
    with language() as process:
        assert process.wait() == ExitCode.LOST
        assert "the group is at offset 20, behind the log's end: was the topic made anew?" in process.log


def test_an_input_topic_that_goes_away_stops_the_stage_which_reads_the_new_one(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS, partitions=1)
    with language() as process:
        process.ready(["language"])
        topics.produce(POSTS_INCOMING, posts("old"))
        topics.read_all(POSTS_LANGUAGE, has_all({"old"}))
        remove(topics, POSTS_INCOMING)
        assert process.wait() == ExitCode.DENIED
        assert f"topic {topics.name(POSTS_INCOMING)} is gone" in process.log
    create(topics, (POSTS_INCOMING,), partitions=1)
    topics.produce(POSTS_INCOMING, posts("new"))
    with language():
        topics.read_all(POSTS_LANGUAGE, has_all({"new"}))


def test_an_internal_topic_full_of_other_things_stops_the_stage(topics: OwnTopics, rules: dict[str, object], tmp_path: Path) -> None:
    create(topics, (POSTS_LANGUAGE, POSTS_SCORED, DEAD_LETTERS), partitions=1)
    topics.produce(POSTS_LANGUAGE, [Outgoing(b"k", b"another version's record")] * (FaultShare.LEAST + 50))
    with stage_process(topics.address, topics.prefix, tmp_path, "scoring", **rules) as process:
        assert process.wait() == ExitCode.POISONED
        assert "does the stage before run another version?" in process.log


def test_bad_producers_do_not_stop_the_first_stage(topics: OwnTopics, language: Start) -> None:
    create(topics, LANGUAGE_TOPICS)
    topics.produce(POSTS_INCOMING, [Outgoing(b"k", b"no post")] * (FaultShare.LEAST + 50))
    with language():
        topics.produce(POSTS_INCOMING, posts("good"))
        topics.read_all(POSTS_LANGUAGE, has_all({"good"}))


def test_a_stage_that_slept_through_its_session_goes_on(topics: OwnTopics, language: Start) -> None:
    """SIGSTOP, as a paused virtual machine: the group loses its member, which comes back unasked and finds its offsets."""
    create(topics, LANGUAGE_TOPICS)
    before, asleep, after = ([f"{when}-{number}" for number in range(200)] for when in ("before", "asleep", "after"))
    with language(session_timeout_seconds=SHORTEST_SESSION) as process:
        process.ready(["language"])
        topics.produce(POSTS_INCOMING, posts(*before))
        process.signal(signal.SIGSTOP)
        topics.produce(POSTS_INCOMING, posts(*asleep))
        wait_for(lambda: not members(topics), lambda: "the group still has its member", 3 * SHORTEST_SESSION)
        process.signal(signal.SIGCONT)
        topics.produce(POSTS_INCOMING, posts(*after))
        topics.read_all(POSTS_LANGUAGE, has_all({*before, *asleep, *after}))
        assert process.stop() == ExitCode.OK, process.log


def test_of_two_workers_with_one_name_one_ends_and_nothing_is_lost(topics: OwnTopics, language: Start, tmp_path: Path) -> None:
    """On two hosts, as far as they know: nothing but the group tells them of each other."""
    create(topics, LANGUAGE_TOPICS)
    names = [f"{number}" for number in range(400)]
    with language() as first, stage_process(topics.address, topics.prefix, tmp_path / "elsewhere", "language") as second:
        topics.produce(POSTS_INCOMING, posts(*names[:200]))
        wait_for(lambda: not (first.running and second.running), lambda: f"both go on:\n{first.log}\n{second.log}", 60)
        topics.produce(POSTS_INCOMING, posts(*names[200:]))
        topics.read_all(POSTS_LANGUAGE, has_all(set(names)))
        ended, goes_on = (second, first) if first.running else (first, second)
        assert ended.wait() == ExitCode.FENCED, ended.log
        assert "another worker is named 'one' too" in ended.log
        assert "SLUICE_INSTANCE" in ended.log
        assert goes_on.stop() == ExitCode.OK, goes_on.log


def test_why_no_broker_can_be_reached_is_said(topics: OwnTopics, language: Start) -> None:
    """This one speaks without TLS."""
    with language(security_protocol="SSL", delivery_timeout_seconds=2) as process:
        assert process.wait() == ExitCode.UNREACHABLE
        assert re.search(r"stopping with .* no broker answered in 2 s: ssl://.*: SSL handshake failed", process.log), process.log
