"""What comes while people look, and how a task and its reasons carry on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.cases import CaseEventKind
from schemas.people import Appellant, CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, Reason, ReviewTask, Unassessed
from tests.pipeline.cases.world import DAY, HOUR, MINUTE, World, case_event, edited, only


@pytest.fixture
def world() -> World:
    return World()


# Age, urgency, and what is published ---------------------------------------------------------------------------------


def test_a_task_that_is_issued_anew_keeps_its_age_its_time_and_its_attempts(world: World) -> None:
    world.routed(case_event("p"))
    world.pass_time(5 * DAY)
    before = world.task("p")
    again = only(world.report("p", "f", Channel.TRUSTED_FLAGGER), ReviewTask)
    assert again.attempt == before.attempt > 1
    assert again.due_at <= before.due_at
    assert again.priority >= before.priority + 10


def test_an_author_who_keeps_editing_does_not_put_off_the_deadline(world: World) -> None:
    due = only(world.routed(case_event("p", label="threat")), ReviewTask).due_at
    for revision in range(2, 30):
        world.pass_time(5 * MINUTE)
        assert only(world.routed(case_event("p", revision, CaseEventKind.EDITED, label="threat")), ReviewTask).due_at <= due


def test_reports_make_an_open_task_more_urgent_and_say_what_was_reported(world: World) -> None:
    first = only(world.routed(case_event("p")), ReviewTask)
    made = world.report("p", label="threat")
    assert only(made, ReviewTask).labels == ("toxic", "threat")
    assert only(made, ReviewTask).priority > first.priority
    world.claim("p", "anna")
    assert not [record for record in world.report("p", "f", Channel.AUTHORITY) if isinstance(record, ReviewTask)]


def test_a_verdict_that_only_agrees_with_what_holds_publishes_nothing(world: World) -> None:
    world.routed(case_event("p", audit=True, action=Action.REMOVE))
    made = world.verdict("p", "dave", Outcome.REMOVE)
    assert not [record for record in made if isinstance(record, Decision)]
    assert not [record for record in world.verdict("p", "anna", Outcome.REMOVE) if isinstance(record, Decision)]
    assert world.shard.audits == {("nl", "toxic"): (1, 0)}


def test_what_a_person_found_is_the_reason_that_is_carried_over_edits(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.verdict("p", "anna", Outcome.REMOVE, label="threat")
    for revision in (2, 3):
        carried = only(world.routed(edited(revision)), Decision)
        assert (carried.action, carried.reasons[0].label) == (Action.REMOVE, "threat")
    assert world.task("p").labels[0] == "threat"


def test_a_report_that_was_answered_is_not_the_source_of_a_later_decision(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", "f", Channel.TRUSTED_FLAGGER)
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).source_type == "SOURCE_TRUSTED_FLAGGER"
    world.routed(case_event("p", 2, CaseEventKind.EDITED))
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Decision).source_type == "SOURCE_VOLUNTARY"


def test_a_machine_s_proposal_that_people_look_at_is_not_called_fully_automated(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p")
    made = only(world.routed(edited(2, action=Action.REMOVE)), Decision)
    assert (made.pending, made.automation) == (True, Automation.PARTIAL)


def test_a_queue_is_due_in_an_hour_however_often_the_author_edits(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    due = only(world.verdict("p", "anna", Outcome.ESCALATE), ReviewTask).due_at
    assert due == world.now + HOUR
    world.pass_time(55 * MINUTE)
    assert only(world.routed(case_event("p", 2, CaseEventKind.EDITED, label="threat")), ReviewTask).due_at == due


# What comes while somebody works on it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["an allow", "the claim runs out"])
def test_what_is_graver_and_comes_during_a_claim_is_asked_again(world: World, ending: str) -> None:
    world.routed(case_event("p", label="toxic"))
    world.claim("p", "anna")
    assert not [made for made in world.report("p", label="threat") if isinstance(made, ReviewTask)]
    if ending == "an allow":
        made = world.verdict("p", "anna", Outcome.ALLOW)
        assert only(made, Notice).kind is NoticeKind.VERDICT_STALE
    else:
        made = world.pass_time(DAY / 24)
    assert only(made, ReviewTask).labels == ("toxic", "threat")
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.ALLOW


@pytest.mark.parametrize("by_machine", [False, True], ids=["allowed", "limited by the machine"])
def test_a_limit_holds_until_somebody_has_looked_at_what_is_graver_and_came_during_the_claim(world: World, by_machine: bool) -> None:
    world.routed(case_event("p", label="toxic", pending=True, action=Action.LIMIT if by_machine else Action.ALLOW))
    world.claim("p", "anna")
    world.report("p", "flagger", Channel.TRUSTED_FLAGGER, label="threat")
    made = world.verdict("p", "anna", Outcome.LIMIT, label="toxic")
    decided, again = only(made, Decision), only(made, ReviewTask)
    assert (decided.action, decided.pending, decided.automation, decided.reasons[0].label) == (Action.LIMIT, True, Automation.NONE, "toxic")
    assert (again.labels, again.barred_reviewers) == (("toxic", "threat"), ("anna",))
    assert only(made, Notice).kind is NoticeKind.RESTRICTED  # who reported is not answered yet
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    told = world.verdict("p", "bram", Outcome.REMOVE, label="threat")
    assert only(told, Decision).reasons[0].label == "threat"
    assert [notice.reporter_key for notice in told if isinstance(notice, Notice)] == ["flagger"]


def test_who_names_what_is_graver_has_seen_it(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.claim("p", "anna")
    world.report("p", label="threat")
    made = world.verdict("p", "anna", Outcome.LIMIT, label="threat")
    assert not only(made, Decision).pending and not world.tasks()


def test_two_who_only_limit_do_not_close_what_is_graver_unseen(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.verdict("p", "dave", Outcome.REMOVE)
    world.claim("p", "cleo")
    world.report("p", "victim", label="threat")
    again = only(world.verdict("p", "cleo", Outcome.REMOVE, shown=False), ReviewTask)
    assert again.labels == ("toxic", "threat")
    assert only(world.verdict("p", "anna", Outcome.REMOVE, label="threat"), Decision).action is Action.REMOVE


def test_nor_does_a_limit_lift_a_removal_with_what_is_graver_unseen(world: World) -> None:
    world.routed(case_event("p", label="toxic", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    world.claim("p", "anna")
    world.report("p", label="threat", channel=Channel.TRUSTED_FLAGGER)
    made = world.verdict("p", "anna", Outcome.LIMIT, label="toxic")
    assert only(made, Notice).kind is NoticeKind.VERDICT_STALE
    assert only(made, ReviewTask).labels == ("toxic", "threat")
    assert only(world.verdict("p", "anna", Outcome.LIMIT, label="toxic"), Decision).action is Action.LIMIT


def test_a_removal_during_a_claim_counts_whatever_was_reported_meanwhile(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.claim("p", "anna")
    world.report("p", label="threat")
    assert only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision).action is Action.REMOVE


def test_a_verdict_without_a_label_is_for_what_its_task_named_not_for_what_was_reported_since(world: World) -> None:
    world.routed(replace(case_event("p", reasons=(Reason(rule="unassessed"),), unassessed=(Unassessed.MEDIA,)), stratum=None))
    assert world.task("p").labels == ()
    world.claim("p", "anna")
    world.report("p", label="threat")
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Notice).reason == "a restriction needs a label"
    assert only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision).reasons[0].label == "toxic"


# Appeals after edits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", Appellant)
def test_who_decided_the_revision_before_does_not_answer_the_appeal(world: World, by: Appellant) -> None:
    restricts = by is Appellant.AUTHOR
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.LIMIT if restricts else Outcome.ALLOW)
    action = Action.LIMIT if restricts else Action.ALLOW
    world.routed(case_event("p", 2, CaseEventKind.EDITED, action=action, automation=Automation.FULL, pending=False))
    assert "anna" in only(world.appeal("p", by=by, report_id="r"), ReviewTask).barred_reviewers


def test_nor_after_an_erasure(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "cleo", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    world.verdict("p", "anna", Outcome.REMOVE)
    world.erase("p")
    world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW, automation=Automation.FULL, pending=False))
    assert {"anna", "cleo"} <= set(only(world.appeal("p"), ReviewTask).barred_reviewers)


def test_many_edits_take_neither_the_reporter_s_appeal_nor_the_author_s(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    told = only(world.verdict("p", "anna", Outcome.ALLOW), Decision).decision_id
    for revision in range(2, 30):
        world.routed(case_event("p", revision, CaseEventKind.EDITED, action=Action.ALLOW, automation=Automation.FULL, pending=False))
    assert only(world.appeal("p", told, by=Appellant.REPORTER, report_id="r"), ReviewTask)
    world.verdict("p", "bram", Outcome.ALLOW)

    world.routed(case_event("q", action=Action.ALLOW))
    world.routed(case_event("q", 2, CaseEventKind.EDITED, action=Action.LIMIT))
    world.appeal("q")
    for revision in range(3, 30):
        world.routed(case_event("q", revision, CaseEventKind.EDITED, action=Action.LIMIT))
    made = world.verdict("q", "anna", Outcome.REMOVE)
    assert only([one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.RESTRICTED], Notice).appeal_until is not None


def test_a_deletion_does_not_end_what_an_authority_reported_for_a_queue(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", "police", Channel.AUTHORITY, label="threat")
    assert not [made for made in world.routed(case_event("p", 2, CaseEventKind.DELETED)) if isinstance(made, Notice)]
    made = world.verdict("p", "anna", Outcome.ALLOW)
    assert [notice.reporter_key for notice in made if isinstance(notice, Notice) and notice.kind is NoticeKind.OUTCOME] == ["police"]
