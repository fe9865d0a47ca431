"""Owners of partition numbers on a genuine Kafka, with a machine that counts: all of a transaction or nothing, once or never."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from agents.edge.case_files import FILE
from agents.edge.case_log import POSITION
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.intake import REPUBLISHED, partition_of
from agents.edge.producer import Message
from agents.edge.transactions import Transactions
from schemas.cases import CaseFile, CaseState
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, CASES, DEAD_LETTERS, NOTICES, VERDICTS, Topic
from schemas.wire import decoder
from tests.support.case_inputs import deleted, enforced, opened, outgoing, report, send, verdict
from tests.support.clients import Outgoing, OwnTopics, create_topics, delete_topics, read_all
from tests.support.counting_worker import ALL, SESSION_SECONDS, counting_worker, notice_of, notices
from tests.support.workers import Process, fetch, wait_for

pytestmark = pytest.mark.kafka

PARTITIONS = 2
state_of, file_of = decoder(CaseState), decoder(CaseFile)
Start = Callable[..., Process]


@pytest.fixture
def owned(topics: OwnTopics) -> OwnTopics:
    """The topics of the stage."""
    topics.create(*ALL, partitions={topic.name: PARTITIONS for topic in ALL})
    return topics


@pytest.fixture
def start(topics: OwnTopics, tmp_path: Path) -> Start:
    """Starts a worker `name`; again, as the same instance."""
    return partial(counting_worker, topics, tmp_path)


def states(topics: OwnTopics) -> dict[str, CaseState]:
    """By post, what is committed."""
    latest = {message.key or b"": message.value for message in topics.read_all(CASE_STATE)}
    return {key.decode(): state_of(value) for key, value in latest.items() if value and not key.startswith(POSITION)}


def make_anew(topics: OwnTopics, topic: Topic) -> None:
    """Deletes a topic, and makes it again."""
    delete_topics(topics.address, [topics.name(topic)])
    create_topics(topics.address, topics.prefix, [topic], {topic.name: PARTITIONS})


def is_deleted(topics: OwnTopics) -> bool:
    """Deletes the stage's group, which Kafka does only when it has forgotten the worker that was there."""
    group, admin = f"{topics.prefix}sluice.cases", AdminClient({"bootstrap.servers": topics.address})
    try:
        admin.delete_consumer_groups([group])[group].result(10)
    except KafkaException:
        return False
    return True


def metrics_of(worker: Process) -> dict[str, float]:
    """By name with labels."""
    lines = fetch(f"{worker.addresses()['cases']}/metrics")[1].splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def metric(worker: Process, name: str) -> float:
    return metrics_of(worker)[name]


def lags(worker: Process) -> dict[str, float]:
    """By topic. Offsets of transaction marks are no records that wait."""
    found = {name: value for name, value in metrics_of(worker).items() if name.startswith("sluice_consumer_lag_records{")}
    return {name.partition('topic="')[2].rstrip('"}'): value for name, value in found.items()}


def test_every_event_is_applied_once_and_what_it_says_is_kept(owned: OwnTopics, start: Start) -> None:
    names = [f"post-{number}" for number in range(50)]
    with start() as worker:
        send(owned, *(opened(name) for name in names))
        notices(owned, *(f"{name}:2" for name in names))  # the second for the task event that came back
        send(owned, *(verdict(name, "v") for name in names), report("post-1"), enforced("post-2"))
        found = notices(owned, *(f"{name}:3" for name in names), "post-1:4", "post-2:4", "post-1:due")
        assert set(found.values()) == {1}
        wait_for(lambda: lags(worker) == {topic.name: 0 for topic in CASE_INPUTS}, lambda: f"it lags: {lags(worker)}", 10)
        assert metric(worker, "sluice_cases_states") == len(names)
        assert metric(worker, 'sluice_outputs_total{stage="cases",topic="moderation.notices.v1"}') == sum(found.values())
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
        found = notices(owned, "kept:4")
        assert {found[f"kept:{number}"] for number in range(1, 5)} == {1}
        wait_for(
            lambda: "gone" in states(owned) and states(owned)["gone"].rounds == 1, lambda: f"it was not forgotten: {states(owned)}", 10
        )
        assert worker.stop() == ExitCode.OK, worker.log
    newest = {(message.partition, message.offset): message for message in owned.read_all(CASE_FILES)}
    state = [message for message in owned.read_all(CASE_STATE) if message.key == b"kept"][-1]
    file = newest[state.partition, int(state.header(FILE) or b"")]
    assert file_of(file.value).statement == "first;second;"


