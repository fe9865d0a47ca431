"""Commands on the test's own topics of a genuine Kafka, with two review regions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from schemas.topics import TOPICS
from tests.agents.cli.commands import sluice
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker
from tests.support.workers import SLUICE

ALL = len(TOPICS) - 1 + 2
"""Topics of the table, with one for each of the two regions."""

Sluice = Callable[..., Result]
Process = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    path = tmp_path / "regions.toml"
    path.write_text('[[regions]]\nname = "dutch"\nlanguages = ["nl"]\n[[regions]]\nname = "dach"\nlanguages = ["de"]\n')
    return path


@pytest.fixture
def run(kafka: Broker, topics: OwnTopics, regions: Path) -> Sluice:
    """A command of `sluice` on the test's own topics."""

    def command(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return sluice(*arguments, stdin=stdin, broker=kafka.address, topic_prefix=topics.prefix, regions=regions)

    return command


@pytest.fixture
def process(kafka: Broker, topics: OwnTopics, regions: Path) -> Iterator[Process]:
    """The same in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def command(*arguments: str) -> subprocess.Popen[bytes]:
        given = {"SLUICE_BROKER": kafka.address, "SLUICE_TOPIC_PREFIX": topics.prefix, "SLUICE_REGIONS": str(regions)}
        words = [sys.executable, *SLUICE, *arguments]
        started.append(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | given)
        )
        return started[-1]

    yield command
    for each in started:
        if each.poll() is None:
            each.kill()
        each.communicate()
