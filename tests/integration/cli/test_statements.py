"""`sluice statements export`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from agents.outbox import LEDGER
from schemas.records import Action
from schemas.topics import DECISIONS
from schemas.wire import encode
from tests.integration.cli.conftest import Sluice
from tests.pipeline.statements.decisions import decision
from tests.support.clients import Outgoing, OwnTopics

pytestmark = pytest.mark.kafka


def decide(topics: OwnTopics, *names: str, action: Action = Action.LIMIT) -> None:
    """Puts a decision on the topic for each name, with the name as its id."""
    records = [decision(decision_id=name, post_id=f"post-{name}", action=action) for name in names]
    topics.produce(DECISIONS, [Outgoing(record.post_id.encode(), encode(record)) for record in records])


def files(folder: Path) -> dict[str, list[str]]:
    """Ids of the statements in each file."""
    return {
        path.name: [each["puid"] for each in json.loads(path.read_bytes())["statements"]] for path in sorted(folder.glob("statements-*"))
    }


def test_restrictions_are_exported_once_a_hundred_a_file(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 3})
    out = tmp_path / "out"
    assert run("statements", "export", "--out", str(out)).stdout == "0 statements in 0 files; 0 were written before\n"

    first = [f"a{number}" for number in range(130)]
    decide(topics, *first)
    decide(topics, "a7", "a128", *(f"free{number}" for number in range(5)), action=Action.ALLOW)
    decide(topics, "a3", "a129")
    result = run("statements", "export", "--out", str(out))
    assert (result.exit_code, result.stdout) == (0, "130 statements in 2 files; 2 were written before\n")
    found = files(out)
    assert [len(ids) for ids in found.values()] == [100, 30]
    assert Counter(id_ for ids in found.values() for id_ in ids) == Counter(first)

    assert run("statements", "export", "--out", str(out)).stdout == "0 statements in 0 files; 0 were written before\n"
    decide(topics, "a5", "b1")
    result = run("statements", "export", "--out", str(out))
    assert (result.stdout, files(out)["statements-00000003.json"]) == ("1 statement in 1 file; 1 were written before\n", ["b1"])
    again = run("statements", "export", "--out", str(out), "--from", "2026-01-01T00:00:00Z")
    assert again.stdout.startswith("0 statements in 0 files; 134 were")


def test_a_replay_under_another_model_has_no_second_statement(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    """Another id for the same post, revision and sequence: once in the same file, once after it."""
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})

    def decided(name: str, **changes: int) -> Outgoing:
        return Outgoing(b"post-1", encode(decision(decision_id=name, **changes)))

    topics.produce(DECISIONS, [decided("a"), decided("a-other-model"), decided("later", sequence=1), decided("edited", revision=2)])
    assert run("statements", "export", "--out", str(tmp_path)).stdout == "3 statements in 1 file; 1 were written before\n"
    topics.produce(DECISIONS, [decided("a-third-model"), decided("later-other-model", sequence=1)])
    assert run("statements", "export", "--out", str(tmp_path)).stdout == "0 statements in 0 files; 2 were written before\n"
    assert files(tmp_path) == {"statements-00000001.json": ["a", "later", "edited"]}
    assert b"post-1" not in (tmp_path / LEDGER).read_bytes()


def test_what_cannot_be_read_is_said_and_the_rest_is_exported(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})
    topics.produce(DECISIONS, [Outgoing(None, b"\x1b[2J")])
    decide(topics, "a")
    result = run("statements", "export", "--out", str(tmp_path / "out"))
    assert (result.exit_code, files(tmp_path / "out")) == (1, {"statements-00000001.json": ["a"]})
    assert result.stderr.startswith(f"{topics.name(DECISIONS)}[0]@0 cannot be read and is left out: not JSON")
    assert "\x1b" not in result.stderr


def test_decisions_that_are_gone_before_they_were_exported_stop_it(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})
    decide(topics, "a", "b")
    assert run("statements", "export", "--out", str(tmp_path)).exit_code == 0
    topics.delete()
    topics.created.clear()
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})
    result = run("statements", "export", "--out", str(tmp_path))
    assert (result.exit_code, "was the topic made anew?" in result.stderr) == (75, True)


def decide_in_a_transaction(topics: OwnTopics, name: str, partition: int) -> None:
    """As the cases stage does: behind the decision lies the mark that it is valid."""
    producer = ck.Producer({"bootstrap.servers": topics.address, "transactional.id": f"{topics.prefix}cases"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topics.name(DECISIONS), encode(decision(decision_id=name, post_id=f"post-{name}")), partition=partition)
    producer.commit_transaction(30)


def delete_for_age(topics: OwnTopics, ends: dict[int, int]) -> None:
    """Of each partition all before an offset."""
    places = [ck.TopicPartition(topics.name(DECISIONS), number, offset) for number, offset in ends.items()]
    admin = AdminClient({"bootstrap.servers": topics.address})
    for done in admin.delete_records(places).values():
        done.result(10)


def test_marks_of_transactions_that_are_deleted_for_their_age_are_no_lost_decisions(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 2})
    decide_in_a_transaction(topics, "a", 0)
    assert run("statements", "export", "--out", str(tmp_path)).exit_code == 0
    decide_in_a_transaction(topics, "b", 0)
    decide_in_a_transaction(topics, "b2", 1)
    assert run("statements", "export", "--out", str(tmp_path)).exit_code == 0
    delete_for_age(topics, {0: 4, 1: 2})
    decide_in_a_transaction(topics, "c", 1)
    result = run("statements", "export", "--out", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    assert files(tmp_path)["statements-00000003.json"] == ["c"]


def test_after_a_beginning_from_a_time_it_goes_on_where_that_ended(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(DECISIONS, partitions={DECISIONS.name: 2})
    decide_in_a_transaction(topics, "a", 0)
    assert run("statements", "export", "--out", str(tmp_path)).exit_code == 0
    decide_in_a_transaction(topics, "lost", 0)
    delete_for_age(topics, {0: 4})
    lost = run("statements", "export", "--out", str(tmp_path))
    assert (lost.exit_code, "were deleted before they were exported" in lost.stderr) == (75, True)
    assert run("statements", "export", "--out", str(tmp_path), "--from", "2037-01-01T00:00:00Z").exit_code == 0
    decide_in_a_transaction(topics, "b", 0)
    result = run("statements", "export", "--out", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    assert files(tmp_path)["statements-00000002.json"] == ["b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "yesterday"), "--from: a time with its offset from UTC is allowed"),
        (("--from", "2026-11-01T10:00:00"), "--from: a time with its offset from UTC is allowed"),
        (("--limit-is", "removed"), "--limit-is: disabled, demoted, age-restricted, interaction-restricted, labelled are allowed"),
    ],
)
def test_a_wrong_option_is_refused(run: Sluice, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run("statements", "export", "--out", str(tmp_path), *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True)
