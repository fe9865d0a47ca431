"""Who is asked again, who never is, and that nobody loses a right by what others do."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.cases.facts import Audited
from schemas.cases import CaseEventKind
from schemas.people import Appellant, CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, Language, ReviewTask
from tests.pipeline.cases.world import DAY, HOUR, MINUTE, REGIONS, World, case_event, only, rules

ALL = ("anna", "bram", "cleo", "dave")


@pytest.fixture
def world() -> World:
    return World()


def edited(revision: int, **changes: object) -> object:
    allowed = {"action": Action.ALLOW, "automation": Automation.FULL, "pending": False}
    return case_event("p", revision, CaseEventKind.EDITED, **{**allowed, **changes})  # type: ignore[arg-type]


def told(made: list[object], kind: NoticeKind) -> Notice:
    found = [record for record in made if isinstance(record, Notice) and record.kind is kind]
    assert len(found) == 1
    return found[0]


# Another person ------------------------------------------------------------------------------------------------------


def test_an_appeal_against_what_was_carried_over_an_edit_goes_to_another_person(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.routed(edited(2))  # type: ignore[arg-type]
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Notice).kind is NoticeKind.VERDICT_REFUSED


@pytest.mark.parametrize("reason", [CannotJudge.CONFLICT, CannotJudge.WELLBEING])
def test_who_has_a_conflict_stays_out_of_the_case_for_good(world: World, reason: CannotJudge) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=reason)
    world.verdict("p", "bram", Outcome.REMOVE)
    assert set(only(world.appeal("p"), ReviewTask).barred_reviewers) == {"anna", "bram"}
    world.verdict("p", "cleo", Outcome.REMOVE)
    assert "anna" in only(world.routed(edited(2)), ReviewTask).barred_reviewers  # type: ignore[arg-type]


def test_who_has_escalated_does_not_decide_the_appeal(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers


# Nobody left ---------------------------------------------------------------------------------------------------------


def test_a_task_that_no_speaker_may_decide_goes_to_others_and_is_marked(world: World) -> None:
    world.routed(case_event("p"))
    for reviewer in ("anna", "bram", "cleo"):
        assert not world.task("p").out_of_language
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    assert world.task("p").out_of_language
    assert world.task("p").region in {"english", "dutch", "flemish", "emergency"}  # where dave is


def test_a_task_that_nobody_may_decide_waits_in_one_place_until_somebody_may(world: World) -> None:
    world.routed(case_event("p"))
    for reviewer in ALL:
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    state = world.shard.state("p")
    assert state and state.task and state.task.nobody_left
    assert not world.pass_time(40 * DAY)
    assert list(world.tasks()) == [state.task.task_id]
    again = only(world.routed(case_event("p", 2, CaseEventKind.EDITED)), ReviewTask)  # another text: they may look at it
    assert again.barred_reviewers == ()


def test_a_region_where_nobody_works_gets_nothing_that_others_can_decide() -> None:
    regions = {"regions": [*REGIONS["regions"], {"name": "empty", "languages": ["nl"], "markets": ["NL"]}]}
    regions["regions"].insert(0, regions["regions"].pop())
    world = World(rules(regions))
    world.routed(case_event("p"))
    assert world.task("p").region == "empty"
    world.pass_time(3 * DAY)
    assert world.task("p").region == "dutch"
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    for _ in range(20):
        assert world.task("p").region != "empty"
        world.pass_time(DAY)


# Who can read it -----------------------------------------------------------------------------------------------------


def test_who_cannot_read_a_post_does_not_clear_it_while_somebody_can(world: World) -> None:
    world.routed(case_event("p"))
    made = world.verdict("p", "dave", Outcome.ALLOW)
    assert only(made, ReviewTask).barred_reviewers == ("dave",)
    assert not [record for record in made if isinstance(record, Decision)]
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.ALLOW


def test_where_nobody_can_read_it_a_person_still_decides_and_the_audit_does_not_count_it(world: World) -> None:
    event = case_event("p", audit=True)
    world.routed(replace(event, language=Language(tag="sv", confidence=0.99)))
    world.verdict("p", "dave", Outcome.ALLOW)
    assert not world.tasks()
    assert not [fact for fact in world.facts if isinstance(fact, Audited)]


@pytest.mark.parametrize("first", ["dave", "cleo"])
def test_two_unconfirmed_verdicts_leave_no_more_than_a_limit(world: World, first: str) -> None:
    """Also where the machine had removed the post: nobody who could decide it has confirmed that."""
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    world.verdict("p", first, Outcome.REMOVE, shown=False)
    second = {"dave": "cleo", "cleo": "dave"}[first]
    assert only(world.verdict("p", second, Outcome.REMOVE, shown=False), Decision).action is Action.LIMIT


def test_a_removal_by_a_speaker_stands_when_two_agree_who_could_not_decide_it(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.appeal("p")
    world.verdict("p", "dave", Outcome.REMOVE)
    made = world.verdict("p", "cleo", Outcome.REMOVE, shown=False)
    assert not [record for record in made if isinstance(record, Decision)]
    state = world.shard.state("p")
    assert state and state.standing and state.standing.action is Action.REMOVE


def test_what_an_escalation_s_queue_could_not_decide_in_full_goes_to_a_speaker() -> None:
    regions = {"regions": [{**region, "languages": ["en"]} if region["name"] == "emergency" else region for region in REGIONS["regions"]]}
    world = World(rules(regions))
    world.routed(case_event("p", label="threat"))
    assert only(world.verdict("p", "anna", Outcome.ESCALATE), ReviewTask).region == "emergency"
    asked = only(world.verdict("p", "dave", Outcome.REMOVE), ReviewTask)
    assert (asked.queue, asked.out_of_language) == ("threat-to-life", False)
    assert only(world.verdict("p", "bram", Outcome.REMOVE), Decision).action is Action.REMOVE


def test_a_language_that_one_person_saw_can_be_put_right_by_the_next(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "dave", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.LANGUAGE, language_seen="zu")
    world.verdict("p", "anna", Outcome.REMOVE, language_seen="nl")
    assert only(world.verdict("p", "bram", Outcome.REMOVE), Decision).action is Action.REMOVE


# What others do takes no right away -------------------------------------------------------------------------------------


def test_a_limit_by_the_machine_alone_does_not_answer_a_report(world: World) -> None:
    world.routed(case_event("p", action=Action.LIMIT, automation=Automation.FULL))
    made = world.report("p", label="threat")
    assert "threat" in only(made, ReviewTask).labels
    assert told(made, NoticeKind.RECEIPT)  # type: ignore[arg-type]


def test_what_a_person_allowed_is_looked_at_again_for_something_graver(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    assert told(world.report("p", "a", label="toxic"), NoticeKind.OUTCOME)  # type: ignore[arg-type]
    assert only(world.report("p", "b", label="threat"), ReviewTask)


def test_one_reporter_does_not_fill_the_places_of_others(world: World) -> None:
    world.routed(case_event("p"))
    kinds = [only(world.report("p", "loud"), Notice).kind for _ in range(5)]
    assert kinds == [NoticeKind.RECEIPT] * 3 + [NoticeKind.REFUSED] * 2
    assert told(world.report("p", "other"), NoticeKind.RECEIPT)  # type: ignore[arg-type]
    world.verdict("p", "anna", Outcome.ALLOW)
    assert NoticeKind.REFUSED not in {made.kind for made in world.report("p", "loud") if isinstance(made, Notice)}


def test_time_to_appeal_counts_from_when_a_reporter_was_told(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", "a")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.pass_time(190 * DAY)
    outcome = told(world.report("p", "b", report_id="late"), NoticeKind.OUTCOME)  # type: ignore[arg-type]
    assert outcome.appeal_until == world.now + 183 * DAY
    world.pass_time(100 * DAY)
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="late"), ReviewTask)


def test_a_case_is_kept_as_long_after_an_appeal_as_after_a_decision(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.pass_time(180 * DAY)
    world.appeal("p")
    world.pass_time(20 * DAY)
    world.verdict("p", "anna", Outcome.REMOVE)
    world.pass_time(199 * DAY)
    assert "p" in world.files


def test_an_edit_does_not_take_the_appeal_from_who_reported(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    allowed = only(world.verdict("p", "anna", Outcome.ALLOW), Decision)
    world.routed(edited(2))  # type: ignore[arg-type]
    assert only(world.appeal("p", allowed.decision_id, by=Appellant.REPORTER, report_id="r"), ReviewTask)
    world.verdict("p", "bram", Outcome.ALLOW)
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="r"), Notice).kind is NoticeKind.REFUSED


def test_what_is_graver_than_what_was_appealed_against_can_be_appealed_against(world: World) -> None:
    world.routed(case_event("p", action=Action.LIMIT))
    world.appeal("p")
    made = world.verdict("p", "anna", Outcome.REMOVE)
    assert told(made, NoticeKind.RESTRICTED).appeal_until is not None  # type: ignore[arg-type]
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers


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
        carried = only(world.routed(edited(revision)), Decision)  # type: ignore[arg-type]
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
    made = only(world.routed(edited(2, action=Action.REMOVE)), Decision)  # type: ignore[arg-type]
    assert (made.pending, made.automation) == (True, Automation.PARTIAL)


def test_a_queue_is_due_in_an_hour_however_often_the_author_edits(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    due = only(world.verdict("p", "anna", Outcome.ESCALATE), ReviewTask).due_at
    assert due == world.now + HOUR
    world.pass_time(55 * MINUTE)
    assert only(world.routed(case_event("p", 2, CaseEventKind.EDITED, label="threat")), ReviewTask).due_at == due
