"""Rights as an administrator hands them to Kafka."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys

import pytest
import yaml

from agents.rights import kafka_acls, strimzi_users
from schemas.rights import Names, Role, roles
from schemas.topics import POSTS_INCOMING
from tests.agents.cli.commands import sluice
from tests.support.workers import SLUICE

ROLES = roles(Names("prod.", "sluice", ("dutch", "dach")))
NAMES = [role.name for role in ROLES]


def commands(role: Role) -> list[list[str]]:
    return [shlex.split(line) for line in kafka_acls([role], "sluice-", "kafka:9093") if not line.startswith("#")]


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_the_commands_carry_every_right_once(role: Role) -> None:
    found = []
    for words in commands(role):
        assert words[words.index("--allow-principal") + 1] == f"User:sluice-{role.name}"
        operation, prefixed = words[words.index("--operation") + 1], "--resource-pattern-type" in words
        for option, kind in (("--topic", "topic"), ("--group", "group"), ("--transactional-id", "transactional id")):
            found += [(operation, kind, words[place + 1], prefixed) for place, word in enumerate(words) if word == option]
    assert sorted(found) == sorted((right.operation.value, right.kind.value, right.name, right.prefixed) for right in role.rights)


def test_a_user_of_strimzi_has_the_rights_of_its_role() -> None:
    users = {user["metadata"]["name"]: user for user in yaml.safe_load_all(strimzi_users(ROLES, "sluice-", "main"))}
    assert list(users) == [f"sluice-{name}" for name in NAMES]
    cases = users["sluice-cases"]
    assert cases["metadata"]["labels"] == {"strimzi.io/cluster": "main"}
    acls = cases["spec"]["authorization"]["acls"]
    assert {
        "resource": {"type": "topic", "name": "prod.moderation.task-events.v1", "patternType": "literal"},
        "operations": ["Read", "Write"],
    } in acls
    assert {"resource": {"type": "transactionalId", "name": "prod.sluice.cases.", "patternType": "prefix"}, "operations": ["Write"]} in acls


def test_the_command_shows_one_role_under_the_settings_names() -> None:
    result = sluice("topics", "rights", "--role", "scoring", topic_prefix="prod.", group="mod")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "role\tmay\ton\tnames",
        "scoring\tRead\ttopic\tprod.posts.language.v1",
        "scoring\tWrite\ttopic\tprod.posts.scored.v1, prod.moderation.dead-letters.v1",
        "scoring\tRead\tgroup\tprod.mod.scoring",
    ]


@pytest.mark.parametrize("words", [("rights", "--format", "kafka-acls"), ("rights", "--format", "strimzi"), ("resources",)])
def test_commands_and_resources_are_whole_on_a_narrow_terminal_and_where_colour_is_forced(words: tuple[str, ...]) -> None:
    wanted = sluice("topics", *words).stdout
    forced = subprocess.run(
        [sys.executable, *SLUICE, "topics", *words], env={**os.environ, "FORCE_COLOR": "1"}, stdout=subprocess.PIPE, text=True, check=True
    )
    assert forced.stdout == wanted
    assert on_a_terminal(words) == wanted


def on_a_terminal(words: tuple[str, ...]) -> str:
    """What the command writes on one of 40 columns."""
    leader, follower = pty.openpty()
    with subprocess.Popen([sys.executable, *SLUICE, "topics", *words], env={**os.environ, "COLUMNS": "40"}, stdout=follower) as process:
        os.close(follower)
        written = b""
        try:
            while piece := os.read(leader, 65536):
                written += piece
        except OSError:  # the command has ended: EIO, as Linux has it
            pass
        os.close(leader)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


def test_a_role_that_does_not_exist_is_named_with_those_that_do() -> None:
    result = sluice("topics", "rights", "--role", "admin")
    assert result.exit_code == 2
    assert (
        "--role: there is no role 'admin'; allowed are producer, language, scoring, routing, cases, platform, review-dutch" in result.stderr
    )


def test_a_topic_of_strimzi_has_the_settings_of_the_table() -> None:
    result = sluice("topics", "resources", "--cluster", "main", topic_prefix="Prod_1.")
    topics = {topic["spec"]["topicName"]: topic for topic in yaml.safe_load_all(result.stdout)}
    found = topics["Prod_1.posts.incoming.v1"]
    assert found["metadata"] == {"name": "prod-1.posts.incoming.v1", "labels": {"strimzi.io/cluster": "main"}}
    assert (found["spec"]["partitions"], found["spec"]["replicas"]) == (POSTS_INCOMING.partitions, 3)
    config = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found["spec"]["config"].items()}
    assert config == {**POSTS_INCOMING.config, "min.insync.replicas": "2"}
