"""Who is left to decide, who can read the post, and where its task goes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pipeline.cases.facts import Audited
from schemas.cases import CaseEventKind
from schemas.people import CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, Language, ReviewTask
from tests.pipeline.cases.world import DAY, REGIONS, World, case_event, only, rules, staffed
from tests.pipeline.routing.posts import post

ALL = ("anna", "bram", "cleo", "dave")
ESCALATING = {
    "anna": (["dutch"], ["nl"]), "bram": (["dutch"], ["nl"]), "dave": (["emergency"], ["en"]), "emma": (["emergency"], ["en"]),
}  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


def hand_on(world: World, *reviewers: str) -> None:
    for reviewer in reviewers:
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)


def decisions(made: list[Any]) -> list[Decision]:
    return [record for record in made if isinstance(record, Decision)]


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


# A task that nobody may decide ------------------------------------------------------------------------------------------


def test_a_deletion_ends_a_task_that_nobody_may_decide_and_who_waits_is_told(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    hand_on(world, *ALL)
    world.report("p", "f", Channel.TRUSTED_FLAGGER, label="threat")
    made = world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert only(made, Notice).reporter_key == "f"
    assert not world.tasks()


def test_an_erasure_does_not_wait_for_an_appeal_that_nobody_may_answer(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    hand_on(world, *ALL)
    made = world.erase("p")
    assert [notice.kind for notice in made if isinstance(notice, Notice)] == [NoticeKind.OUTCOME]
    assert "p" not in world.files and not world.tasks()


def test_the_last_person_who_may_look_at_a_post_ends_its_case_with_a_limit(world: World) -> None:
    world.routed(case_event("p"))
    hand_on(world, "anna", "bram", "cleo")
    decision = only(world.verdict("p", "dave", Outcome.REMOVE), Decision)
    assert (decision.action, decision.pending) == (Action.LIMIT, False)
    assert not world.tasks()


def test_the_last_person_does_not_outweigh_speakers_who_allowed_the_post(world: World) -> None:
    world.routed(case_event("p"))
    for reviewer in ("anna", "bram", "cleo"):
        world.verdict("p", reviewer, Outcome.ALLOW)
        world.report("p", f"flagger-{reviewer}", Channel.TRUSTED_FLAGGER)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    assert not [decision for decision in decisions(made) if decision.action is not Action.ALLOW]
    assert not world.tasks()


def test_what_nobody_may_decide_takes_no_place_from_what_people_can() -> None:
    regions = {"regions": [{**region, **({"capacity": 1} if region["name"] == "dutch" else {})} for region in REGIONS["regions"]]}
    world = World(rules(regions))
    world.routed(case_event("p"))
    hand_on(world, *ALL)
    assert world.task("p").region == "dutch"
    assert only(world.routed(case_event("q")), ReviewTask).region == "dutch"


def test_a_task_that_is_issued_anew_does_not_count_against_its_own_region() -> None:
    regions = {"regions": [{**region, **({"capacity": 1} if region["name"] == "dutch" else {})} for region in REGIONS["regions"]]}
    world = World(rules(regions))
    world.routed(case_event("p"))
    assert only(world.report("p", label="threat"), ReviewTask).region == "dutch"


# Where somebody may see it ----------------------------------------------------------------------------------------------


def test_people_count_only_where_the_post_may_be_seen_and_the_region_works() -> None:
    """A speaker elsewhere is nobody's help: the law keeps the post here, and the other region is closed."""
    regions = {
        "regions": [
            {"name": "here", "languages": ["nl"], "markets": ["NL"], "location": "EU", "default": True},
            {"name": "abroad", "languages": ["nl"], "markets": ["US"], "location": "US"},
            {"name": "closed", "languages": ["nl"], "markets": ["BE"], "location": "EU", "closed_since": "2026-01-01T00:00:00Z"},
        ],
        "data": [{"markets": ["NL"], "locations": ["EU"]}],
    }
    people = {name: ([region], ["nl"]) for name, region in (("anna", "here"), ("usha", "abroad"), ("kees", "closed"))}
    world = staffed({**people, "dave": (["here"], ["en"])}, regions)
    world.routed(case_event("p"))
    hand_on(world, "anna")
    assert (world.task("p").region, world.task("p").out_of_language) == ("here", True)
    made = world.verdict("p", "dave", Outcome.ALLOW)  # nobody who may see it can read it
    assert only(made, Decision).action is Action.ALLOW


