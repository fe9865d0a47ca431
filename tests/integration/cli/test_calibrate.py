"""`sluice calibrate --verdicts`: from what routing handed over and reviewers said, as it lies on the topics, to evidence."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.cases import CaseEvent
from schemas.people import Outcome, Verdict
from schemas.records import Reason
from schemas.topics import CASES, VERDICTS
from schemas.wire import encode
from tests.agents.cli.commands import sluice
from tests.pipeline.cases.world import case_event
from tests.support.clients import Outgoing, OwnTopics
from tests.support.kafka import Broker
from tests.support.tiny_model import build_tiny_bundle

pytestmark = pytest.mark.kafka

DATA = Path(__file__).parents[1] / "data"
LONG_AGO = dt.datetime.now(dt.UTC) - dt.timedelta(days=4)
ROSTER = '[[reviewers]]\nid = "anna"\nregions = ["dutch"]\nlanguages = ["nl"]\n'


def pending(number: int, received_at: dt.datetime = LONG_AGO) -> CaseEvent:
    reasons = (Reason(rule="hate-remove", label="hate", probability=0.9 + number % 10 / 100, threshold=0.9),)
    event = case_event(f"p{number}", reasons=reasons, received_at=received_at, policy_version="integration@1")
    return replace(event, post=replace(event.post, text=f"text {hashlib.sha256(b'%d' % number).hexdigest()}"))


def removed(event: CaseEvent) -> Verdict:
    post = event.post
    return Verdict(
        verdict_id=f"v-{post.post_id}", task_id="t", post_id=post.post_id, revision=post.revision, reviewer="anna", outcome=Outcome.REMOVE,
        decided_at=LONG_AGO, context_digest=event.context.digest,
    )  # fmt: skip


def test_what_reviewers_said_opens_a_band(kafka: Broker, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(CASES, VERDICTS)
    events = [*(pending(number) for number in range(120)), pending(120, dt.datetime.now(dt.UTC))]
    topics.produce(CASES, [Outgoing(event.post.post_id.encode(), encode(event)) for event in (*events, events[0])])
    topics.produce(VERDICTS, [Outgoing(event.post.post_id.encode(), encode(removed(event))) for event in events if event is not events[1]])
    topics.produce(VERDICTS, [Outgoing(b"p", b"{")])
    (tmp_path / "roster.toml").write_text(ROSTER)
    policy = tmp_path / "policy.toml"
    written = (DATA / "policy.toml").read_text().splitlines(keepends=True)
    policy.write_text("".join(line for line in written if not line.startswith("evidence")))

    result = sluice(
        "calibrate", "--verdicts", "--out", str(tmp_path / "evidence.toml"), broker=kafka.address, topic_prefix=topics.prefix,
        policy=policy, model=build_tiny_bundle(tmp_path), regions=DATA / "regions.toml", roster=tmp_path / "roster.toml",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 record of moderation.verdicts.v1 could not be read" in result.stderr
    assert "121 posts that a rule found and that people were to see; 120 rows. Left out:" in result.stderr
    assert "1 of 120 rows of hate in nl have no verdict of a speaker who was shown the whole conversation" in result.stderr
    assert "  1 younger than the longest service level" in result.stderr
    evidence = tomllib.loads((tmp_path / "evidence.toml").read_text())
    assert evidence["reached_only"] is True
    assert [(each["name"], each["rows"]) for each in evidence["data"]] == [("moderation.verdicts.v1", 120)]
    (band,) = evidence["bands"]
    assert (band["label"], band["language"], band["rows"], band["correct"], band["undecided"]) == ("hate", "nl", 120, 119, 1)
    assert (band["threshold"], "closed" in band) == (0.9, False)
