"""What waits for a post, or for a revision of one, that is not known yet."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.cases.outcomes import AUTHOR_DELETED
from pipeline.cases.waiting import ERASED, NOT_COME
from schemas.cases import CaseEventKind
from schemas.people import Channel, Notice, NoticeKind, Outcome, TaskEvent, TaskEventKind
from schemas.records import Post, PostKind, ReviewTask
from schemas.topics import MAX_MESSAGE_BYTES
from tests.pipeline.cases.world import DAY, HOUR, NOW, World, case_event, edited, only
from tests.pipeline.routing.posts import post

CLAIM = TaskEvent(event_id="t", task_id="another", post_id="p", kind=TaskEventKind.CLAIMED, at=NOW, reviewer="anna")


@pytest.fixture
def world() -> World:
    return World()


def copy(revision: int = 1) -> Post:
    return Post(
        post_id="p", revision=revision, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL", created_at=NOW,
        text="t",
    )  # fmt: skip


@pytest.mark.parametrize("first", ["the report", "the edit"])
def test_a_report_on_a_newer_revision_is_not_answered_by_what_was_decided_on_the_text_before(world: World, first: str) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    if first == "the edit":
        world.routed(edited(2))
        made = world.report("p", post_snapshot=copy(2))
    else:
        assert world.report("p", post_snapshot=copy(2)) == []
        world.restart()
        made = world.routed(edited(2))
    assert only(made, Notice).kind is NoticeKind.RECEIPT
    assert only(made, ReviewTask).post.revision == 2


@pytest.mark.parametrize("ending", ["the revision does not come", "its author deletes it", "it is erased", "the case is over"])
def test_who_reports_a_revision_that_is_not_known_is_answered_whatever_happens(world: World, ending: str) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.pass_time(14 * DAY - HOUR if ending == "the case is over" else HOUR)
    world.report("p", post_snapshot=copy(2))
    if ending == "its author deletes it":
        made = world.routed(case_event("p", 3, CaseEventKind.DELETED))
        assert [one.reason for one in made if isinstance(one, Notice)] == [None, AUTHOR_DELETED]
        return
    made = world.erase("p") if ending == "it is erased" else world.pass_time(DAY + HOUR)
    assert only(made, Notice).reason == (ERASED if ending == "it is erased" else NOT_COME)
    state = world.shard.state("p")
    assert state is None or not state.waiting


def test_what_waits_for_a_revision_is_kept_without_the_copy_s_text(world: World) -> None:
    world.routed(case_event("p"))
    for number in range(10):
        world.report("p", f"key-{number}", post_snapshot=replace(copy(2), text="text of the post" * 4000))
    state = world.shard.state("p")
    assert state and len(state.waiting) == 10 and "text of the post" not in str(state.waiting)


def test_each_report_on_an_unknown_post_waits_for_its_own_day(world: World) -> None:
    world.report("p", "early")
    world.pass_time(23 * HOUR)
    world.report("p", "late")
    assert only(world.pass_time(2 * HOUR), Notice).reporter_key == "early"
    assert only(world.pass_time(22 * HOUR), Notice).reporter_key == "late"
    assert len(world.shard) == 0


def test_what_waits_for_an_unknown_post_fits_into_one_record(world: World) -> None:
    for number in range(50):
        world.report("p", f"key-{number}", explanation="\0" * 4000)
    assert max(len(value) for _, value in world.log if value) < MAX_MESSAGE_BYTES // 2
    answered = {notice.reporter_key for notice in world.notices()}
    state = world.shard.state("p")
    assert state and len(answered) + len(state.waiting) == 50


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
