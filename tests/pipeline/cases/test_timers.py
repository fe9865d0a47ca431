"""Timers that are put off again and again."""

from __future__ import annotations

import datetime as dt

from schemas.people import Outcome, TaskEventKind
from tests.pipeline.cases.world import DAY, HOUR, World, case_event


def test_timers_that_were_put_off_do_not_pile_up() -> None:
    world = World()
    world.routed(case_event("p"))
    world.routed(case_event("q"))
    for number in range(5000):
        world.now += dt.timedelta(milliseconds=1)
        world.claim("p", "anna", TaskEventKind.RELEASED if number % 2 else TaskEventKind.CLAIMED)
    assert len(world.shard._due) < 1100
    state = world.shard.state("q")
    assert state and state.task and state.task.attempt == 1
    world.pass_time(5 * DAY)
    for post in ("p", "q"):
        state = world.shard.state(post)
        assert state and state.task and state.task.attempt > 1
        world.verdict(post, "bram", Outcome.REMOVE)
    world.pass_time(2 * HOUR)
    assert world.shard.overdue == {"p", "q"}
