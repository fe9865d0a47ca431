"""`sluice topics`."""

from __future__ import annotations

import pytest
from typer.testing import Result

from schemas.topics import POSTS_LANGUAGE, review_topic
from tests.integration.cli.conftest import ALL, Sluice
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker

pytestmark = pytest.mark.kafka


def rows(result: Result) -> list[list[str]]:
    """The cells of a table, without its head."""
    return [line.split("\t") for line in result.stdout.splitlines()[1:] if "\t" in line]


def test_topics_are_made_once_and_compared(run: Sluice, topics: OwnTopics, kafka: Broker) -> None:
    result = run("topics", "check")
    assert (result.exit_code, f"{ALL} topics do not exist" in result.stdout) == (1, True)

    topics.create(POSTS_LANGUAGE, partitions={POSTS_LANGUAGE.name: 2})
    result = run("topics", "create")
    assert result.exit_code == 0, result.output
    topics.created += [row[0] for row in rows(result) if row[2] == "made"]
    assert len(topics.created) == ALL
    assert topics.prefix + review_topic("dach").name in topics.created
    assert run("topics", "create").stdout.splitlines()[-1] == f"0 of {ALL} topics made, {ALL} existed already"

    result = run("topics", "check")
    assert result.exit_code == 1
    assert [row[0] for row in rows(result) if row[2] != "ok"] == [topics.name(POSTS_LANGUAGE)]
    assert f"--bootstrap-server {kafka.address} --alter --topic {topics.name(POSTS_LANGUAGE)} --partitions 12" in result.stdout


def test_created_topics_are_as_wanted(run: Sluice, topics: OwnTopics) -> None:
    topics.created += [row[0] for row in rows(run("topics", "create"))]
    result = run("topics", "check")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "all topics are as they should be")
