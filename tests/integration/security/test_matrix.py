"""Every role tries to read and to write every topic of a Kafka with an authorizer; what it can do is what its rights say, and no more."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import pytest

from agents.rights import kafka_acls
from schemas.rights import Operation
from schemas.topics import (
    APPEALS,
    CASE_FILES,
    CASE_STATE,
    CASES,
    DEAD_LETTERS,
    DECISIONS,
    ERASURES,
    NOTICES,
    POSTS_INCOMING,
    POSTS_LANGUAGE,
    POSTS_SCORED,
    REPORTS,
    TASK_EVENTS,
    VERDICTS,
    Topic,
    review_topic,
)
from tests.integration.security.probe import tried
from tests.support.clients import Outgoing, produce
from tests.support.java import java, run
from tests.support.secure_kafka import ADMIN, Installation, binding
from tests.support.workers import wait_for

pytestmark = pytest.mark.kafka

Matrix = dict[str, set[tuple[Operation, str]]]
"""What each role could do, by experience."""

READ, WRITE = Operation.READ, Operation.WRITE
DUTCH, ENGLISH = review_topic("dutch"), review_topic("english")
DENIED = [
    ("producer", READ, DUTCH),
    ("producer", READ, POSTS_INCOMING),
    ("producer", READ, DECISIONS),
    ("producer", WRITE, POSTS_LANGUAGE),
    ("language", WRITE, POSTS_SCORED),
    ("scoring", WRITE, DECISIONS),
    ("scoring", READ, POSTS_INCOMING),
    ("routing", WRITE, DUTCH),
    ("routing", READ, VERDICTS),
    ("platform", READ, POSTS_INCOMING),
    ("platform", READ, DUTCH),
    ("platform", WRITE, DECISIONS),
    ("platform", WRITE, VERDICTS),
    ("platform", WRITE, ERASURES),
    ("review-dutch", READ, ENGLISH),
    ("review-english", READ, DUTCH),
    ("review-dutch", WRITE, DUTCH),
    ("review-dutch", WRITE, DECISIONS),
    ("review-dutch", WRITE, ERASURES),
    ("review-dutch", READ, VERDICTS),
    ("review-dutch", READ, REPORTS),
    ("review-dutch", READ, APPEALS),
    ("review-dutch", READ, CASE_FILES),
    ("review-dutch", READ, DECISIONS),
    ("review-dutch", READ, NOTICES),
    ("operator", READ, POSTS_INCOMING),
    ("operator", WRITE, VERDICTS),
    ("operator", WRITE, DEAD_LETTERS),
    ("operator", WRITE, ERASURES),
    ("on-call", READ, REPORTS),
    ("on-call", READ, APPEALS),
    ("on-call", READ, NOTICES),
    ("on-call", READ, CASE_STATE),
    ("on-call", READ, CASE_FILES),
    ("on-call", WRITE, VERDICTS),
    ("on-call", WRITE, POSTS_INCOMING),
    ("on-call", WRITE, DEAD_LETTERS),
    ("privacy", READ, CASE_FILES),
    ("privacy", READ, REPORTS),
    ("evidence", READ, CASE_FILES),
    ("evidence", READ, REPORTS),
    ("evidence", WRITE, VERDICTS),
    ("monitor", READ, DEAD_LETTERS),
    ("repair", READ, CASE_STATE),
    ("repair", WRITE, DECISIONS),
]
"""What must never be possible, whatever the table of topics says."""

NEEDED = [
    ("producer", WRITE, POSTS_INCOMING),
    ("cases", WRITE, DECISIONS),
    ("cases", READ, VERDICTS),
    ("routing", WRITE, CASES),
    ("review-dutch", READ, DUTCH),
    ("review-dutch", WRITE, VERDICTS),
    ("review-dutch", READ, TASK_EVENTS),
    ("platform", READ, DECISIONS),
    ("privacy", WRITE, ERASURES),
    ("evidence", READ, CASES),
    ("evidence", READ, VERDICTS),
    ("operator", READ, DEAD_LETTERS),
    ("on-call", READ, POSTS_INCOMING),
    ("on-call", READ, DUTCH),
    ("on-call", READ, VERDICTS),
]


@pytest.fixture(scope="module")
def matrix(installation: Installation) -> Matrix:
    """What the broker answered, tried with one record in each topic."""
    topics = installation.topics.created
    for topic in topics:
        produce(
            installation.kafka.client(ADMIN), topic, (Outgoing(b"%d" % number, b"value") for number in range(8))
        )  # some on each partition
    return {role: tried(installation.client(role), topics) for role in installation.roles}


def test_each_role_can_do_what_its_rights_say_and_nothing_else(
    installation: Installation, matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = installation.topics.created
    with capsys.disabled():
        show(installation, matrix)
    for role in installation.roles.values():
        meant = {(operation, topic) for operation in (READ, WRITE) for topic in topics if role.may(operation, topic)}
        assert matrix[role.name] == meant, role.name
    asked = len(matrix) * len(topics) * 2
    with capsys.disabled():
        print(f"{asked} attempts, {sum(map(len, matrix.values()))} allowed")


def show(installation: Installation, matrix: Matrix) -> None:
    """The matrix, a row per topic: R read, W written, a dot where the broker refused."""
    print("\n\n" + " " * 36 + " ".join(f"{role:>14}" for role in matrix))
    for topic in installation.topics.created:
        cells = (
            ("R" if (READ, topic) in found else ".") + ("W" if (WRITE, topic) in found else ".") for found in matrix.values()
        )  # fmt: skip
        print(f"{topic.removeprefix(installation.names.topic_prefix):36}" + " ".join(f"{cell:>14}" for cell in cells))


@pytest.mark.parametrize(("role", "operation", "topic"), DENIED, ids=lambda each: getattr(each, "name", each))
def test_denied(installation: Installation, matrix: Matrix, role: str, operation: Operation, topic: Topic) -> None:
    assert (operation, installation.topics.name(topic)) not in matrix[role]


@pytest.mark.parametrize(("role", "operation", "topic"), NEEDED, ids=lambda each: getattr(each, "name", each))
def test_allowed(installation: Installation, matrix: Matrix, role: str, operation: Operation, topic: Topic) -> None:
    assert (operation, installation.topics.name(topic)) in matrix[role]


def joined(client: dict[str, Any], topic: str, group: str) -> ck.KafkaError | None:
    """What the broker says to a consumer that joins a group; None if it lets it read."""
    consumer = ck.Consumer({**client, "group.id": group, "auto.offset.reset": "earliest", "log_level": 0})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(30)
        assert message is not None, f"{group}: no answer"
        return message.error()
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("role", "topic", "own", "foreign"),
    [
        ("platform", DECISIONS, "platform.enforcement", "cases"),
        ("review-dutch", DUTCH, "review.dutch.tool", "review.english.tool"),
        ("routing", POSTS_SCORED, "routing", "scoring"),
    ],
)
def test_a_role_joins_its_own_groups_alone(
    installation: Installation, matrix: Matrix, role: str, topic: Topic, own: str, foreign: str
) -> None:
    client, name = installation.client(role), installation.topics.name(topic)
    assert joined(client, name, installation.names.of(own)) is None
    refusal = joined(client, name, installation.names.of(foreign))
    assert refusal is not None
    assert refusal.code() == ck.KafkaError.GROUP_AUTHORIZATION_FAILED


@pytest.mark.parametrize("role", ["cases", "routing", "review-dutch"])
def test_only_the_stage_of_cases_begins_its_transactions(installation: Installation, role: str) -> None:
    """Whoever could would throw out the owner of a partition."""
    producer = ck.Producer({**installation.client(role), "transactional.id": installation.names.of("cases.3"), "log_level": 0})
    if role == "cases":
        producer.init_transactions(30)
        return
    with pytest.raises(ck.KafkaException) as refusal:
        producer.init_transactions(30)
    assert refusal.value.args[0].code() == ck.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_kafkas_own_tool_takes_the_commands_that_are_printed(installation: Installation, tmp_path: Path) -> None:
    kafka, user = installation.kafka, "by-hand-cases"
    properties = tmp_path / "admin.properties"
    login = "org.apache.kafka.common.security.scram.ScramLoginModule"
    properties.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
        f'sasl.jaas.config={login} required username="{ADMIN}" password="{kafka.passwords[ADMIN]}";\n'
        f"ssl.truststore.type=PEM\nssl.truststore.location={kafka.authority}\n",
        encoding="utf-8",
    )
    for command in kafka_acls([installation.roles["cases"]], "by-hand-", kafka.address):
        if not command.startswith("#"):
            words = [str(properties) if word == "admin.properties" else word for word in shlex.split(command)[1:]]
            run(java("org.apache.kafka.tools.AclCommand", *words), "")
    wanted = [binding(user, right) for right in installation.roles["cases"].rights]
    wait_for(lambda: set(kafka.rights(user)) == set(wanted), lambda: f"{user} has {kafka.rights(user)}", 10)