def hold(folder: Path) -> Path:
    """The file that makes the worker with this SLUICE_TEST_HOLD stop before its next commit."""
    folder.mkdir()
    held = folder / "hold"
    held.touch()
    return held


def wait_until_held(at: Path, worker: Process) -> None:
    wait_for((at.parent / "held").exists, lambda: f"no transaction is open:\n{worker.log}", 30)


def seen_by_careless_readers(topics: OwnTopics) -> set[str]:
    """Notices, those of open and aborted transactions among them."""
    return {notice_of(message.value).notice_id for message in read_all(topics.address, topics.name(NOTICES), committed=False)}


def test_a_kill_in_an_open_transaction_leaves_nothing_and_loses_nothing(owned: OwnTopics, start: Start, tmp_path: Path) -> None:
    at = hold(tmp_path / "holding")
    names = [f"post-{number}" for number in range(40)]
    with start(test_hold=at.parent) as worker:
        send(owned, *(opened(name) for name in names))
        wait_until_held(at, worker)
        assert seen_by_careless_readers(owned)
        worker.signal(signal.SIGKILL)
        worker.wait()
    assert not notices(owned)
    at.unlink()
    with start() as worker:
        found = notices(owned, *(f"{name}:2" for name in names))
        assert set(found.values()) == {1}
        assert worker.stop() == ExitCode.OK, worker.log
    assert {name: state.rounds for name, state in states(owned).items()} == dict.fromkeys(names, 2)


def test_a_woken_zombie_changes_nothing(owned: OwnTopics, start: Start, tmp_path: Path) -> None:
    """It ends when it commits, unless it has heard before that that it lost its place in the group: then it joins anew."""
    at = hold(tmp_path / "holding")
    names = [f"post-{number}" for number in range(40)]
    with start("sleeper", test_hold=at.parent) as sleeper:
        for number in (0, 1):  # one that falls asleep while it takes a number over takes it from its heir when it wakes, and that ends too
            sleeper.said(f"number {number}: ")
        send(owned, *(opened(name) for name in names))
        wait_until_held(at, sleeper)
        sleeper.signal(signal.SIGSTOP)
        with start("heir") as heir:
            send(owned, *(enforced(name) for name in names))
            assert set(notices(owned, *(f"{name}:3" for name in names)).values()) == {1}
            at.unlink()
            sleeper.signal(signal.SIGCONT)
            wait_for(lambda: not sleeper.running or sleeper.log.count("states restored") > 2, lambda: f"it stays:\n{sleeper.log}", 30)
            if not sleeper.running:
                assert sleeper.wait() == ExitCode.FENCED, sleeper.log
                assert "another worker owns this partition number now" in sleeper.log
            send(owned, *(verdict(name, "v") for name in names))
            assert set(notices(owned, *(f"{name}:4" for name in names)).values()) == {1}
            assert heir.stop() == ExitCode.OK, heir.log
    assert {name: state.rounds for name, state in states(owned).items()} == dict.fromkeys(names, 4)


def test_what_is_read_again_yields_nothing(owned: OwnTopics, start: Start) -> None:
    """The group's offsets are behind the states: here by everything, since none is ever committed."""
    with start(commit_interval_seconds=60) as worker:
        send(owned, opened("post"))
        notices(owned, "post:2")
        worker.signal(signal.SIGKILL)
        worker.wait()
    with start() as worker:
        send(owned, enforced("post"))
        assert notices(owned, "post:3") == {"post:1": 1, "post:2": 1, "post:3": 1}
        assert worker.stop() == ExitCode.OK, worker.log


def test_states_behind_the_group_stop_the_worker(owned: OwnTopics, start: Start) -> None:
    """Their topic was made anew."""
    with start() as worker:
        send(owned, opened("post"))
        notices(owned, "post:2")
        assert worker.stop() == ExitCode.OK, worker.log
    make_anew(owned, CASE_STATE)
    with start() as worker:
        assert worker.wait() == ExitCode.LOST
        assert "the states only to 0: states were lost" in worker.log


