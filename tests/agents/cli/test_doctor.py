from __future__ import annotations

import datetime as dt
from pathlib import Path

import confluent_kafka as ck
import pytest

from agents.doctor import Finding, Level, all_spans, cluster, committed_offsets, groups, judge_group, model, policy, roster
from agents.edge.reader import Cluster, Layout, Reader, Span, reading
from agents.edge.security import client_config
from agents.embedded import EmbeddedBroker
from agents.settings import load
from pipeline.policy.regions import Regions
from schemas.topics import inputs
from tests.agents.cli.commands import sluice
from tests.support.clients import Outgoing, produce
from tests.support.tiny_cascade import CLEAR, build_cascade

IN = "posts.incoming.v1"
SPANS = {(IN, 0): Span(100, 200), (IN, 1): Span(0, 0), (IN, 2): Span(0, 50)}


@pytest.mark.parametrize(
    ("workers", "committed", "level", "said"),
    [
        (2, {0: 200, 1: 0, 2: 50}, Level.OK, "2 workers, 0 records wait"),
        (1, {0: 190}, Level.OK, "1 worker, 60 records wait"),
        (None, {}, Level.OK, "workers unknown, 150 records wait"),
        (0, {0: 200}, Level.WARN, "no worker runs it, 50 records wait: start one with `sluice worker --stages language`"),
        (
            1,
            {0: 99, 2: 51},
            Level.FAIL,
            "its position in 2 of 3 partitions is outside what the topic holds, in posts.incoming.v1[0] for one: it is 99, and the log "
            "goes from 100 to 200: records are gone unread",
        ),
        (0, {2: 51}, Level.FAIL, "its position in 1 of 3 partitions is outside what the topic holds, in posts.incoming.v1[2] for one"),
    ],
)
def test_a_stage_is_judged_by_its_workers_and_its_position(workers: int | None, committed: dict[int, int], level: Level, said: str) -> None:
    positions = {(IN, number): offset for number, offset in committed.items()}
    found = judge_group("language", workers, positions, SPANS, "sluice worker --stages language")
    assert (found.level, found.name) == (level, "stage language")
    assert found.sentence.startswith(said)


def test_a_stage_that_is_far_behind_is_named() -> None:
    found = judge_group("scoring", 1, {(IN, 0): 5}, {(IN, 0): Span(0, 10_006)}, "sluice worker --stages scoring")
    assert found == Finding(
        Level.WARN, "stage scoring", "1 worker, 10001 records wait: if that grows, start another `sluice worker --stages scoring`"
    )


CASES, VERDICTS = "moderation.cases.v1", "moderation.verdicts.v1"


@pytest.mark.parametrize(
    ("committed", "level", "said"),
    [
        ({(CASES, 0): 7, (VERDICTS, 0): 12}, Level.OK, "1 worker, 8 records wait"),
        ({(CASES, 0): 7}, Level.OK, "1 worker, 10 records wait"),
        ({(CASES, 0): 7, (VERDICTS, 0): 9}, Level.OK, "1 worker, 10 records wait"),  # at 9 is the mark of a transaction
        (
            {(CASES, 0): 7, (VERDICTS, 0): 8},
            Level.FAIL,
            "its position in 1 of 2 partitions is outside what the topic holds, in moderation.v",
        ),
    ],
)
def test_of_cases_every_input_is_looked_at(committed: dict[tuple[str, int], int], level: Level, said: str) -> None:
    found = judge_group("cases", 1, committed, {(CASES, 0): Span(0, 7), (VERDICTS, 0): Span(10, 20)}, "sluice worker --stages cases")
    assert (found.level, found.sentence[: len(said)]) == (level, said)


def test_what_waits_for_cases_is_counted_in_the_log_of_each_input() -> None:
    names = [topic.name for topic in inputs("cases")]
    with EmbeddedBroker(dict.fromkeys(names, 2)) as broker:
        settings = load(broker=broker.address)
        for name in (VERDICTS, "moderation.appeals.v1"):
            produce(broker.address, name, [Outgoing(str(number).encode(), b"{}") for number in range(50)])
        with reading(client_config(settings)) as reader:
            spans = all_spans(reader, names)
            group = ck.Consumer({"bootstrap.servers": broker.address, "group.id": "sluice.cases"})
            group.commit(
                offsets=[ck.TopicPartition(VERDICTS, number, spans[VERDICTS, number].high) for number in range(2)], asynchronous=False
            )
            group.close()
            found = judge_group("cases", 1, committed_offsets(settings, "sluice.cases", spans), spans, "sluice worker")
    assert found == Finding(Level.OK, "stage cases", "1 worker, 50 records wait")


class BusyReader(Reader):
    """Whenever it has asked where a log ends, records come in, and a worker commits all that there is."""

    def spans(self, topic: str) -> dict[int, Span]:
        found = super().spans(topic)
        produce(self._address, topic, [Outgoing(str(number).encode(), b"{}") for number in range(4)])
        group = ck.Consumer({"bootstrap.servers": self._address, "group.id": "sluice.cases"})
        ends = [ck.TopicPartition(topic, number, span.high) for number, span in super().spans(topic).items()]
        group.commit(offsets=ends, asynchronous=False)
        group.close()
        return found


