"""How long what people have judged is kept: long only where somebody may need it."""

from __future__ import annotations

import pytest

from schemas.people import Outcome
from schemas.records import Action
from tests.pipeline.cases.world import DAY, World, case_event, edited


@pytest.fixture
def world() -> World:
    return World()


def kept_for(world: World) -> int:
    state = world.shard.state("p")
    assert state is not None and state.keep_until is not None
    return (state.keep_until - world.now).days


def test_what_people_allowed_is_kept_a_fortnight_however_often_it_is_changed(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    assert kept_for(world) == 14
    world.routed(edited(2))
    world.routed(edited(3))
    assert kept_for(world) == 14
    world.pass_time(15 * DAY)
    assert not world.files and not len(world.shard)


@pytest.mark.parametrize("how", ["restricted and restored", "restricted and changed", "reported"])
def test_what_was_restricted_or_reported_is_kept_long(world: World, how: str) -> None:
    world.routed(case_event("p", action=Action.ALLOW if how == "reported" else Action.LIMIT, pending=True))
    if how == "reported":
        world.report("p")
    if how == "restricted and changed":
        world.routed(edited(2))
        world.routed(edited(3))
    else:
        world.verdict("p", "anna", Outcome.ALLOW)
    world.restart()
    assert kept_for(world) == 200