def test_a_speaker_in_a_region_of_another_language_comes_before_people_who_cannot_read_it() -> None:
    world = staffed({"anna": (["dutch"], ["nl"]), "dora": (["dutch"], ["en"]), "erik": (["english"], ["en", "nl"])})
    world.routed(case_event("p"))
    hand_on(world, "anna")
    assert (world.task("p").region, world.task("p").out_of_language) == ("english", False)


def test_a_queue_whose_people_cannot_read_a_post_hands_an_allow_to_who_can() -> None:
    regions = {"regions": [{**region, "languages": ["en"]} if region["name"] == "emergency" else region for region in REGIONS["regions"]]}
    world = staffed(ESCALATING, regions)
    world.routed(case_event("p", label="threat"))
    assert only(world.verdict("p", "anna", Outcome.ESCALATE), ReviewTask).region == "emergency"
    handed = only(world.verdict("p", "dave", Outcome.ALLOW), ReviewTask)
    assert (handed.region, handed.queue) == ("dutch", "threat-to-life")


def test_a_queue_s_unconfirmed_verdict_leaves_the_queue_only_for_a_speaker() -> None:
    world = staffed(ESCALATING)
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    assert only(world.verdict("p", "dave", Outcome.REMOVE), ReviewTask).region == "dutch"
    alone = staffed({name: of for name, of in ESCALATING.items() if name != "bram"})
    alone.routed(case_event("p", label="threat"))
    alone.verdict("p", "anna", Outcome.ESCALATE)
    assert only(alone.verdict("p", "dave", Outcome.REMOVE), ReviewTask).region == "emergency"


# Words that open nothing -------------------------------------------------------------------------------------------------


def test_no_label_makes_a_reader_of_somebody_who_is_none(world: World) -> None:
    world.routed(case_event("p", label="spam"))  # whose restriction needs no speaker
    assert not decisions(world.verdict("p", "dave", Outcome.ALLOW))
    world.routed(case_event("q", label="threat"))
    assert not decisions(world.verdict("q", "dave", Outcome.ALLOW, label="spam"))


def test_a_language_is_the_one_that_posts_have_however_a_reviewer_calls_it(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "dave", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.LANGUAGE, language_seen="fr-CA")
    state = world.shard.state("p")
    assert state and state.language and state.language.tag == "fr"
    assert state.task and state.task.region == "flemish"


def test_to_call_the_language_of_the_task_by_another_name_changes_nothing(world: World) -> None:
    world.routed(replace(case_event("p"), language=Language(tag="nl", confidence=0.6)))
    assert only(world.verdict("p", "anna", Outcome.REMOVE, language_seen="nl-BE"), Decision).action is Action.REMOVE


def test_a_report_finds_those_who_speak_the_language_however_it_calls_it(world: World) -> None:
    world.report("p", language="fr-CA", post_snapshot=post("p"))
    state = world.shard.state("p")
    assert state and state.language and state.language.tag == "fr"
    assert state.task and state.task.region == "flemish"


def test_to_see_a_language_that_nobody_speaks_does_not_end_a_case(world: World) -> None:
    world.routed(replace(case_event("p"), language=Language(tag="nl", confidence=0.85)))
    made = world.verdict("p", "dave", Outcome.ALLOW, language_seen="zu")
    assert not decisions(made) and only(made, ReviewTask).region == "dutch"


def test_a_removal_by_a_speaker_is_not_loosened_by_who_could_not_decide_it(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.appeal("p")
    assert not decisions(world.verdict("p", "dave", Outcome.LIMIT))
    assert not decisions(world.verdict("p", "cleo", Outcome.LIMIT, shown=False))
    state = world.shard.state("p")
    assert state and state.standing and state.standing.action is Action.REMOVE
