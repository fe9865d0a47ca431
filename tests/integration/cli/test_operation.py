"""An afternoon of an operator: a worker, bad posts, `doctor`, `dead-letters`."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topics import DEAD_LETTERS, POSTS_LANGUAGE
from tests.integration.cli.conftest import ALL, Sluice
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker
from tests.support.workers import stage_process

pytestmark = pytest.mark.kafka


def doctor(run: Sluice) -> dict[str, str]:
    """What `doctor` says, by name; the level comes first."""
    lines = run("doctor").stdout.splitlines()
    return {line[6:21].strip(): f"{line[:5].strip()} {line[22:]}" for line in lines}


def test_bad_posts_are_seen_and_put_back(run: Sluice, kafka: Broker, topics: OwnTopics, tmp_path: Path) -> None:
    assert (
        doctor(run)["topics"] == f"FAIL {ALL} of {ALL} do not exist, {topics.prefix}posts.incoming.v1 for one: run `sluice topics create`"
    )
    topics.created += [line.split("\t")[0] for line in run("topics", "create").stdout.splitlines() if "made" in line.split("\t")]
    assert doctor(run)["stage language"] == "WARN no worker runs it, 0 records wait: start one with `sluice worker`"

    with stage_process(kafka.address, topics.prefix, tmp_path / "worker", "language") as worker:
        assert run("publish", "--no-validate", stdin=b'{\n{"post_id": 1}\n').exit_code == 0
        topics.read_all(DEAD_LETTERS, lambda messages: len(messages) == 2)
        well = doctor(run)
        assert well["stage language"] == "OK 1 worker, 0 records wait"
        assert well["stage routing"].endswith("start one with `sluice worker --stages routing`")
        assert well["dead letters"] == "WARN in the last hour 1 invalid, 1 not_json: look at them with `sluice dead-letters list`"

        assert run("dead-letters", "requeue", "--reason", "not_json").exit_code == 0
        messages = topics.read_all(DEAD_LETTERS, lambda messages: len(messages) == 4)  # two letters, a mark, and the letter come again
        assert sorted(header[1] or b"" for message in messages for header in message.headers if header[0] == "sluice_tries") == [
            b"0",
            b"0",
            b"1",
        ]
        listed = [line.split("\t") for line in run("dead-letters", "list", "--reason", "not_json").stdout.splitlines()[1:]]
        assert [(row[4], row[5]) for row in listed] == [("put back", "0"), ("waits", "1")]
        assert doctor(run)["dead letters"].startswith("WARN in the last hour 1 invalid, 2 not_json: ")
        assert topics.read_all(POSTS_LANGUAGE) == []
        assert worker.stop() == 0
