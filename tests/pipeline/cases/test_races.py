"""What is faster than what it is about, and what comes while people look."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.cases.facts import Expired
from pipeline.cases.reports import ENOUGH
from pipeline.cases.rules import Event
from pipeline.cases.waiting import NO_DECISION
from schemas.cases import CaseEventKind, Purpose
from schemas.people import Appellant, Channel, Enforcement, Notice, NoticeKind, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import Action, Automation, Decision, Post, PostKind, ReviewTask
from schemas.topics import ENFORCEMENTS, TASK_EVENTS, VERDICTS
from tests.pipeline.cases.world import DAY, HOUR, NOW, POLICY, World, case_event, edited, only, rules

CLAIM = TaskEvent(event_id="t", task_id="another", post_id="p", kind=TaskEventKind.CLAIMED, at=NOW, reviewer="anna")


@pytest.fixture
def world() -> World:
    return World()


def copy(revision: int = 1) -> Post:
    return Post(
        post_id="p", revision=revision, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL", created_at=NOW,
        text="t",
    )  # fmt: skip


def test_what_the_machine_removed_counts_though_a_copy_was_faster(world: World) -> None:
    world.report("p", post_snapshot=copy(), language="nl")
    made = world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    assert only(made, Notice).kind is NoticeKind.RESTRICTED
    state = world.shard.state("p")
    assert state and state.task and state.task.purpose is Purpose.REPORT
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.RESTORE


@pytest.mark.parametrize("again", [False, True])
def test_a_confirmation_between_a_copy_and_its_post_is_not_lost(world: World, again: bool) -> None:
    event = case_event("p", action=Action.REMOVE, automation=Automation.FULL)
    done = Enforcement(decision_id=event.proposal.decision_id, post_id="p", action=Action.REMOVE, applied_at=NOW)
    world.report("p", post_snapshot=copy(), language="nl")
    world.send(ENFORCEMENTS.name, done)
    world.claim("p", "anna")
    world.restart()
    world.routed(event)
    if again:
        world.send(ENFORCEMENTS.name, done)
    world.pass_time(2 * HOUR)
    assert not world.shard.overdue and not [fact for fact in world.facts if isinstance(fact, Expired)]


@pytest.mark.parametrize("first", ["the copy", "the appeal"])
def test_an_appeal_between_a_copy_and_its_post_is_heard(world: World, first: str) -> None:
    event = case_event("p", action=Action.REMOVE, automation=Automation.FULL)
    for appeals in (first == "the appeal", first == "the copy"):
        if appeals:
            assert world.appeal("p", event.proposal.decision_id, appeal_id="a") == []
        else:
            world.report("p", post_snapshot=copy(), language="nl")
    world.restart()
    made = world.routed(event)
    assert {(one.kind, one.about) for one in made if isinstance(one, Notice)} == {(NoticeKind.RESTRICTED, None), (NoticeKind.RECEIPT, "a")}
    state = world.shard.state("p")
    assert state and state.appeal and state.task and state.task.purpose is Purpose.APPEAL


def test_an_appeal_against_what_nobody_has_decided_is_refused_after_a_day(world: World) -> None:
    world.report("p", post_snapshot=copy(), language="nl")
    world.appeal("p", "unknown", appeal_id="a")
    refused = next(one for one in world.pass_time(DAY + HOUR) if isinstance(one, Notice))
    assert (refused.kind, refused.about, refused.reason) == (NoticeKind.REFUSED, "a", NO_DECISION)


def test_a_confirmation_that_found_nothing_counts_when_it_comes_again(world: World) -> None:
    event, ahead = edited(2, action=Action.REMOVE), World()
    ahead.routed(case_event("p"))
    done = Enforcement(decision_id=only(ahead.routed(event), Decision).decision_id, post_id="p", action=Action.REMOVE, applied_at=NOW)
    world.routed(case_event("p"))
    assert world.send(ENFORCEMENTS.name, done) == []
    world.routed(event)
    world.send(ENFORCEMENTS.name, done)
    world.pass_time(2 * HOUR)
    assert not world.shard.overdue


@pytest.mark.parametrize("forged", ["an edit", "an erasure"])
def test_who_may_write_task_events_suppresses_nothing_that_others_write(world: World, forged: str) -> None:
    world.routed(case_event("p"))
    change = edited(2)
    name = change.event_id if forged == "an edit" else "erasure:e"
    world.send(TASK_EVENTS.name, replace(CLAIM, task_id=world.task("p").task_id, event_id=name))
    if forged == "an edit":
        assert only(world.routed(change), Decision).revision == 2
    else:
        world.erase("p", "e")
        assert "p" not in world.files


@pytest.mark.parametrize("something_waits", [False, True])
def test_events_that_change_nothing_take_no_place_of_those_that_did(world: World, something_waits: bool) -> None:
    event = case_event("p")
    world.routed(event)
    if something_waits:
        world.report("p", post_snapshot=copy(2))
    for number in range(100):
        world.send(TASK_EVENTS.name, replace(CLAIM, event_id=f"noise-{number}"))
    state = world.shard.state("p")
    assert state and state.applied == (event.event_id, *(["report:r1"] if something_waits else []))


@pytest.mark.parametrize("revision", [1, 2])
def test_what_is_decided_is_newer_than_what_the_platform_had_when_a_copy_was_sent(world: World, revision: int) -> None:
    kind = CaseEventKind.OPENED if revision == 1 else CaseEventKind.EDITED
    world.report("p", post_snapshot=copy(revision), language="nl", sequence=3)
    world.routed(case_event("p", revision, kind, action=Action.ALLOW, audit=revision == 1))
    world.verdict("p", "anna", Outcome.REMOVE)
    assert [decision.sequence for decision in world.decisions("p")] == ([4] if revision == 1 else [4, 5])


def test_an_edit_is_decided_though_a_copy_of_it_was_faster(world: World) -> None:
    world.report("p", post_snapshot=copy(2), language="nl", sequence=0)
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.REMOVE, automation=Automation.FULL))
    decision = only(made, Decision)
    assert (decision.revision, decision.sequence, decision.action) == (2, 1, Action.REMOVE)
    assert world.task("p").context.digest == world.files["p"].context.digest


def test_an_edit_that_the_machine_allows_does_not_leave_a_reporter_without_an_answer(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p")
    world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW))
    state = world.shard.state("p")
    assert state and state.task and state.task.purpose is Purpose.REPORT
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Notice).kind is NoticeKind.OUTCOME


def test_the_author_s_deletion_ends_a_queue_but_no_appeal_in_it() -> None:
    queue = POLICY.queues["threat-to-life"].model_copy(update={"keeps_deleted": False})
    world = World(rules(policy=POLICY.model_copy(update={"queues": {"threat-to-life": queue}})))
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    world.appeal("p")
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert NoticeKind.OUTCOME in {made.kind for made in world.verdict("p", "bram", Outcome.ALLOW) if isinstance(made, Notice)}


def test_a_post_that_comes_back_is_no_longer_deleted(world: World) -> None:
    world.routed(case_event("p"))
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    world.routed(case_event("p", 3, CaseEventKind.EDITED, action=Action.LIMIT, automation=Automation.FULL, pending=False))
    only(world.report("p", channel=Channel.TRUSTED_FLAGGER), ReviewTask)


def test_those_who_have_their_answer_do_not_keep_others_from_reporting(world: World) -> None:
    world.routed(case_event("p"))
    for number in range(100):
        world.report("p", f"key-{number}")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW, pending=False, automation=Automation.FULL))
    assert only(world.report("p", "new"), Notice).kind is NoticeKind.RECEIPT
    state = world.shard.state("p")
    assert state and len(state.reporters) == 101


def test_a_flagger_costs_nobody_an_answer(world: World) -> None:
    world.routed(case_event("p"))
    for number in range(101):
        world.report("p", f"key-{number}")
    assert [notice.reason for notice in world.notices() if notice.kind is NoticeKind.REFUSED] == [ENOUGH]
    world.report("p", "flagger", Channel.TRUSTED_FLAGGER)
    told = {notice.reporter_key for notice in world.verdict("p", "anna", Outcome.ALLOW) if isinstance(notice, Notice)}
    assert told == {*(f"key-{number}" for number in range(100)), "flagger"}


def test_a_reporter_who_appeals_and_reports_again_still_gets_the_outcome_of_the_appeal(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r", appeal_id="a")
    world.report("p", report_id="r2")
    made = world.verdict("p", "bram", Outcome.ALLOW)
    assert {(notice.about, notice.reporter_key) for notice in made if isinstance(notice, Notice)} == {("a", "key-1"), ("r2", "key-1")}


def test_a_task_whose_queue_a_newer_policy_lacks_goes_where_others_go() -> None:
    world = World()
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    threat = POLICY.labels["threat"].model_copy(update={"queue": None})
    world.rules = rules(policy=POLICY.model_copy(update={"queues": {}, "labels": {**POLICY.labels, "threat": threat}}))
    world.restart()
    assert only(world.pass_time(2 * HOUR), ReviewTask).region == "dutch"
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert not world.tasks()


def test_an_audit_has_the_priority_of_any_other_task(world: World) -> None:
    audit = only(world.routed(replace(case_event("p", audit=True), weight=3)), ReviewTask)
    review = only(world.routed(replace(case_event("q"), weight=3)), ReviewTask)
    assert (audit.priority, audit.due_at) == (review.priority, review.due_at)


def test_a_verdict_that_was_given_in_time_counts_though_it_is_read_late(world: World) -> None:
    """The stage was away over the deadline: what was said before it is read after it, and still comes first."""
    task = only(world.routed(case_event("p")), ReviewTask)
    given = Verdict(
        verdict_id="v", task_id=task.task_id, post_id="p", revision=1, reviewer="anna", outcome=Outcome.REMOVE, decided_at=NOW,
        context_digest=task.context.digest,
    )  # fmt: skip
    changes = world.shard.step([Event(VERDICTS.name, given, task.due_at - HOUR)], world, task.due_at + HOUR)
    assert only([output.record for output in changes.outputs], Decision).action is Action.REMOVE


def test_what_its_author_deleted_need_not_be_carried_out_any_more(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    world.pass_time(DAY)
    assert not world.shard.overdue


@pytest.mark.parametrize("first", ["the author wins", "the author deletes it"])
def test_who_was_proven_right_is_waited_for_though_they_delete_the_post(world: World, first: str) -> None:
    """What followed for the account is to be undone, too."""
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.enforce("p")
    world.appeal("p")
    if first == "the author wins":
        world.verdict("p", "anna", Outcome.ALLOW)
        world.routed(case_event("p", 2, CaseEventKind.DELETED))
    else:
        world.routed(case_event("p", 2, CaseEventKind.DELETED))
        assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).kind is PostKind.DELETED
    world.pass_time(DAY)
    assert world.shard.overdue == {"p"}
    world.enforce("p")
    assert not world.shard.overdue


@pytest.mark.parametrize("by_person", [True, False])
def test_a_post_that_comes_back_is_to_be_restricted_again(world: World, by_person: bool) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL, pending=False, audit=by_person))
    if by_person:
        world.verdict("p", "anna", Outcome.REMOVE)
    world.enforce("p")
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    world.routed(edited(3) if by_person else edited(3, action=Action.REMOVE))
    world.pass_time(DAY)
    assert world.shard.overdue == {"p"}
