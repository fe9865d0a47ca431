"""Complaints and reasons: everybody is heard once, told of reversals, and told what a decision rests on."""

from __future__ import annotations

import pytest

from pipeline.cases.appeals import CHANGED, UPHELD
from pipeline.cases.outcomes import REVERSED
from schemas.cases import CaseEventKind
from schemas.people import Addressee, Appellant, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, PostKind, Reason, ReviewTask
from tests.pipeline.cases.world import DAY, ROSTER, World, case_event, edited, only, rules


@pytest.fixture
def world() -> World:
    return World()


def outcomes(made: list[object], to: Addressee) -> list[Notice]:
    return [one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.OUTCOME and one.to is to]


def test_who_reported_is_heard_though_somebody_else_was(world: World) -> None:
    """By the person who looked at the first complaint already: to ask a new one for each reporter would leave nobody."""
    world.routed(case_event("p"))
    for number in (1, 2):
        world.report("p", f"key-{number}", report_id=f"r{number}")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r1")
    world.verdict("p", "bram", Outcome.ALLOW)
    (outcome,) = outcomes(world.appeal("p", by=Appellant.REPORTER, report_id="r2"), Addressee.REPORTER)  # type: ignore[arg-type]
    assert (outcome.reporter_key, outcome.action) == ("key-2", Action.ALLOW)
    assert outcome.reason and "already" in outcome.reason
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="r2"), Notice).kind is NoticeKind.REFUSED


@pytest.mark.parametrize("outcome", [Outcome.ALLOW, Outcome.REMOVE])
def test_an_appeal_while_another_reporter_s_is_open_is_answered_by_that_outcome(world: World, outcome: Outcome) -> None:
    world.routed(case_event("p"))
    for name in ("a", "b", "c"):
        world.report("p", f"key-{name}", report_id=name)
    world.verdict("p", "anna", Outcome.ALLOW)
    world.pass_time(189 * DAY)
    world.appeal("p", by=Appellant.REPORTER, report_id="a", appeal_id="of-a", statement="what a says")
    made = world.appeal("p", by=Appellant.REPORTER, report_id="b", appeal_id="of-b")
    assert only(made, Notice).kind is NoticeKind.RECEIPT and len(made) == 1  # who works on it is not interrupted
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="b"), Notice).kind is NoticeKind.REFUSED
    world.restart()
    world.pass_time(2 * DAY)
    told = outcomes(world.verdict("p", "bram", outcome), Addressee.REPORTER)  # type: ignore[arg-type]
    about = {notice.about: (notice.reporter_key, notice.reason) for notice in told}
    reason = UPHELD if outcome is Outcome.ALLOW else CHANGED
    assert about.pop("c", None) == (None if outcome is Outcome.ALLOW else ("key-c", REVERSED))
    assert about == {"of-a": ("key-a", reason), "of-b": ("key-b", reason)}
    state = world.shard.state("p")
    assert state and state.appeal is None and not any(each.appeal_id for each in state.reporters)


def test_nor_does_who_made_the_decision_that_the_second_one_names_answer_it(world: World) -> None:
    world.routed(case_event("p"))
    for name in ("a", "b"):
        world.report("p", f"key-{name}", report_id=name)
    limited = only(world.verdict("p", "cleo", Outcome.LIMIT), Decision)
    world.routed(edited(2))
    world.verdict("p", "bram", Outcome.ALLOW)
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="a"), ReviewTask).barred_reviewers == ("bram",)
    made = world.appeal("p", limited.decision_id, by=Appellant.REPORTER, report_id="b")
    assert set(only(made, ReviewTask).barred_reviewers) == {"bram", "cleo"}


@pytest.mark.parametrize("outcome", [Outcome.ALLOW, Outcome.LIMIT, Outcome.REMOVE])
def test_an_author_whose_post_is_limited_while_a_reporter_s_appeal_is_open_is_heard_with_it(world: World, outcome: Outcome) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r", statement="it is an insult")
    world.verdict("p", "cleo", Outcome.REMOVE, shown=False)
    again = only(world.appeal("p", appeal_id="of-author", statement="it was a quotation"), ReviewTask)
    assert again.statement == "it is an insult\n\nit was a quotation"
    assert {"anna", "cleo"} == set(again.barred_reviewers)
    assert only(world.appeal("p"), Notice).kind is NoticeKind.REFUSED
    world.restart()
    made = world.verdict("p", "bram", outcome)
    (told,) = outcomes(made, Addressee.AUTHOR)  # type: ignore[arg-type]
    assert (told.about, told.reason) == ("of-author", UPHELD if outcome is Outcome.LIMIT else CHANGED)
    assert len(outcomes(made, Addressee.REPORTER)) == 1  # type: ignore[arg-type]
    restricted = [one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.RESTRICTED]
    assert [notice.appeal_until is not None for notice in restricted] == {Outcome.ALLOW: [], Outcome.LIMIT: [False]}.get(outcome, [True])
    assert world.files["p"].statement is None


