"""What is published for a post: ids, fields, topics."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.ids import case_id, decision_id
from pipeline.routing.context import Conversations, Snapshot, alone
from pipeline.routing.decide import Sight, cause_of, decide
from pipeline.routing.highlights import Explanation, unexplained
from pipeline.stage import Incoming, Output
from schemas import wire
from schemas.cases import CaseEvent, CaseEventKind
from schemas.records import Action, Automation, Decision, Media, PostKind, ScoredPost, Unassessed
from schemas.topics import MAX_MESSAGE_BYTES
from tests.pipeline.routing.posts import NOW, POLICY, house, post, scored, stage


def decided(one: ScoredPost) -> list[Output]:
    def show() -> Snapshot:
        return alone(one.post)

    return decide(one, POLICY, Sight(show, unexplained), NOW)


def incoming(one: ScoredPost) -> Incoming[ScoredPost]:
    return Incoming(one, NOW)


def records(outputs: list[Output]) -> tuple[Decision, CaseEvent]:
    decision, case = (output.record for output in outputs)
    assert isinstance(decision, Decision)
    assert isinstance(case, CaseEvent)
    return decision, case


def test_what_is_allowed_is_one_decision() -> None:
    def not_called() -> Snapshot:
        raise AssertionError("nobody looks, so no conversation is wanted")

    def never(_scored: ScoredPost, _labels: tuple[str, ...]) -> Explanation:
        raise AssertionError("nobody looks, so no words are wanted")

    one = scored(post(market="NL"), tag="nl")
    outputs = decide(one, POLICY, Sight(not_called, never), NOW)
    assert [output.topic.name for output in outputs] == ["moderation.decisions.v1"]
    assert outputs[0].record == Decision(
        decision_id=decision_id("p", 1, 0, "house@7 tiny@1"),
        post_id="p",
        revision=1,
        sequence=0,
        kind=PostKind.CREATED,
        cause="house@7 tiny@1",
        action=Action.ALLOW,
        automation=Automation.FULL,
        language="nl",
        market="NL",
        policy_version="house@7",
        model_version="tiny@1",
        content_type="CONTENT_TYPE_TEXT",
        content_date=one.post.created_at,
        source_type="SOURCE_VOLUNTARY",
        received_at=one.received_at,
        decided_at=NOW,
        content_types=("CONTENT_TYPE_TEXT",),
    )


def test_what_people_decide_is_a_decision_and_opens_a_case() -> None:
    one = scored(post(reach=99, parent_id="q", media=(Media(type="image/png", url="https://media.example/1"),)), scores={"threat": 0.4})
    outputs = decided(one)
    assert [output.topic.name for output in outputs] == ["moderation.decisions.v1", "moderation.cases.v1"]
    decision, case = records(outputs)
    assert (decision.action, decision.pending, decision.automation) == (Action.LIMIT, True, Automation.PARTIAL)
    assert (decision.ground, decision.clause, decision.category) == ("law", "2.1 Threats", "STATEMENT_CATEGORY_VIOLENCE")
    assert decision.content_types == ("CONTENT_TYPE_IMAGE", "CONTENT_TYPE_TEXT")
    assert (case.event_id, case.proposal, decision.case_id) == (decision.decision_id, decision, case_id("p"))
    assert (case.kind, case.weight, case.stratum, case.audit) == (CaseEventKind.OPENED, 90, "threat", False)
    assert (case.post.text, case.post.media, case.post.reach, case.post.parent_id) == ("text of p", one.post.media, 99, "q")


def test_an_edit_is_only_proposed() -> None:
    outputs = decided(scored(post(kind=PostKind.EDITED, revision=2), scores={"toxic": 0.97}))
    (case,) = (output.record for output in outputs)
    assert isinstance(case, CaseEvent)
    assert (case.kind, case.proposal.action, case.proposal.sequence) == (CaseEventKind.EDITED, Action.REMOVE, 0)


def test_a_post_that_is_created_with_a_later_revision_is_an_edit() -> None:
    (case,) = (output.record for output in decided(scored(post(revision=2), scores={"toxic": 0.97})))
    assert isinstance(case, CaseEvent)
    assert (case.kind, case.proposal.sequence) == (CaseEventKind.EDITED, 0)


def test_an_audit_weighs_what_a_suspicion_of_its_label_would() -> None:
    policy = house(audit={"seed": "s", "rules": [{"id": "all", "share": 1.0}]})
    for label, probability in (("toxic", 0.1), ("threat", 0.01)):
        one = scored(scores={label: probability})
        case = decide(one, policy, Sight(lambda one=one: alone(one.post), unexplained), NOW)[1].record  # type: ignore[misc]
        assert isinstance(case, CaseEvent)
        assert (case.audit, case.stratum, case.weight) == (True, label, policy.labels[label].severity)


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        ({"share": 1.0}, True),
        ({"share": 0.0}, False),
        ({"share": 1.0, "languages": ["nl"]}, False),
        ({"share": 1.0, "labels": ["toxic"]}, True),
        ({"share": 1.0, "actions": ["remove"]}, False),
    ],
)
def test_the_audit_draws_from_what_the_machine_decides(rule: dict[str, object], drawn: bool) -> None:
    policy = house(audit={"seed": "s", "rules": [{"id": "some", **rule}]})
    one = scored(scores={"toxic": 0.1})
    cases = [output.record for output in decide(one, policy, Sight(lambda: alone(one.post), unexplained), NOW)[1:]]
    assert [case.audit for case in cases if isinstance(case, CaseEvent)] == [True] * drawn


def test_the_audit_draws_the_share_that_it_should() -> None:
    policy = house(audit={"seed": "s", "rules": [{"id": "all", "share": 0.1}]})
    drawn = 0
    for number in range(2000):
        one = scored(post(f"p{number}"), scores={"toxic": 0.1})
        drawn += len(decide(one, policy, Sight(lambda one=one: alone(one.post), unexplained), NOW)) == 2  # type: ignore[misc]
    assert 150 < drawn < 250


def test_no_author_reaches_a_reviewer() -> None:
    earlier = [scored(post("q")), scored(post("r", parent_id="q"))]
    routed = stage(earlier).process([incoming(scored(post("p", parent_id="r"), scores={"toxic": 0.6}))], NOW)
    _, case = records(routed[0])
    assert len(case.context.thread) == 2
    assert b"author" not in wire.encode(case)


def test_a_deletion_is_passed_on() -> None:
    decision, case = records(decided(scored(post(kind=PostKind.DELETED, revision=2, text=None), unassessed=(Unassessed.NO_LANGUAGE,))))
    assert case.kind is CaseEventKind.DELETED
    assert (decision.kind, decision.revision, decision.action, decision.automation) == (PostKind.DELETED, 2, Action.ALLOW, Automation.NONE)
    assert decision.unassessed == ()


def test_the_id_can_be_computed_elsewhere() -> None:
    said = '["p",1,0,"house@7 tiny@1"]'
    assert decision_id("p", 1, 0, cause_of("house@7", "tiny@1")) == hashlib.sha256(said.encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("p", 11, 0, "c"), ("p1", 1, 0, "c")),
        (("p", 1, 10, "c"), ("p", 11, 0, "c")),
        (("p", 1, 0, "0c"), ("p", 1, 0, "c")),
        (("p", 1, 0, 'c"'), ("p", 1, 0, "c")),
        (("p", 1, 0, cause_of("a@1", "b@2")), ("p", 1, 0, cause_of("a@1", "b@22"))),
        (("p", 1, 0, cause_of("a@1", "b c")), ("p", 1, 0, cause_of("a@1", "b"))),
    ],
)
def test_different_decisions_have_different_ids(one: tuple[str, int, int, str], other: tuple[str, int, int, str]) -> None:
    assert decision_id(*one) != decision_id(*other)


def test_the_largest_case_fits_into_a_message() -> None:
    # U+0001 takes six bytes in JSON: no text grows more.
    worst, long_id = "\x01", "i" * 199
    media = tuple(Media(type=worst * 100, url=worst * 2048) for _ in range(32))
    thread = [scored(post(f"{long_id}{n % 10}"[n // 10 :], text=worst * 65536, media=media)) for n in range(50)]
    last = post("p", conversation_id="c", text=worst * 65536, media=media, parent_id=long_id)
    review = POLICY.review.model_copy(update={"context_posts": 50, "context_bytes": 16 * 1024})
    conversations = Conversations(16_000_000)
    for one in thread:
        conversations.add(one.post)
    snapshot = conversations.snapshot(last, review.context_posts, review.context_bytes)
    _, case = records(decide(scored(last, scores={"toxic": 0.6}), POLICY, Sight(lambda: snapshot, unexplained), NOW))
    assert sum(len(shown.text) for shown in case.context.thread) > 16_000
    assert len(wire.encode(case)) < MAX_MESSAGE_BYTES - 10_000


def test_a_fallback_needs_nothing_but_the_post() -> None:
    outputs = stage().fallback(incoming(scored(post("p", parent_id="q"))), NOW)
    decision, case = records(outputs)
    assert (decision.action, decision.pending, decision.unassessed) == (Action.LIMIT, True, (Unassessed.STAGE_ERROR,))
    assert (case.context.complete, case.context.thread, case.context.missing) == (False, (), ("q",))
