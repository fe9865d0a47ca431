"""Who is asked again, who never is, and that nobody loses a right by what others do."""

from __future__ import annotations

import pytest

from pipeline.cases.facts import Refused
from pipeline.cases.reports import ENOUGH, MAX_HEARD, MAX_OF_ONE
from pipeline.policy.policy import Policy, PolicySet
from schemas.cases import CaseEventKind
from schemas.people import Appellant, CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, ReviewTask
from tests.pipeline.cases.world import DAY, NOW, POLICY, World, case_event, edited, only, rules

ALL = ("anna", "bram", "cleo", "dave")


@pytest.fixture
def world() -> World:
    return World()


def told(made: list[object], kind: NoticeKind) -> Notice:
    found = [record for record in made if isinstance(record, Notice) and record.kind is kind]
    assert len(found) == 1
    return found[0]


# Another person ------------------------------------------------------------------------------------------------------


def test_an_appeal_against_what_was_carried_over_an_edit_goes_to_another_person(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.routed(edited(2))
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Notice).kind is NoticeKind.VERDICT_REFUSED


def test_an_appeal_against_a_decision_before_an_edit_goes_neither_to_who_made_it_nor_to_who_made_the_next(world: World) -> None:
    world.routed(case_event("p"))
    first = only(world.verdict("p", "anna", Outcome.LIMIT), Decision)
    world.routed(edited(2))
    world.verdict("p", "bram", Outcome.LIMIT)
    assert set(only(world.appeal("p", first.decision_id), ReviewTask).barred_reviewers) == {"anna", "bram"}


@pytest.mark.parametrize("carried", [False, True])
def test_nor_does_who_made_it_where_others_have_undone_it_since(world: World, carried: bool) -> None:
    world.routed(case_event("p"))
    against = only(world.verdict("p", "anna", Outcome.LIMIT), Decision)
    again = only(world.routed(edited(2)), Decision)
    world.verdict("p", "bram", Outcome.ALLOW)
    world.routed(edited(3, action=Action.LIMIT))
    asked = only(world.appeal("p", (again if carried else against).decision_id), ReviewTask)
    assert set(asked.barred_reviewers) == {"anna", "bram"}


@pytest.mark.parametrize("named", ["what they were told", "what stands"])
def test_nor_does_who_told_a_reporter_that_nothing_is_done(world: World, named: str) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    told_them = only(world.verdict("p", "anna", Outcome.ALLOW), Decision)
    world.routed(case_event("p", 2, CaseEventKind.EDITED))
    stands = only(world.verdict("p", "bram", Outcome.ALLOW), Decision)
    against = told_them if named == "what they were told" else stands
    asked = only(world.appeal("p", against.decision_id, by=Appellant.REPORTER, report_id="r"), ReviewTask)
    assert set(asked.barred_reviewers) == {"anna", "bram"}


@pytest.mark.parametrize("reason", [CannotJudge.CONFLICT, CannotJudge.WELLBEING])
def test_who_has_a_conflict_stays_out_of_the_case_for_good(world: World, reason: CannotJudge) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=reason)
    world.verdict("p", "bram", Outcome.REMOVE)
    assert set(only(world.appeal("p"), ReviewTask).barred_reviewers) == {"anna", "bram"}
    world.verdict("p", "cleo", Outcome.REMOVE)
    assert "anna" in only(world.routed(edited(2)), ReviewTask).barred_reviewers


