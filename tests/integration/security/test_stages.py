"""Stages under TLS, a password and exactly the rights of their role; and how they end when one is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from agents.edge.failures import ExitCode
from agents.edge.restore import history
from pipeline.flow import STAGES
from schemas.rights import Kind, Operation
from schemas.topics import DEAD_LETTERS, DECISIONS, POSTS_INCOMING, POSTS_LANGUAGE, POSTS_SCORED, Topic, review_topic
from tests.support.clients import Outgoing
from tests.support.posts_in_flow import THREAT, has_all, outgoing
from tests.support.secure_kafka import Installation
from tests.support.workers import Process, stage_process

pytestmark = pytest.mark.kafka

READ, WRITE = Operation.READ, Operation.WRITE
SHORT_TIMEOUT = 5
HINT = "`sluice topics rights` shows who needs what"


def start(installation: Installation, folder: Path, stage: str, **settings: object) -> Process:
    """The stage, as the user that has its role. The same folder is the same instance."""
    given = {**installation.settings(stage), **settings}
    address, prefix = str(given.pop("broker")), str(given.pop("topic_prefix"))
    return stage_process(address, prefix, folder, stage, **given)


def posts(*names: str) -> list[Outgoing]:
    return [outgoing(name, name) for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Of the stage's process."""
    yield tmp_path / "stage"


def test_posts_flow_to_people_through_stages_that_have_their_roles_rights_alone(
    installation: Installation, rules: dict[str, object], tmp_path: Path
) -> None:
    topics = installation.topics
    with ExitStack() as running:
        stages = {stage: running.enter_context(start(installation, tmp_path / stage, stage, **rules)) for stage in STAGES}
        for stage, process in stages.items():
            process.ready([stage])
        topics.produce(POSTS_INCOMING, [outgoing("calm", "calm"), outgoing("threat", "threat", THREAT), Outgoing(b"bad", b"{")])
        topics.read_all(DECISIONS, has_all({"calm", "threat"}))
        topics.read_all(review_topic("english"), has_all({"threat"}))
        topics.read_all(DEAD_LETTERS, has_all({"bad"}))
        for process in stages.values():
            assert process.stop() == ExitCode.OK, process.log
            assert "authori" not in process.log.lower(), process.log


@pytest.mark.parametrize(
    ("operation", "topic"),
    [(READ, POSTS_INCOMING), (WRITE, POSTS_LANGUAGE), (WRITE, DEAD_LETTERS)],
    ids=lambda each: getattr(each, "name", each),
)
@pytest.mark.parametrize("seen", [False, True], ids=["hidden", "seen"])
def test_a_missing_right_on_a_topic_ends_the_stage_before_it_begins(
    installation: Installation, folder: Path, operation: Operation, topic: Topic, seen: bool
) -> None:
    """`seen`: it may Describe the topic, so that it learns what it lacks."""
    role, kafka, name = "language", installation.kafka, installation.topics.name(topic)
    right = installation.right(role, operation, topic=topic)
    describe = right._replace(operation=Operation.DESCRIBE)
    with installation.without(role, right):
        if seen:
            kafka.allow(installation.user(role), [describe])
        with start(installation, folder, role) as process:
            assert process.wait() == ExitCode.DENIED, process.log
        if seen:
            kafka.take(installation.user(role), describe)
    said = (
        f"topic {name}: this user lacks the right {operation.value}: {HINT}" if seen else f"topic {name} does not exist or may not be seen"
    )
    assert said in process.log


def test_a_group_that_may_not_be_read_ends_the_stage_before_it_begins(installation: Installation, folder: Path) -> None:
    right = installation.right("language", READ, Kind.GROUP)
    with installation.without("language", right), start(installation, folder, "language") as process:
        assert process.wait() == ExitCode.DENIED, process.log
    assert f"group {right.name}" in process.log
    assert HINT in process.log