def test_a_group_that_reads_and_commits_meanwhile_is_not_taken_for_lost() -> None:
    names = [topic.name for topic in inputs("cases")]
    with EmbeddedBroker(dict.fromkeys(names, 2)) as broker:
        settings = load(broker=broker.address)
        reader = BusyReader(client_config(settings))
        all_spans(reader, names)  # as it goes all the time
        (found,) = groups(settings, reader, dict.fromkeys(names, 2))
        reader.close()
    assert found == Finding(Level.OK, "stage cases", "workers unknown, 0 records wait")


@pytest.mark.parametrize(
    ("brokers", "copies", "in_sync", "level", "said"),
    [
        (3, 3, "2", Level.OK, "kafka:9092 answers"),
        (3, 3, None, Level.OK, "kafka:9092 answers"),
        (1, 1, "1", Level.OK, "kafka:9092 answers; brokers: 1, so a lost disk loses posts"),
        (3, 1, "1", Level.WARN, "kafka:9092 answers; __consumer_offsets has 1 of 3 copies: without that broker"),
        (3, 3, "1", Level.WARN, "kafka:9092 answers; __consumer_offsets has min.insync.replicas=1 of 3 copies: a record of one broker"),
        (3, 3, "3", Level.WARN, "kafka:9092 answers; __consumer_offsets has min.insync.replicas=3 of 3 copies: with one broker away"),
    ],
)
def test_a_cluster_is_judged_by_whether_it_can_lose_a_broker(
    brokers: int, copies: int, in_sync: str | None, level: Level, said: str
) -> None:
    own = {"__consumer_offsets": {"min.insync.replicas": in_sync} if in_sync else None}
    found = cluster(load(broker="kafka:9092"), Cluster(brokers, {"__consumer_offsets": Layout(50, copies)}), own)
    assert (found.level, found.name) == (level, "broker")
    assert found.sentence.startswith(said)


def test_without_a_broker_the_rest_is_looked_at_and_the_reason_is_said() -> None:
    result = sluice("doctor", broker="127.0.0.1:1")
    levels = [line.split()[:2] for line in result.stdout.splitlines()]
    assert levels == [["OK", "model"], ["OK", "policy"], ["OK", "regions"], ["WARN", "roster"], ["FAIL", "broker"]]
    assert "no broker answers at 127.0.0.1:1 (" in result.stdout
    assert "Connection refused" in result.stdout
    assert (result.exit_code, result.stderr) == (1, "")


def test_both_tiers_of_a_model_are_named_and_that_nobody_knows_their_golden_scores(tmp_path: Path) -> None:
    accurate, _ = build_cascade(tmp_path, {"en": CLEAR})
    found = model(load(model=accurate))
    assert (found.level, found.name) == (Level.WARN, "model")
    assert found.sentence == (
        "tiny@1 (accurate) and tiny-fast@3 (fast): hashes are right; tiny@1 has no golden.jsonl, so nobody knows whether this processor "
        "shifts its scores"
    )


def test_a_policy_that_the_fast_tier_could_reach_alone_is_named(tmp_path: Path) -> None:
    accurate, _ = build_cascade(tmp_path, {"en": dict.fromkeys(CLEAR, 1.0)})
    found = policy(load(model=accurate), dt.datetime.now(dt.UTC))
    assert found.level is Level.FAIL
    assert "fast tier alone decides on" in found.sentence


ROSTER = """
[[reviewers]]
id = "r-17"
regions = ["dutch"]
languages = ["nl"]
"""


@pytest.mark.parametrize(
    ("text", "level", "said"),
    [
        (ROSTER + ROSTER.replace("r-17", "r-18"), Level.OK, "reviewers: 2; each region speaks its languages"),
        (ROSTER, Level.WARN, "only one person speaks nl: nobody else could answer an appeal"),
        (
            ROSTER.replace("r-17", "simulated-nl-1"),
            Level.WARN,
            "reviewers who do not exist: 1, simulated-nl-1 for one: put your own people there",
        ),
        (ROSTER.replace('"nl"', '"en"'), Level.WARN, "nobody speaks nl in dutch: what is decided there only limits"),
        (
            ROSTER.replace('"nl"]', '"nl", "fil"]'),
            Level.WARN,
            "on the roster somebody speaks 'fil', and no post has that language: it has 'tl'",
        ),
        (ROSTER.replace("dutch", "flemish"), Level.FAIL, "regions of the regions file are allowed: dutch (got 'flemish')"),
    ],
)
def test_the_roster_is_looked_at(text: str, level: Level, said: str, tmp_path: Path) -> None:
    file = tmp_path / "roster.toml"
    file.write_text(text)
    regions = Regions.model_validate({"regions": [{"name": "dutch", "languages": ["nl"]}]})
    found = roster(load(roster=file), regions, dt.datetime.now(dt.UTC))
    assert (found.level, found.name) == (level, "roster")
    assert said in found.sentence


def test_the_packaged_roster_is_warned_of() -> None:
    result = sluice("doctor", broker="127.0.0.1:1")
    assert "reviewers who do not exist: 40, simulated-nl-1 for one: put your own people there (docs/regions.md)" in result.stdout


def test_a_broken_model_and_policy_are_named() -> None:
    result = sluice("doctor", broker="127.0.0.1:1", model="/none", policy="/none.toml")
    first, second = result.stdout.splitlines()[:2]
    assert first.startswith("FAIL  model")
    assert second.startswith("FAIL  policy")
    assert "/none/bundle.toml: cannot be read" in first
    assert "/none.toml: cannot be read" in second
    assert result.exit_code == 1