def test_files_that_were_made_anew_stop_the_worker_until_cases_are_made_anew_too(owned: OwnTopics, start: Start) -> None:
    """Nobody has to ask for a file for that."""
    with start() as worker:
        send(owned, opened("post"))
        notices(owned, "post:2")
        assert worker.stop() == ExitCode.OK, worker.log
    with start() as worker:  # as they were they fit
        send(owned, enforced("post"))
        notices(owned, "post:3")
        assert worker.stop() == ExitCode.OK, worker.log
    make_anew(owned, CASE_FILES)
    for attempt in ("first", "second"):  # it does not forget
        with start() as worker:
            assert worker.wait() == ExitCode.LOST, attempt
            assert f"{owned.name(CASE_FILES)}[{partition_of(b'post', PARTITIONS)}]" in worker.log
            assert "was the topic made anew" in worker.log
    make_anew(owned, CASE_STATE)
    wait_for(lambda: is_deleted(owned), lambda: "the group still has a member", 4 * SESSION_SECONDS)
    with start() as worker:
        send(owned, enforced("post"))
        assert notices(owned, "post:4")["post:4"] == 1
        assert worker.stop() == ExitCode.OK, worker.log


def test_a_former_owner_is_told_so_also_while_it_sends(owned: OwnTopics) -> None:
    client = {"bootstrap.servers": owned.address, "log_level": 0}
    former, heir = Transactions(client, "owner", 60), Transactions(client, "owner", 60)
    message = Message(owned.name(NOTICES), "k", b"value", [])
    former.start()
    former.begin()
    former.send(message)
    former.flush()
    heir.start()
    with pytest.raises(StopWorker) as stopped:
        for _ in range(10_000_000):
            former.send(message)
    assert stopped.value.code is ExitCode.FENCED


def test_what_lies_wrong_is_put_right_once_and_what_cannot_be_read_is_a_dead_letter(owned: OwnTopics, start: Start) -> None:
    place = partition_of(b"post", PARTITIONS)
    wrong = next(f"key-{number}".encode() for number in range(100) if partition_of(f"key-{number}".encode(), PARTITIONS) != place)
    value = outgoing(opened("post")).value
    owned.produce(CASES, [Outgoing(wrong, value), Outgoing(b"k", b"no case"), Outgoing(wrong, value, ((REPUBLISHED, b"1"),))])
    with start() as worker:
        assert notices(owned, "post:2") == {"post:1": 1, "post:2": 1}
        letters = owned.read_all(DEAD_LETTERS, lambda messages: len(messages) == 2)
        assert worker.stop() == ExitCode.OK, worker.log
    assert {message.header("sluice_reason") for message in letters} == {b"not_json", b"wrong_partition"}
    again = [message for message in owned.read_all(CASES) if message.key == b"post"]
    assert [(message.partition, message.value, message.headers) for message in again] == [(place, value, ((REPUBLISHED, b"1"),))]


def test_unequal_partition_counts_are_named(topics: OwnTopics, start: Start) -> None:
    topics.create(*ALL, partitions={topic.name: 3 if topic is VERDICTS else PARTITIONS for topic in ALL})
    with start() as worker:
        assert worker.wait() == ExitCode.CONFIG
        assert "topics that must have the same number of partitions have not: 3, but" in worker.log


def test_two_workers_share_the_numbers(owned: OwnTopics, start: Start) -> None:
    """Each number has one owner at a time, of all its inputs; what is handled by whom shows in nothing."""
    names = [f"post-{number}" for number in range(60)]
    with start("one") as one:
        send(owned, *(opened(name) for name in names))
        notices(owned, *(f"{name}:2" for name in names))
        with start("two") as two:
            two.said(f"joined: {len(CASE_INPUTS)} partitions")
            send(owned, *(enforced(name) for name in names))
            notices(owned, *(f"{name}:3" for name in names))
            assert two.stop() == ExitCode.OK, two.log
        send(owned, *(verdict(name, "v") for name in names))
        assert set(notices(owned, *(f"{name}:4" for name in names)).values()) == {1}
        assert one.stop() == ExitCode.OK, one.log