def test_when_its_author_deletes_a_post_both_who_appealed_are_told() -> None:
    world = World(rules()._replace(roster=ROSTER.model_copy(update={"reviewers": ROSTER.reviewers[:1]})))
    world.routed(case_event("p"))
    for name in ("a", "b"):
        world.report("p", f"key-{name}", report_id=name)
    world.verdict("p", "anna", Outcome.ALLOW)
    for name in ("a", "b"):
        world.appeal("p", by=Appellant.REPORTER, report_id=name)
    told = outcomes(world.routed(case_event("p", 2, CaseEventKind.DELETED)), Addressee.REPORTER)  # type: ignore[arg-type]
    assert {notice.reporter_key for notice in told} == {"key-a", "key-b"}


def test_who_reported_is_told_when_the_author_s_appeal_reverses_what_they_were_told_and_may_appeal(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.REMOVE)
    world.appeal("p")
    made = world.verdict("p", "bram", Outcome.ALLOW)
    (told,) = outcomes(made, Addressee.REPORTER)  # type: ignore[arg-type]
    assert (told.about, told.action) == ("r", Action.RESTORE)
    assert told.appeal_until == world.now + 190 * DAY
    assert {"anna", "bram"} <= set(only(world.appeal("p", by=Appellant.REPORTER, report_id="r"), ReviewTask).barred_reviewers)


def test_an_appeal_within_the_time_that_a_notice_gave_is_heard_though_a_person_confirmed_it(world: World) -> None:
    limited = case_event("p", action=Action.LIMIT, automation=Automation.PARTIAL, pending=True)
    world.routed(limited)
    world.verdict("p", "anna", Outcome.LIMIT)
    assert only(world.appeal("p", limited.proposal.decision_id), ReviewTask)


def test_what_is_upheld_under_another_rule_is_decided_and_told_anew(world: World) -> None:
    world.routed(case_event("p", label="toxic", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    made = world.verdict("p", "anna", Outcome.REMOVE, label="threat")
    decision = only(made, Decision)
    assert decision.action is Action.REMOVE
    notice = next(one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.RESTRICTED)
    assert (notice.clause, notice.labels) == (decision.clause, ("threat",))
    (outcome,) = outcomes(made, Addressee.AUTHOR)  # type: ignore[arg-type]
    assert outcome.reason == "another person has looked and came to the same decision, under another rule"
    assert outcome.clause == decision.clause


def test_a_notice_says_what_was_found_what_led_to_it_and_whether_people_look_again(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", "f", Channel.TRUSTED_FLAGGER)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    notice = next(one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.RESTRICTED)
    assert (notice.labels, notice.source_type, notice.pending) == (("toxic",), "SOURCE_TRUSTED_FLAGGER", True)


@pytest.mark.parametrize("carried", [False, True])
def test_a_notice_names_the_label_that_decided_not_what_only_reached_a_threshold(world: World, carried: bool) -> None:
    reasons = (Reason(rule="r1", label="toxic", probability=0.99), Reason(rule="r2", label="threat", probability=0.5))
    if carried:
        world.routed(case_event("p"))
        world.verdict("p", "anna", Outcome.REMOVE, label="spam")
        made = world.routed(case_event("p", 2, CaseEventKind.EDITED, reasons=reasons))
    else:
        made = world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL, reasons=reasons))
    assert only(made, Notice).labels == (("spam",) if carried else ("toxic",))


@pytest.mark.parametrize("then", ["a limit on appeal", "an edit", "an edit that the machine restricts"])
def test_what_led_to_a_restriction_stays_its_source(world: World, then: str) -> None:
    world.routed(case_event("p"))
    world.report("p", "f", Channel.TRUSTED_FLAGGER)
    world.verdict("p", "anna", Outcome.REMOVE)
    if then != "a limit on appeal":
        action = Action.ALLOW if then == "an edit" else Action.REMOVE
        made = world.routed(edited(2, action=action))
    else:
        world.appeal("p")
        made = world.verdict("p", "bram", Outcome.LIMIT)
    assert only(made, Decision).source_type == "SOURCE_TRUSTED_FLAGGER"


def test_what_the_machine_has_found_is_not_called_a_report_s_finding(world: World) -> None:
    world.routed(case_event("p", action=Action.LIMIT, automation=Automation.PARTIAL, pending=True))
    world.report("p")
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Decision).source_type == "SOURCE_VOLUNTARY"


def test_of_a_post_that_its_author_has_deleted_nothing_is_taken(world: World) -> None:
    """The queue's word is kept, as one on what is gone: no notice of a restriction, and nothing for the platform to carry out."""
    world.routed(case_event("p", label="threat", action=Action.ALLOW, pending=True))
    world.verdict("p", "anna", Outcome.ESCALATE)
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    made = world.verdict("p", "bram", Outcome.REMOVE)
    assert only(made, Decision).kind is PostKind.DELETED
    assert not [one for one in made if isinstance(one, Notice) and one.kind is NoticeKind.RESTRICTED]
    world.pass_time(DAY)
    assert not world.shard.overdue


def test_what_is_carried_over_after_an_erasure_still_says_why(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE, label="threat")
    world.erase("p")
    edited = case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW, automation=Automation.FULL, pending=False)
    carried = only(world.routed(edited), Decision)
    assert (carried.action, carried.reasons[0].label) == (Action.REMOVE, "threat")
    assert carried.clause and carried.category
