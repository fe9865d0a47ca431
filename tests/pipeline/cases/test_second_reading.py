"""Where one person's act would decide for others: places that are filled, texts that were read, cases that nobody is left for."""

from __future__ import annotations

from pipeline.cases.appeals import UNREAD
from schemas.people import Appellant, CannotJudge, Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Automation, Decision, ReviewTask
from tests.pipeline.cases.world import World, case_event, edited, only, staffed
from tests.pipeline.routing.posts import post

DUTCH, ENGLISH = (["dutch"], ["nl"]), (["dutch"], ["en"])


def test_one_reporter_does_not_fill_the_places_of_reports_that_wait_for_a_revision() -> None:
    world = World()
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    newer = post("p", revision=2)
    for _ in range(60):
        world.report("p", "one-reporter", post_snapshot=newer, label="spam")
    refused = [
        record.kind
        for record in world.report("p", "police", Channel.AUTHORITY, report_id="r", post_snapshot=newer, label="threat")
        if isinstance(record, Notice) and record.kind is NoticeKind.REFUSED
    ]
    assert not refused
    world.routed(edited(2))
    state = world.shard.state("p")
    assert state and "threat" in state.labels


def test_an_erasure_that_waits_is_done_where_nobody_is_left_who_could_decide() -> None:
    world = staffed({"anna": DUTCH})
    world.routed(case_event("p", label="threat", action=Action.LIMIT, pending=True, automation=Automation.PARTIAL))
    world.erase("p")
    state = world.shard.state("p")
    assert state and state.erased_at is None
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONTEXT)
    state = world.shard.state("p")
    assert state and state.erased_at


def test_what_readers_allowed_stays_so_when_somebody_else_agrees() -> None:
    world = staffed({"anna": DUTCH, "dave": ENGLISH, "erin": ENGLISH, "fred": ENGLISH})
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.report("p", "first", Channel.TRUSTED_FLAGGER)
    world.verdict("p", "dave", Outcome.ALLOW)
    world.report("p", "second", Channel.TRUSTED_FLAGGER)
    made = [*world.verdict("p", "erin", Outcome.REMOVE), *(world.verdict("p", "fred", Outcome.REMOVE) if world.tasks() else [])]
    assert not [record for record in made if isinstance(record, Decision)]


def test_what_readers_allowed_of_an_erased_text_says_nothing_of_the_next_one() -> None:
    world = staffed({"anna": DUTCH, "dave": ENGLISH, "erin": ENGLISH})
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.erase("p")
    world.report("p", "k", report_id="r", post_snapshot=post("p", revision=2), language="nl", label="threat")
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONFLICT)
    made = world.verdict("p", "dave", Outcome.REMOVE)
    assert only(made, Decision).pending
    assert only(made, ReviewTask)


def test_who_could_not_decide_has_come_to_no_decision() -> None:
    world = staffed({"anna": DUTCH, "cleo": DUTCH})
    world.routed(case_event("p", complete=False))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    world.appeal("p", by=Appellant.REPORTER, report_id="r")
    assert only(world.verdict("p", "cleo", Outcome.REMOVE), Notice).reason == UNREAD
    state = world.shard.state("p")
    assert state and state.standing and not state.standing.upheld