def test_who_has_escalated_does_not_decide_the_appeal(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers


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


def told_that_nothing_is_done(world: World, report_id: str) -> None:
    """The first reporter, of a post that people have allowed: later reports are answered at once."""
    world.routed(case_event("p"))
    world.report("p", "honest", report_id=report_id)
    world.verdict("p", "anna", Outcome.ALLOW)


def test_a_flood_of_reports_takes_no_appeal_from_who_reported_before_and_nobody_s_voice(world: World) -> None:
    told_that_nothing_is_done(world, "first")
    for number in range(MAX_HEARD - 1):
        world.report("p", f"flood-{number}")
    refused = only(world.report("p", "late"), Notice)
    assert (refused.kind, refused.reason) == (NoticeKind.REFUSED, ENOUGH)
    assert world.facts[-1] == Refused("report", ENOUGH)
    asked = world.report("p", "later", label="threat")
    assert only(asked, Notice).kind is NoticeKind.REFUSED
    assert only(asked, ReviewTask).labels == ("toxic", "threat")
    assert only(world.report("p", "flagger", Channel.TRUSTED_FLAGGER), Notice).kind is NoticeKind.RECEIPT
    assert "anna" in only(world.appeal("p", by=Appellant.REPORTER, report_id="first"), ReviewTask).barred_reviewers


def test_who_can_appeal_no_more_makes_room_first(world: World) -> None:
    told_that_nothing_is_done(world, "first")
    world.appeal("p", by=Appellant.REPORTER, report_id="first")
    world.verdict("p", "bram", Outcome.ALLOW)
    for number in range(MAX_HEARD):
        assert told(world.report("p", f"key-{number}"), NoticeKind.RECEIPT)  # type: ignore[arg-type]
    state = world.shard.state("p")
    assert state and "first" not in {each.report_id for each in state.reporters}


@pytest.mark.parametrize("reports", [1, 3])
def test_who_reports_again_keeps_the_appeal_of_the_report_before(world: World, reports: int) -> None:
    told_that_nothing_is_done(world, "first")
    for _ in range(reports):
        world.report("p", "honest", label="threat")
    assert "anna" in only(world.appeal("p", by=Appellant.REPORTER, report_id="first"), ReviewTask).barred_reviewers


def test_of_one_person_the_oldest_report_makes_room(world: World) -> None:
    told_that_nothing_is_done(world, "first")
    for _ in range(10):
        world.report("p", "honest")
    state = world.shard.state("p")
    assert state and len(state.reporters) == MAX_OF_ONE + 1


@pytest.mark.parametrize("reported_since", [False, True])
@pytest.mark.parametrize("by", Appellant)
def test_the_date_that_a_notice_named_holds_under_a_later_policy_with_a_shorter_time(by: Appellant, reported_since: bool) -> None:
    people = {"appeal_days": 60, "keep_days": 70}
    later = Policy.model_validate({**POLICY.model_dump(), "version": "later", "effective_from": NOW + 30 * DAY, "people": people})
    world = World(rules()._replace(policies=PolicySet([POLICY, later])))
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW if by is Appellant.REPORTER else Outcome.REMOVE)
    world.pass_time(40 * DAY)
    if reported_since:
        world.report("p", "another")
    world.pass_time(149 * DAY)
    assert only(world.appeal("p", by=by, report_id="r"), ReviewTask)


def test_time_to_appeal_counts_from_when_a_reporter_was_told(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", "a")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.pass_time(190 * DAY)
    outcome = told(world.report("p", "b", report_id="late"), NoticeKind.OUTCOME)  # type: ignore[arg-type]
    assert outcome.appeal_until == world.now + 190 * DAY
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
    world.routed(edited(2))
    assert only(world.appeal("p", allowed.decision_id, by=Appellant.REPORTER, report_id="r"), ReviewTask)
    world.verdict("p", "bram", Outcome.ALLOW)
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="r"), Notice).kind is NoticeKind.REFUSED


def test_what_is_graver_than_what_was_appealed_against_can_be_appealed_against(world: World) -> None:
    world.routed(case_event("p", action=Action.LIMIT))
    world.appeal("p")
    made = world.verdict("p", "anna", Outcome.REMOVE)
    assert told(made, NoticeKind.RESTRICTED).appeal_until is not None  # type: ignore[arg-type]
    assert "anna" in only(world.appeal("p"), ReviewTask).barred_reviewers
