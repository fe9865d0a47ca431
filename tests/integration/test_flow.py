"""Posts go in, decisions and review tasks come out: four stages, each in its process, on a genuine Kafka."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from pipeline.flow import STAGES
from schemas.headers import CE_ID, CE_SOURCE, CE_TIME, CE_TYPE, TRACEPARENT
from schemas.people import Appeal, Appellant, Enforcement, Notice, Outcome, Verdict
from schemas.records import Action, Automation, Decision, PostKind, Record, ReviewTask, Unassessed
from schemas.topics import (
    APPEALS,
    DEAD_LETTERS,
    DECISIONS,
    ENFORCEMENTS,
    NOTICES,
    POSTS_INCOMING,
    POSTS_LANGUAGE,
    POSTS_SCORED,
    VERDICTS,
)
from schemas.wire import decoder, encode
from tests.integration.conftest import REVIEWS, Flow
from tests.support.clients import Message, Outgoing
from tests.support.posts_in_flow import CALM, CALM_DUTCH, HATE, HATE_DUTCH, THREAT, THREAT_DUTCH, decisions, has_all, outgoing
from tests.support.promtool import check_metrics
from tests.support.workers import fetch

pytestmark = pytest.mark.kafka

ENGLISH, DUTCH = REVIEWS
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
decode_task = decoder(ReviewTask)


def conversation(number: int) -> list[Outgoing]:
    """Six events: a post, a reply, a threat, an edit of the reply, a picture, a deletion of the first."""
    c, threat = f"talk-{number}", THREAT if number % 2 else THREAT_DUTCH
    market = {"market": "GB" if number % 2 else "NL"}
    return [
        outgoing(f"{c}-first", c, CALM if number % 2 else CALM_DUTCH, **market),
        outgoing(f"{c}-reply", c, HATE, parent_id=f"{c}-first", **market),
        outgoing(f"{c}-threat", c, threat, parent_id=f"{c}-reply", **market),
        outgoing(f"{c}-reply", c, CALM, revision=2, kind="edited", parent_id=f"{c}-first", **market),
        outgoing(f"{c}-picture", c, None, media=[{"type": "image/png", "url": "https://media.example/1.png"}], **market),
        outgoing(f"{c}-first", c, None, revision=2, kind="deleted", **market),
    ]


def task_of(messages: list[Message], post_id: str) -> ReviewTask:
    return next(task for message in messages if (task := decode_task(message.value)).post.post_id == post_id)


def test_every_post_comes_out_decided(flow: Flow) -> None:
    talks = range(50)
    events = [event for number in talks for event in conversation(number)]
    flow.topics.produce(POSTS_INCOMING, events)
    wanted = {f"talk-{number}-{role}" for number in talks for role in ("first", "reply", "threat", "picture")}
    read = flow.topics.read_all(DECISIONS, lambda messages: len(decisions(messages).keys() & expected(talks)) == len(events))
    found = decisions(read)
    assert has_all(wanted)(read)

    def outcome(number: int, role: str, revision: int = 1) -> tuple[Action, bool]:
        decision = found[f"talk-{number}-{role}", revision]
        return decision.action, decision.pending

    for number in talks:
        assert outcome(number, "first") == (Action.ALLOW, False)
        assert outcome(number, "reply") == (Action.REMOVE, False)
        assert outcome(number, "threat") == (Action.LIMIT, True)
        assert outcome(number, "reply", 2) == (Action.RESTORE, False)  # the edit undoes the removal: decided by cases
        assert outcome(number, "picture") == (Action.LIMIT, False)
        assert Unassessed.MEDIA in found[f"talk-{number}-picture", 1].unassessed
        assert found[f"talk-{number}-first", 2].kind is PostKind.DELETED

    threats = {topic: {f"talk-{number}-threat" for number in talks if number % 2 == odd} for topic, odd in ((ENGLISH, 1), (DUTCH, 0))}
    in_english, in_dutch = (flow.topics.read_all(topic, has_all(threats[topic])) for topic in REVIEWS)
    assert not threats[DUTCH] & {decode_task(message.value).post.post_id for message in in_english}
    assert not threats[ENGLISH] & {decode_task(message.value).post.post_id for message in in_dutch}
    task = task_of(in_dutch, "talk-0-threat")
    assert [post.post_id for post in task.context.thread] == ["talk-0-first", "talk-0-reply"]
    assert task.context.complete
    assert task.case_id == found["talk-0-threat", 1].case_id


def expected(talks: range) -> set[tuple[str, int]]:
    return {
        (f"talk-{number}-{role}", revision)
        for number in talks
        for role, revision in (("first", 1), ("first", 2), ("reply", 1), ("reply", 2), ("threat", 1), ("picture", 1))
    }


def test_without_evidence_for_its_language_people_look_at_what_the_machine_would_remove(flow: Flow) -> None:
    texts = {"evident": HATE, "without-evidence": HATE_DUTCH, "calm-without-evidence": CALM_DUTCH}
    flow.topics.produce(POSTS_INCOMING, [outgoing(name, name, text, market="NL") for name, text in texts.items()])
    found = decisions(flow.topics.read_all(DECISIONS, has_all(set(texts))))
    removed, looked_at, calm = (found[name, 1] for name in texts)
    assert (removed.action, removed.pending, removed.unassessed) == (Action.REMOVE, False, ())
    assert (looked_at.action, looked_at.pending) == (Action.ALLOW, True)
    assert [reason.rule for reason in looked_at.reasons] == ["hate-remove", "rest"]
    assert (calm.action, calm.pending) == (Action.ALLOW, False)  # of what is allowed, this policy sends nothing to people
    assert looked_at.unassessed == calm.unassessed == (Unassessed.NO_CALIBRATION,)
    task = task_of(flow.topics.read_all(DUTCH, has_all({"without-evidence"})), "without-evidence")
    assert task.unassessed == (Unassessed.NO_CALIBRATION,)


def test_a_reply_to_nobody_knows_what_is_missing(flow: Flow) -> None:
    flow.topics.produce(POSTS_INCOMING, [outgoing("orphan", "orphanage", THREAT, parent_id="never-came")])
    task = task_of(flow.topics.read_all(ENGLISH, has_all({"orphan"})), "orphan")
    assert not task.context.complete
    assert task.context.missing == ("never-came",)


def test_people_decide_and_an_appeal_undoes_it(flow: Flow) -> None:
    """A verdict removes; the author appeals; another person restores; the platform confirms; everybody is told."""
    flow.topics.produce(POSTS_INCOMING, [outgoing("judged", "judged", THREAT_DUTCH, market="NL")])
    task = task_of(flow.topics.read_all(DUTCH, has_all({"judged"})), "judged")
    flow.topics.produce(VERDICTS, [verdict(task, "simulated-nl-1", "remove")])
    removed = decision_of(flow, "judged", 1)
    assert (removed.action, removed.automation, removed.pending) == (Action.REMOVE, Automation.NONE, False)
    appeal = Appeal(
        appeal_id="appeal-1", decision_id=removed.decision_id, post_id="judged", appellant=Appellant.AUTHOR, filed_at=removed.decided_at,
        statement="it is a line of a song",
    )  # fmt: skip
    flow.topics.produce(APPEALS, [keyed("judged", appeal)])
    again = task_of(flow.topics.read_all(DUTCH, lambda messages: len(tasks_of(messages, "judged")) == 2)[::-1], "judged")
    assert (again.statement, again.barred_reviewers) == ("it is a line of a song", ("simulated-nl-1",))
    flow.topics.produce(VERDICTS, [verdict(again, "simulated-nl-1", "allow"), verdict(again, "simulated-nl-2", "allow")])
    restored = decision_of(flow, "judged", 2)
    assert (restored.action, restored.supersedes) == (Action.RESTORE, removed.decision_id)
    done = Enforcement(decision_id=restored.decision_id, post_id="judged", action=restored.action, applied_at=restored.decided_at)
    flow.topics.produce(ENFORCEMENTS, [keyed("judged", done)])
    notices = [decoder(Notice)(message.value) for message in flow.topics.read_all(NOTICES, lambda found: len(of(found, "judged")) == 6)]
    kinds = [notice.kind.value for notice in notices if notice.post_id == "judged"]
    assert kinds == ["restricted", "restricted", "receipt", "verdict_refused", "restored", "outcome"]


def keyed(post_id: str, record: Record) -> Outgoing:
    return Outgoing(post_id.encode(), encode(record))


def verdict(task: ReviewTask, reviewer: str, outcome: str) -> Outgoing:
    given = Verdict(
        verdict_id=f"{task.task_id}-{reviewer}", task_id=task.task_id, post_id=task.post.post_id, revision=task.post.revision,
        reviewer=reviewer, outcome=Outcome(outcome), decided_at=task.created_at, context_digest=task.context.digest,
    )  # fmt: skip
    return keyed(task.post.post_id, given)


def of(messages: list[Message], post_id: str) -> list[Message]:
    return [message for message in messages if message.key == post_id.encode()]


def tasks_of(messages: list[Message], post_id: str) -> list[ReviewTask]:
    return [decode_task(message.value) for message in of(messages, post_id)]


def decision_of(flow: Flow, post_id: str, sequence: int) -> Decision:
    def there(messages: list[Message]) -> bool:
        return any(each.sequence == sequence for each in map(decoder(Decision), (message.value for message in of(messages, post_id))))

    found = [decoder(Decision)(message.value) for message in of(flow.topics.read_all(DECISIONS, there), post_id)]
    return next(each for each in found if each.sequence == sequence)


def test_headers_say_what_a_record_is_and_carry_the_trace(flow: Flow) -> None:
    flow.topics.produce(POSTS_INCOMING, [outgoing("traced", "traced", THREAT, headers=((TRACEPARENT, TRACE),))])
    kinds = (POSTS_LANGUAGE, b"language-post"), (POSTS_SCORED, b"scored-post"), (DECISIONS, b"decision"), (ENGLISH, b"review-task")
    for (topic, kind), stage in zip(kinds, STAGES, strict=True):
        key = "traced"  # of the conversation or of the post: the same here
        message = next(each for each in flow.topics.read_all(topic, has_all({key})) if each.key == key.encode())
        assert message.header(TRACEPARENT) == TRACE
        assert message.header(CE_TYPE) == b"sluice." + kind + b".v1"
        assert message.header(CE_SOURCE) == f"sluice/{stage}".encode()
        assert message.header(CE_TIME)
        if topic is DECISIONS:
            assert message.header(CE_ID) == decoder(Decision)(message.value).decision_id.encode()


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_producers_may_compress_as_they_like(flow: Flow, codec: str) -> None:
    producer = Producer({"bootstrap.servers": flow.address, "compression.type": codec, "linger.ms": 50})
    for number in range(50):
        post = outgoing(f"{codec}-{number}", codec)
        producer.produce(flow.topics.name(POSTS_INCOMING), post.value, post.key)
    assert producer.flush(30) == 0
    flow.topics.read_all(DECISIONS, has_all({f"{codec}-{number}" for number in range(50)}))


def test_the_stages_say_how_they_are(flow: Flow) -> None:
    flow.topics.produce(POSTS_INCOMING, [outgoing("counted", "counted")])
    flow.topics.read_all(DECISIONS, has_all({"counted"}))
    addresses = flow.worker.addresses()
    assert set(addresses) == set(STAGES)
    for stage, address in addresses.items():
        status, report = fetch(f"{address}/healthz")
        assert (status, f'"stage": "{stage}"' in report) == (200, True), report
        status, text = fetch(f"{address}/metrics")
        assert status == 200
        check_metrics(text)
        assert f'sluice_posts_total{{result="ok",stage="{stage}"}}' in text
        assert fetch(f"{address}/elsewhere")[0] == 404
    assert "sluice_decisions_total{" in fetch(f"{addresses['routing']}/metrics")[1]


def test_no_post_became_a_dead_letter_here(flow: Flow) -> None:
    keys = {message.key for message in flow.topics.read_all(DEAD_LETTERS)}
    assert not {key for key in keys if key and key.startswith((b"talk-", b"orphan", b"traced", b"counted"))}
