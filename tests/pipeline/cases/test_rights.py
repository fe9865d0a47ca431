"""Who may restrict in full, who is heard, and what is told of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.cases import CaseEventKind
from schemas.people import Appellant, CannotJudge, Channel, Enforcement, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, Language, ReviewTask
from schemas.topics import ENFORCEMENTS
from tests.pipeline.cases.world import DAY, HOUR, World, case_event, only

SAME = "another person has looked and came to the same decision"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def removed(world: World) -> World:
    """By the machine."""
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    return world


@pytest.mark.parametrize("confidence", [0.6, 0.99])
@pytest.mark.parametrize(("reviewer", "seen"), [("dave", "en"), ("cleo", "de")], ids=["not what is known", "not what is seen"])
def test_to_name_another_language_does_not_make_a_speaker(world: World, reviewer: str, seen: str, confidence: float) -> None:
    world.routed(replace(case_event("p"), language=Language(tag="nl", confidence=confidence)))
    decision = only(world.verdict("p", reviewer, Outcome.REMOVE, language_seen=seen), Decision)
    assert (decision.action, decision.pending) == (Action.LIMIT, True)


def test_nobody_clears_what_they_say_is_in_a_language_that_they_do_not_speak(world: World) -> None:
    world.routed(case_event("p"))
    assert "cleo" in only(world.verdict("p", "cleo", Outcome.ALLOW, language_seen="en"), ReviewTask).barred_reviewers
    assert only(world.verdict("p", "bram", Outcome.ALLOW, language_seen="en"), Decision).action is Action.ALLOW


def test_two_who_would_only_limit_do_not_leave_a_removal(removed: World) -> None:
    removed.appeal("p")
    for reviewer in ("dave", "cleo"):
        assert only(removed.verdict("p", reviewer, Outcome.LIMIT, shown=False), Decision).action is Action.LIMIT


def test_an_appeal_that_took_two_people_is_told_the_same_decision(removed: World) -> None:
    removed.appeal("p")
    removed.verdict("p", "dave", Outcome.REMOVE)
    notices = [made for made in removed.verdict("p", "bram", Outcome.REMOVE) if isinstance(made, Notice)]
    assert [notice.reason for notice in notices if notice.kind is NoticeKind.OUTCOME] == [SAME]
    assert len(notices) == 1  # what holds already is not published again, so the author is told once
    assert only(removed.appeal("p"), Notice).kind is NoticeKind.REFUSED


def test_to_allow_what_was_restored_is_the_same_decision(removed: World) -> None:
    removed.report("p", "f", Channel.TRUSTED_FLAGGER, report_id="r")
    removed.verdict("p", "anna", Outcome.ALLOW)
    removed.appeal("p", by=Appellant.REPORTER, report_id="r")
    made = removed.verdict("p", "bram", Outcome.ALLOW)
    assert not [record for record in made if isinstance(record, Decision)]
    assert only(made, Notice).reason == SAME


def test_an_author_may_appeal_against_what_a_reporter_s_appeal_brought_about_and_once(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r")
    world.verdict("p", "bram", Outcome.REMOVE)
    assert set(only(world.appeal("p"), ReviewTask).barred_reviewers) == {"anna", "bram"}
    world.verdict("p", "cleo", Outcome.REMOVE)
    assert only(world.appeal("p"), Notice).kind is NoticeKind.REFUSED


def test_who_reported_is_told_the_rule_that_the_reviewer_names(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p")
    made = world.verdict("p", "anna", Outcome.REMOVE, label="threat")
    clauses = {record.clause for record in made if isinstance(record, Notice)}
    assert clauses == {only(made, Decision).clause}


def test_who_has_handed_a_post_on_does_not_get_it_back(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    assert only(world.report("p", "f", Channel.TRUSTED_FLAGGER), ReviewTask).barred_reviewers == ("anna",)
    assert set(only(world.verdict("p", "dave", Outcome.REMOVE), ReviewTask).barred_reviewers) == {"anna", "dave"}


def test_a_task_goes_round_all_regions_that_speak_the_language(world: World) -> None:
    regions = [only(world.routed(case_event("p")), ReviewTask).region]
    for _ in range(60):
        regions += [made.region for made in world.pass_time(6 * HOUR) if isinstance(made, ReviewTask)]
    shares = {region: regions.count(region) for region in set(regions)}
    assert len(shares) > 1
    assert max(shares.values()) - min(shares.values()) <= 1


def test_a_restored_post_is_awaited_though_its_author_changes_it(removed: World) -> None:
    removed.appeal("p")
    restored = only(removed.verdict("p", "anna", Outcome.ALLOW), Decision)
    removed.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW, automation=Automation.FULL, pending=False))
    removed.pass_time(2 * HOUR)
    assert removed.shard.overdue == {"p"}
    done = Enforcement(decision_id=restored.decision_id, post_id="p", action=Action.RESTORE, applied_at=removed.now)
    removed.send(ENFORCEMENTS.name, done)
    assert not removed.shard.overdue
    removed.pass_time(DAY)
    assert not removed.shard.overdue
