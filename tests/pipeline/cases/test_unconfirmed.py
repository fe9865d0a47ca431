"""What people who may only limit can do to a decision that stands, and what they cannot."""

from __future__ import annotations

import pytest

from schemas.people import CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision
from tests.pipeline.cases.world import World, case_event, only


@pytest.fixture
def world() -> World:
    return World()


def two_who_only_limit(world: World) -> list[object]:
    """Neither could decide it: one cannot read it, one was not shown the conversation. Both name something graver."""
    first = world.verdict("p", "dave", Outcome.LIMIT, label="threat")
    return [*first, *world.verdict("p", "cleo", Outcome.LIMIT, shown=False, label="threat")]


@pytest.mark.parametrize("action", [Outcome.LIMIT, Outcome.REMOVE])
@pytest.mark.parametrize("asked", ["an appeal", "a report"])
def test_they_give_a_restriction_that_stands_no_other_ground(world: World, action: Outcome, asked: str) -> None:
    """On an appeal its author could not even appeal against that."""
    world.routed(case_event("p", label="toxic"))
    decided = only(world.verdict("p", "anna", action, label="toxic"), Decision)
    if asked == "an appeal":
        world.appeal("p")
    else:
        world.report("p", "f", Channel.TRUSTED_FLAGGER)
    made = two_who_only_limit(world)
    assert not [record for record in made if isinstance(record, Decision)]
    (told,) = [record for record in made if isinstance(record, Notice)]
    assert (told.kind, told.decision_id, told.clause) == (NoticeKind.OUTCOME, decided.decision_id, decided.clause)
    state = world.shard.state("p")
    assert state and state.floor_label == "toxic" and state.labels == ("toxic", "threat")


def test_the_answer_to_an_appeal_names_the_ground_of_the_decision_whatever_was_suspected_since(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    decided = only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision)
    world.appeal("p")
    world.verdict("p", "bram", Outcome.ESCALATE, label="threat")
    world.verdict("p", "dave", Outcome.REMOVE, label="threat")
    made = world.verdict("p", "cleo", Outcome.REMOVE, shown=False, label="threat")
    assert only(made, Notice).clause == decided.clause


def test_the_last_one_left_restores_nothing_that_was_not_restricted(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.enforce("p")
    world.report("p", "f", Channel.TRUSTED_FLAGGER)
    for reviewer in ("bram", "cleo"):
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    assert not [record for record in made if isinstance(record, Decision)]
    assert only(made, Notice).reporter_key == "f"
    state = world.shard.state("p")
    assert state and state.standing and state.standing.unconfirmed_since is None
