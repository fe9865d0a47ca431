"""What holds through edits, deletions, crowds and people who may not decide it."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec.structs import replace

from pipeline.cases.reports import MAX_REPORTERS
from pipeline.statements.record import YesNo
from pipeline.statements.statement import statement_of
from schemas.cases import CaseEventKind
from schemas.people import CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, Reason, Unassessed
from tests.pipeline.cases.world import DAY, World, case_event, edited, only, post


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def removed(world: World) -> World:
    """By the machine, and carried out."""
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.enforce("p")
    return world


def test_who_may_only_limit_gives_a_removal_no_other_ground(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.verdict("p", "anna", Outcome.REMOVE, label="toxic")
    world.appeal("p")
    world.verdict("p", "dave", Outcome.LIMIT, label="threat")
    made = world.verdict("p", "cleo", Outcome.LIMIT, shown=False, label="threat")
    assert [record for record in made if isinstance(record, Decision)] == []
    assert only(made, Notice).kind is NoticeKind.OUTCOME


def test_what_nobody_is_left_to_restrict_is_not_restored_again(removed: World) -> None:
    removed.appeal("p")
    removed.verdict("p", "anna", Outcome.ALLOW)
    removed.enforce("p")
    removed.report("p", "f", Channel.TRUSTED_FLAGGER)
    for reviewer in ("bram", "cleo"):
        removed.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    made = removed.verdict("p", "dave", Outcome.REMOVE)
    assert [record.action for record in made if isinstance(record, Decision)] in ([], [Action.ALLOW])
    assert [record.kind for record in made if isinstance(record, Notice)] == [NoticeKind.OUTCOME]
    removed.pass_time(2 * DAY)
    assert not removed.shard.overdue


def test_what_an_authority_reported_outlives_an_edit_and_a_deletion(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", "police", Channel.AUTHORITY, label="threat")
    world.routed(edited(2))
    assert world.task("p").labels == ("toxic", "threat")
    world.routed(case_event("p", 3, CaseEventKind.DELETED))
    state = world.shard.state("p")
    assert state is not None
    assert state.task is not None


def test_what_was_reported_with_a_copy_stays_when_routing_comes_after(world: World) -> None:
    world.report("p", "k", label="threat", post_snapshot=post("p", "text 1"))
    world.routed(case_event("p", label="toxic"))
    assert set(world.task("p").labels) == {"toxic", "threat"}


def test_an_answered_report_says_nothing_of_a_later_text(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", "k", label="threat")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.routed(edited(2, pending=True))
    assert world.task("p").labels == ("toxic",)


@pytest.mark.parametrize("outcome", [Outcome.REMOVE, Outcome.ALLOW])
def test_who_names_a_language_that_they_do_not_speak_decides_nothing_in_full(world: World, outcome: Outcome) -> None:
    world.routed(case_event("p"))
    made = world.verdict("p", "anna", outcome, language_seen="de")
    assert not [record for record in made if isinstance(record, Decision) and not record.pending]
    assert world.task("p")


def test_a_text_that_was_never_restricted_nor_reported_is_kept_as_long_as_one(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    state = world.shard.state("p")
    assert state is not None
    assert state.keep_until == world.now + dt.timedelta(days=14)


def test_a_text_that_was_restricted_is_kept_until_nobody_can_appeal(removed: World) -> None:
    removed.appeal("p")
    removed.verdict("p", "anna", Outcome.ALLOW)
    state = removed.shard.state("p")
    assert state is not None
    assert state.keep_until is not None
    assert state.keep_until > removed.now + dt.timedelta(days=180)


@pytest.mark.parametrize("deleted_first", [False, True])
def test_a_restored_author_who_deletes_the_post_is_still_counted_until_the_platform_confirms(removed: World, deleted_first: bool) -> None:
    def delete() -> None:
        removed.routed(case_event("p", 2, CaseEventKind.DELETED))

    if deleted_first:
        delete()
    removed.appeal("p")
    removed.verdict("p", "anna", Outcome.ALLOW)
    if not deleted_first:
        delete()
    removed.pass_time(2 * DAY)
    assert set(removed.shard.overdue) == {"p"}


def test_a_removal_that_comes_back_with_its_post_is_to_be_confirmed(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.enforce("p")
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    decision = only(world.routed(edited(3)), Decision)
    state = world.shard.state("p")
    assert state is not None
    assert state.standing is not None
    assert (decision.action, state.standing.unconfirmed_since) == (Action.REMOVE, world.now)


def test_nobody_answers_the_appeal_against_their_own_decision_on_the_text_before(world: World) -> None:
    world.routed(case_event("p"))
    first = only(world.verdict("p", "anna", Outcome.LIMIT), Decision).decision_id
    world.routed(edited(2))
    world.verdict("p", "bram", Outcome.LIMIT)
    world.appeal("p", first)
    assert {"anna", "bram"} <= set(world.task("p").barred_reviewers)


def test_an_erasure_that_waits_is_over_with_the_text_that_it_was_asked_for(removed: World) -> None:
    removed.appeal("p")
    removed.erase("p")
    removed.routed(edited(2, action=Action.REMOVE, automation=Automation.FULL))
    removed.verdict("p", "anna", Outcome.REMOVE)
    state = removed.shard.state("p")
    assert state is not None
    assert (state.erased_at, state.erase_when_closed) == (None, False)
    assert removed.read("p") is not None


def test_a_crowd_that_reports_for_less_hides_nothing_graver(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    for number in range(MAX_REPORTERS):
        world.report("p", f"key-{number}", label="toxic")
    assert only(world.report("p", "another", label="threat"), Notice).kind is NoticeKind.REFUSED
    assert "threat" in world.task("p").labels


def test_a_person_who_names_no_label_decides_under_one_that_they_were_shown(world: World) -> None:
    event = case_event("p", pending=True, reasons=(Reason(rule="u"),), unassessed=(Unassessed.MEDIA,))
    world.routed(replace(event, stratum=None))
    world.claim("p", "anna")
    world.report("p", "k", label="threat")
    refused = only(world.verdict("p", "anna", Outcome.REMOVE), Notice)
    assert (refused.kind, refused.reason) == (NoticeKind.VERDICT_REFUSED, "a restriction needs a label")


def test_the_author_is_told_what_was_found_and_not_what_only_reached_a_threshold(world: World) -> None:
    found = Reason(rule="r1", label="toxic", probability=0.99, threshold=0.98)
    suspected = Reason(rule="r2", label="threat", probability=0.5, threshold=0.4)
    made = world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL, reasons=(found, suspected)))
    assert only(made, Notice).labels == ("toxic",)


@pytest.mark.parametrize(("unassessed", "detected"), [((Unassessed.STAGE_ERROR,), YesNo.NO), ((Unassessed.NO_CALIBRATION,), YesNo.YES)])
def test_a_statement_says_no_automated_detection_where_no_model_has_looked(
    world: World, unassessed: tuple[Unassessed, ...], detected: YesNo
) -> None:
    world.routed(case_event("p", pending=True, unassessed=unassessed))
    statement = statement_of(only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision))
    assert statement is not None
    assert statement.automated_detection is detected