@pytest.mark.parametrize(
    ("operation", "kind", "topic"), [(WRITE, Kind.TOPIC, POSTS_LANGUAGE), (READ, Kind.TOPIC, POSTS_INCOMING), (READ, Kind.GROUP, None)],
    ids=["write", "read", "group"],
)  # fmt: skip
def test_a_right_that_is_taken_from_a_running_stage_ends_it_and_nothing_is_lost(
    installation: Installation, folder: Path, operation: Operation, kind: Kind, topic: Topic | None
) -> None:
    topics, names = installation.topics, [f"{operation.value}-{kind.value}-{number}" for number in range(50)]
    with start(installation, folder, "language", delivery_timeout_seconds=SHORT_TIMEOUT) as process:
        process.ready(["language"])
        with installation.without("language", installation.right("language", operation, kind, topic)):
            topics.produce(POSTS_INCOMING, posts(*names))
            assert process.wait() == ExitCode.DENIED, process.log
            with start(installation, folder, "language") as again:
                assert again.wait() == ExitCode.DENIED, again.log
    with start(installation, folder, "language"):
        topics.read_all(POSTS_LANGUAGE, has_all(set(names)))


def test_a_wrong_password_ends_a_stage_at_once(installation: Installation, folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password", encoding="utf-8")
    with start(installation, folder, "language", sasl_password_file=wrong) as process:
        assert process.wait() == ExitCode.DENIED
    assert "are SLUICE_SASL_USERNAME, the password and SLUICE_SASL_MECHANISM right?" in process.log


def test_a_broker_signed_by_somebody_else_is_waited_for_and_then_named(installation: Installation, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with start(installation, folder, "language", ssl_ca_file=other, delivery_timeout_seconds=3) as process:
        assert process.wait() == ExitCode.UNREACHABLE
    last = process.log.splitlines()[-1]
    assert "certificate verify failed: does SLUICE_SSL_CA_FILE hold the authority that signed the broker's certificate?" in last


def test_a_certificate_stands_for_a_password(installation: Installation, folder: Path) -> None:
    kafka = installation.kafka
    given = {"broker": f"127.0.0.1:{kafka.mutual}", **kafka.certificate_settings(installation.user("language"))}
    with start(installation, folder, "language", **given) as process:
        process.ready(["language"])
        installation.topics.produce(POSTS_INCOMING, posts("by-certificate"))
        installation.topics.read_all(POSTS_LANGUAGE, has_all({"by-certificate"}))
        assert process.stop() == ExitCode.OK, process.log


SEND_MANY = """
import json, sys
from agents.edge.failures import stop_for
from agents.edge.producer import Message, SideProducer
from agents.edge.sender import Sender
client, message = json.loads(sys.argv[2]), Message(sys.argv[3], "k", b"value", [])
try:
    if sys.argv[1] == "stage":
        producer = SideProducer(client, delivery_timeout_seconds=60)
        while True:
            producer.send([message] * 10_000)
    sender = Sender(client, delivery_timeout_seconds=60)
    while True:
        sender.send(message)
except BaseException as error:
    stop_for(error, "sending")
"""


@pytest.mark.parametrize("sender", ["stage", "command"])
def test_a_producer_that_may_write_nothing_and_whose_queue_is_full_is_called_denied(installation: Installation, sender: str) -> None:
    """The client's failure then shows wherever it is polled first: on the way to room in the queue, in `produce`, or by the listener.

    Several at a time, since which comes first is chance.
    """
    arguments = [sender, json.dumps(installation.client("monitor")), installation.topics.name(POSTS_SCORED)]
    started = [
        subprocess.Popen([sys.executable, "-c", SEND_MANY, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        for process in started:
            _, said = process.communicate(timeout=60)
            assert process.returncode == ExitCode.DENIED, said
            assert HINT in said
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_history_is_read_with_no_right_on_the_group_that_is_not_used(installation: Installation) -> None:
    topics = installation.topics
    topics.produce(POSTS_SCORED, (Outgoing(b"%d" % number, b"scored") for number in range(20)))
    end = sum(message.partition == 0 for message in topics.read_all(POSTS_SCORED))
    client = {"security.protocol": "SASL_SSL", **installation.client("routing")}
    assert list(history(client, topics.name(POSTS_SCORED), 0, end, 3))[-1] == b"scored"
