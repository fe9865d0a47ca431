"""The one task of a post: handed on, escalated, claimed, timed out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.cases import CaseEventKind, Purpose
from schemas.people import CannotJudge, Notice, NoticeKind, Outcome, TaskEvent, TaskEventKind
from schemas.records import Action, Automation, Decision, Reason, ReviewTask
from tests.pipeline.cases.world import DAY, HOUR, MINUTE, World, case_event, only


@pytest.fixture
def world() -> World:
    return World()


def test_who_cannot_judge_hands_it_to_another_person(world: World) -> None:
    world.routed(case_event("p"))
    made = world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    task = only(made, ReviewTask)
    assert "anna" in task.barred_reviewers
    assert only(made, TaskEvent).kind is TaskEventKind.MOVED
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Notice).kind is NoticeKind.VERDICT_REFUSED


def test_a_task_leaves_a_region_where_nobody_is_left_who_may_decide_it(world: World) -> None:
    event = case_event("p")
    world.routed(replace(event, post=replace(event.post, market="BE")))
    for reviewer in ("bram", "cleo"):
        assert world.task("p").region == "flemish"
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    assert world.task("p").region == "dutch"  # dave is left in the Flemish region, who does not speak it; here is anna, who does


def test_an_escalation_goes_to_the_named_queue_and_outlives_the_author_s_deletion(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    made = world.verdict("p", "anna", Outcome.ESCALATE)
    task = only(made, ReviewTask)
    assert (task.queue, task.region, task.due_at - task.created_at) == ("threat-to-life", "emergency", HOUR)
    assert only(made, Decision).action is Action.LIMIT
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    state = world.shard.state("p")
    assert state and state.deleted and state.task and state.task.purpose is Purpose.QUEUE
    assert only(world.verdict("p", "bram", Outcome.REMOVE), Decision).revision == 2


def test_a_graver_suspicion_under_an_act_of_the_machine_is_what_its_task_is_about(world: World) -> None:
    """The machine has removed the post for something mild; that holds, and the task names what is grave first."""
    reasons = (
        Reason(rule="remove", label="toxic", probability=0.99, threshold=0.95),
        Reason(rule="look", label="threat", probability=0.5, threshold=0.3),
    )
    event = case_event("p", action=Action.REMOVE, pending=True, automation=Automation.PARTIAL, reasons=reasons)
    made = world.routed(event)
    assert (only(made, ReviewTask).labels, only(made, Notice).labels) == (("threat", "toxic"), ("toxic",))
    escalated = world.verdict("p", "anna", Outcome.ESCALATE)
    assert only(escalated, ReviewTask).queue == "threat-to-life"
    assert not [record for record in escalated if isinstance(record, Decision)]  # it is removed already
    allowed = only(world.verdict("p", "bram", Outcome.ALLOW), Decision)
    assert (allowed.action, allowed.supersedes) == (Action.RESTORE, event.proposal.decision_id)


def test_a_deletion_ends_what_waits_for_people(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p")
    made = world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert only(made, TaskEvent).kind is TaskEventKind.WITHDRAWN
    assert only(made, Notice).reason == "the author has deleted the post"
    assert not world.tasks()


def test_a_task_that_nobody_answers_in_time_goes_to_the_next_region_with_a_higher_priority(world: World) -> None:
    first = only(world.routed(case_event("p")), ReviewTask)
    made = world.pass_time(3 * DAY)
    second = only(made, ReviewTask)
    assert (first.region, second.region, second.attempt) == ("dutch", "flemish", 2)
    assert second.priority > first.priority
    assert list(world.tasks()) == [second.task_id]


def test_a_claim_keeps_others_out_until_it_runs_out(world: World) -> None:
    world.routed(case_event("p"))
    world.claim("p", "anna")
    assert only(world.verdict("p", "bram", Outcome.ALLOW), Notice).reason == "another reviewer has claimed the task"
    released = only(world.pass_time(HOUR), TaskEvent)
    assert (released.kind, released.reviewer) == (TaskEventKind.RELEASED, "anna")
    assert only(world.verdict("p", "bram", Outcome.ALLOW), Decision).action is Action.ALLOW


def test_what_lies_before_a_reviewer_is_not_taken_away_when_it_is_due_but_not_kept_for_ever_either(world: World) -> None:
    task = only(world.routed(case_event("p")), ReviewTask)
    claim, soon = 30 * MINUTE, 10 * MINUTE
    world.pass_time(task.due_at - world.now - soon)
    world.claim("p", "anna")
    assert not world.pass_time(2 * soon)
    world.claim("p", "anna")  # prolongs nothing any more
    made = world.pass_time(claim - 2 * soon)
    assert [(event.kind, event.reviewer) for event in made if isinstance(event, TaskEvent)] == [
        (TaskEventKind.RELEASED, "anna"), (TaskEventKind.MOVED, None),
    ]  # fmt: skip
    assert only(made, ReviewTask).attempt == 2


def test_a_verdict_on_a_claimed_task_that_is_overdue_counts(world: World) -> None:
    task = only(world.routed(case_event("p")), ReviewTask)
    world.pass_time(task.due_at - world.now - 10 * MINUTE)
    world.claim("p", "anna")
    world.pass_time(20 * MINUTE)
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.ALLOW


@pytest.mark.parametrize("reviewer", ["stranger", "cleo"], ids=["not on the roster", "second"])
def test_a_claim_that_does_not_count_is_given_back(world: World, reviewer: str) -> None:
    world.routed(case_event("p"))
    world.claim("p", "anna")
    released = only(world.claim("p", reviewer), TaskEvent)
    assert (released.kind, released.reviewer, released.reason) == (TaskEventKind.RELEASED, reviewer, "the claim does not count")
    state = world.shard.state("p")
    assert state and state.task and state.task.claimed_by == "anna"
