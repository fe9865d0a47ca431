"""Owners of partition numbers on a genuine Kafka, with a machine that counts: all of a transaction or nothing, once or never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.edge.case_files import FILE
from agents.edge.case_log import POSITION
from agents.edge.failures import ExitCode
from schemas.cases import CaseFile, CaseState
from schemas.people import Notice
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, DEAD_LETTERS, NOTICES
from schemas.wire import decoder
from tests.support.case_inputs import deleted, enforced, opened, report, send, verdict
from tests.support.clients import Message, OwnTopics
from tests.support.workers import Process, process, wait_for

pytestmark = pytest.mark.kafka

PARTITIONS = 2
ALL = (*CASE_INPUTS, CASE_STATE, CASE_FILES, NOTICES, DEAD_LETTERS)
SESSION_SECONDS = 6
notice_of, state_of, file_of = decoder(Notice), decoder(CaseState), decoder(CaseFile)
Start = Callable[..., Process]


@pytest.fixture
def owned(topics: OwnTopics) -> OwnTopics:
    """The topics of the stage."""
    topics.create(*ALL, partitions={topic.name: PARTITIONS for topic in ALL})
    return topics


@pytest.fixture
def start(topics: OwnTopics, tmp_path: Path) -> Start:
    """Starts a worker `name`; again, as the same instance."""

    def started(name: str = "one", **settings: object) -> Process:
        arguments = ["-m", "tests.support.counting_process", name]
        given = {"session_timeout_seconds": SESSION_SECONDS, **settings}
        return process(arguments, topics.address, topics.prefix, tmp_path / name, given)

    return started


def noted(*wanted: str) -> Callable[[list[Message]], bool]:
    """Whether these notices are there."""
    return lambda messages: {notice_of(message.value).notice_id for message in messages} >= set(wanted)


def notices(topics: OwnTopics, *until: str) -> Counter[str]:
    """Ids of the committed notices, how often each; when those of `until` are there."""
    return Counter(notice_of(message.value).notice_id for message in topics.read_all(NOTICES, noted(*until) if until else None))


def states(topics: OwnTopics) -> dict[str, CaseState]:
    """By post, what is committed."""
    latest = {message.key or b"": message.value for message in topics.read_all(CASE_STATE)}
    return {key.decode(): state_of(value) for key, value in latest.items() if value and not key.startswith(POSITION)}


def test_every_event_is_applied_once_and_what_it_says_is_kept(owned: OwnTopics, start: Start) -> None:
    names = [f"post-{number}" for number in range(50)]
    with start() as worker:
        send(owned, *(opened(name) for name in names))
        notices(owned, *(f"{name}:2" for name in names))  # the second for the task event that came back
        send(owned, *(verdict(name, "v") for name in names), report("post-1"), enforced("post-2"))
        found = notices(owned, *(f"{name}:3" for name in names), "post-1:4", "post-2:4", "post-1:due")
        assert set(found.values()) == {1}
        assert worker.stop() == ExitCode.OK, worker.log
    assert {name: state.rounds for name, state in states(owned).items()} == {
        name: 4 if name in {"post-1", "post-2"} else 3 for name in names
    }


def test_states_and_files_are_read_back_at_the_next_start(owned: OwnTopics, start: Start) -> None:
    with start() as worker:
        send(owned, opened("kept"), opened("gone"))
        notices(owned, "kept:2", "gone:2")
        send(owned, verdict("kept", "first"), deleted("gone"))
        notices(owned, "kept:3")
        wait_for(lambda: "gone" not in states(owned), lambda: f"still there: {states(owned)}", 10)
        assert worker.stop() == ExitCode.OK, worker.log
    with start() as worker:
        send(owned, verdict("kept", "second"), enforced("gone"))
        found = notices(owned, "kept:4", "gone:1")
        assert set(found.values()) == {1} or found["gone:1"] == 2
        assert worker.stop() == ExitCode.OK, worker.log
    newest = {(message.partition, message.offset): message for message in owned.read_all(CASE_FILES)}
    state = [message for message in owned.read_all(CASE_STATE) if message.key == b"kept"][-1]
    file = newest[state.partition, int(state.header(FILE) or b"")]
    assert file_of(file.value).statement == "first;second;"
