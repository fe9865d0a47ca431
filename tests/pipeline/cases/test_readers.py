"""What people who cannot read a post may say against those who could."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cases.appeals import UNREAD
from schemas.people import Appellant, CannotJudge, Channel, Notice, Outcome
from schemas.records import Action, Automation, Decision, ReviewTask
from tests.pipeline.cases.world import case_event, only, staffed
from tests.pipeline.routing.posts import post

READERS = {"anna": (["dutch"], ["nl"]), "bram": (["dutch"], ["nl"])}


def decisions(made: list[Any]) -> list[Decision]:
    return [record for record in made if isinstance(record, Decision)]


@pytest.mark.parametrize("left", ["no speaker", "a speaker"])
def test_two_who_cannot_read_a_post_do_not_restrict_what_readers_allowed(left: str) -> None:
    world = staffed({**READERS, "dave": (["dutch"], ["en"]), "erin": (["dutch"], ["en"])})
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.appeal("p")
    world.verdict("p", "anna", Outcome.ALLOW)
    if left == "no speaker":
        world.report("p", "first", Channel.TRUSTED_FLAGGER)
        world.verdict("p", "bram", Outcome.ALLOW)
    world.report("p", "second", Channel.TRUSTED_FLAGGER)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    if left == "no speaker":
        assert only(made, Notice).reporter_key == "second"
        world.report("p", "third", Channel.TRUSTED_FLAGGER)
    else:
        assert only(made, ReviewTask).barred_reviewers == ("anna", "dave")
    assert not decisions([*made, *world.verdict("p", "erin", Outcome.REMOVE)])
    assert bool(world.tasks()) == (left == "a speaker")
    if left == "a speaker":
        assert only(world.verdict("p", "bram", Outcome.REMOVE), Decision).action is Action.REMOVE


@pytest.mark.parametrize("last", ["who cannot read it", "who was not shown the conversation"])
def test_who_appeals_where_nobody_can_decide_is_not_told_that_somebody_came_to_the_same_decision(last: str) -> None:
    reads = last == "who was not shown the conversation"
    others = {"dave": (["dutch"], ["nl"])} if reads else {"dave": (["dutch"], ["en"]), "erin": (["dutch"], ["en"])}
    world = staffed({"anna": (["dutch"], ["nl"]), **others})
    world.routed(case_event("p", complete=not reads))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r")
    assert only(world.verdict("p", "dave", Outcome.REMOVE), Notice).reason == UNREAD
    state = world.shard.state("p")
    assert state and state.standing and not state.standing.upheld


def test_what_is_graver_and_came_meanwhile_is_not_closed_where_nobody_can_read_it() -> None:
    world = staffed({**READERS, "dave": (["dutch"], ["en"])})
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.report("p", "first", Channel.TRUSTED_FLAGGER)
    world.verdict("p", "bram", Outcome.ALLOW)
    world.report("p", "second", Channel.TRUSTED_FLAGGER)
    world.claim("p", "dave")
    world.report("p", "victim", label="threat")
    made = world.verdict("p", "dave", Outcome.LIMIT)
    assert not decisions(made) and only(made, ReviewTask).labels == ("toxic", "threat")


def test_what_somebody_allowed_who_could_not_read_it_is_no_word_of_readers() -> None:
    world = staffed({name: (["dutch"], ["en"]) for name in ("dave", "erin", "fred")})
    world.routed(case_event("p"))
    world.verdict("p", "dave", Outcome.ALLOW)
    world.report("p", "flagger", Channel.TRUSTED_FLAGGER)
    assert only(world.verdict("p", "erin", Outcome.REMOVE), Decision).pending


def test_what_readers_allowed_stays_so_when_somebody_else_agrees() -> None:
    world = staffed({"anna": (["dutch"], ["nl"]), "dave": (["dutch"], ["en"]), "erin": (["dutch"], ["en"]), "fred": (["dutch"], ["en"])})
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.report("p", "first", Channel.TRUSTED_FLAGGER)
    world.verdict("p", "dave", Outcome.ALLOW)
    world.report("p", "second", Channel.TRUSTED_FLAGGER)
    made = [*world.verdict("p", "erin", Outcome.REMOVE), *(world.verdict("p", "fred", Outcome.REMOVE) if world.tasks() else [])]
    assert not decisions(made)


def test_what_readers_allowed_of_an_erased_text_says_nothing_of_the_next_one() -> None:
    world = staffed({"anna": (["dutch"], ["nl"]), "dave": (["dutch"], ["en"]), "erin": (["dutch"], ["en"])})
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.erase("p")
    world.report("p", "k", report_id="r", post_snapshot=post("p", revision=2), language="nl", label="threat")
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    assert only(made, Decision).pending
    assert only(made, ReviewTask)
