"""What people write and who they are stays out of logs, metrics and health, whatever happens to their records."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from agents.edge.failures import ExitCode
from pipeline.flow import STAGES
from schemas.people import Addressee, Appeal, Appellant, Channel, Erasure, Notice, Outcome, Report, Verdict
from schemas.records import Decision, Record, ReviewTask
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
    REPORTS,
    TASK_EVENTS,
    TOPICS,
    VERDICTS,
    Topic,
    review_topic,
)
from schemas.wire import decoder, encode
from tests.integration.conftest import REVIEWS, create
from tests.support.clients import Outgoing, OwnTopics
from tests.support.posts_in_flow import CALM, HATE, THREAT, has_all, outgoing
from tests.support.workers import fetch, worker

pytestmark = pytest.mark.kafka

AT = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
TEXT, AUTHOR, STATEMENT, EXPLANATION = "quetzalcoatlus", "author-pseudonym", "axolotl", "okapi"
REPORTER, OTHER_REPORTER, REVIEWER = "reporter-pseudonym", "somebody-else-pseudonym", "simulated-en-1"
PRIVATE = (TEXT, AUTHOR, STATEMENT, EXPLANATION, REPORTER, OTHER_REPORTER, REVIEWER)
"""None of these may be seen from outside; each is in a record that goes through the stages below."""

BROKEN = (
    b'{"post_id": "broken", "text": "%s"' % TEXT.encode(),
    b'{"post_id": "broken", "author_id": "%s", "text": ["%s"]}' % (AUTHOR.encode(), TEXT.encode()),
    b'{"post_id": "%s %s", "kind": "%s"}' % (AUTHOR.encode(), TEXT.encode(), TEXT.encode()),
    TEXT.encode(),
)


def send(topics: OwnTopics, topic: Topic, *records: Record) -> None:
    topics.produce(topic, [Outgoing(topic.key_of(record).encode(), encode(record)) for record in records])


def reports_verdicts_and_appeals(topics: OwnTopics, task: ReviewTask) -> None:
    """Those that count, and those that are refused."""
    post = task.post.post_id
    for post_id in (post, "never-seen"):
        for key in (REPORTER, OTHER_REPORTER):
            send(topics, REPORTS, Report(
                report_id=f"report-{post_id}-{key[0]}", post_id=post_id, reporter_key=key, channel=Channel.USER, reported_at=AT,
                explanation=EXPLANATION,
            ))  # fmt: skip
    for task_id, digest in (("no-such-task", None), (task.task_id, task.context.digest)):
        send(topics, VERDICTS, Verdict(
            verdict_id=f"verdict-{task_id}", task_id=task_id, post_id=post, revision=1, reviewer=REVIEWER, outcome=Outcome.REMOVE,
            decided_at=AT, context_digest=digest,
        ))  # fmt: skip
    for topic in (REPORTS, VERDICTS, APPEALS, CASES):
        topics.produce(topic, [Outgoing(b"broken", value) for value in BROKEN])


@pytest.mark.parametrize("log_level", ["INFO", "DEBUG"])
def test_texts_and_pseudonyms_are_seen_nowhere(topics: OwnTopics, rules: dict[str, object], tmp_path: Path, log_level: str) -> None:
    create(topics, [*(topic for topic in TOPICS if "{" not in topic.name), *REVIEWS], partitions=2)
    with worker(topics.address, topics.prefix, tmp_path, STAGES, log_level=log_level, **rules) as process:
        process.ready(STAGES)
        texts = {"calm": CALM, "hate": HATE, "threat": THREAT}
        topics.produce(POSTS_INCOMING, [outgoing(name, name, f"{text} {TEXT}", author_id=AUTHOR) for name, text in texts.items()])
        topics.produce(POSTS_INCOMING, [Outgoing(b"broken", value) for value in BROKEN])
        topics.read_all(DECISIONS, has_all(set(texts)))
        (found,) = topics.read_all(review_topic("english"), has_all({"threat"}))
        reports_verdicts_and_appeals(topics, decoder(ReviewTask)(found.value))
        removed = topics.read_all(DECISIONS, lambda messages: [message.key for message in messages].count(b"threat") > 1)
        decision = decoder(Decision)(next(message.value for message in removed if message.key == b"threat"))
        appeal = Appeal(
            appeal_id="appeal", decision_id=decision.decision_id, post_id="threat", appellant=Appellant.AUTHOR, filed_at=AT,
            statement=STATEMENT,
        )  # fmt: skip
        send(topics, APPEALS, appeal)
        topics.read_all(NOTICES, lambda messages: any(b'"appeal"' in (message.value or b"") for message in messages))
        send(topics, ERASURES, Erasure(erasure_id="erasure", post_id="hate", requested_at=AT))
        topics.read_all(CASE_FILES, lambda messages: (b"hate", None) in {(message.key, message.value) for message in messages})
        states = [message.value or b"" for message in topics.read_all(CASE_STATE) if message.key == b"hate"]
        assert b"erased_at" in states[-1]
        topics.read_all(DEAD_LETTERS, lambda messages: len(messages) >= 5 * len(BROKEN))
        seen = {stage: fetch(f"{address}/metrics")[1] + fetch(f"{address}/healthz")[1] for stage, address in process.addresses().items()}
        assert process.stop() == ExitCode.OK, process.log[-3000:]
    assert set(seen) == set(STAGES)
    for where, text in {**seen, "log": process.log}.items():
        lines = [line for line in text.splitlines() if any(word in line for word in PRIVATE)]
        assert not lines, f"{where}: {lines[:3]}"
    reporters_and_authors_reach_nobody(topics)


def reporters_and_authors_reach_nobody(topics: OwnTopics) -> None:
    """Of all that leaves the pipeline, only a reporter's own notices carry the reporter's key, and nothing carries an author's."""
    keys = {REPORTER.encode(), OTHER_REPORTER.encode()}
    for topic in (*REVIEWS, DECISIONS, TASK_EVENTS, CASE_FILES):
        found = topics.read_all(topic)
        assert found or topic is REVIEWS[1], f"{topic.name} is empty: nothing was looked at"
        assert not [message for message in found if any(word in (message.value or b"") for word in (AUTHOR.encode(), *keys))], topic.name
    told = set()
    for message in topics.read_all(NOTICES):
        notice = decoder(Notice)(message.value)
        named = {key for key in keys if key in (message.value or b"")}
        own = {notice.reporter_key.encode()} if notice.reporter_key else set()
        assert named == own
        assert not own or notice.to is Addressee.REPORTER
        assert AUTHOR.encode() not in (message.value or b"")
        told |= own
    assert told == keys
