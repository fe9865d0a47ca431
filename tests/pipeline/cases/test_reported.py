"""What was reported stays suspected until people have answered it, whatever author and machine do meanwhile."""

from __future__ import annotations

import pytest

from schemas.cases import CaseEventKind
from schemas.people import Channel, Notice, NoticeKind, Outcome
from schemas.records import Action, Decision, Post, PostKind, ReviewTask
from tests.pipeline.cases.world import NOW, World, case_event, edited, only

COPY = Post(
    post_id="p", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL", created_at=NOW, text="t"
)  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


def test_an_edit_does_not_take_what_was_reported_from_the_task(world: World) -> None:
    before = only(world.routed(case_event("p", label="toxic")), ReviewTask)
    world.report("p", label="threat")
    again = only(world.routed(edited(2)), ReviewTask)
    assert again.labels == ("toxic", "threat")
    assert again.priority > before.priority


def test_an_edit_and_a_deletion_do_not_end_what_an_authority_reported_for_a_queue(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", "police", Channel.AUTHORITY, label="threat")
    world.routed(edited(2))
    world.routed(case_event("p", 3, CaseEventKind.DELETED))
    assert "threat" in world.task("p").labels


def test_what_the_machine_finds_later_comes_beside_what_a_copy_was_reported_for(world: World) -> None:
    first = only(world.report("p", "police", Channel.AUTHORITY, label="threat", post_snapshot=COPY, language="nl"), ReviewTask)
    again = only(world.routed(case_event("p", label="toxic")), ReviewTask)
    assert again.labels == ("toxic", "threat")
    assert again.priority == first.priority


def test_what_was_found_and_reported_stays_though_the_machine_does_not_find_it_again(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    world.report("p", label="threat")
    assert world.routed(case_event("p", 2, CaseEventKind.EDITED, label="toxic")) and world.task("p").labels == ("toxic", "threat")


@pytest.mark.parametrize("deleted_first", [False, True])
def test_a_deletion_that_is_taken_back_does_not_end_a_report(world: World, deleted_first: bool) -> None:
    world.routed(case_event("p", label="toxic"))
    if deleted_first:
        world.verdict("p", "anna", Outcome.ALLOW)
        world.routed(case_event("p", 2, CaseEventKind.DELETED))
    world.report("p", "flagger", Channel.TRUSTED_FLAGGER, label="spam")
    if not deleted_first:
        world.routed(case_event("p", 2, CaseEventKind.DELETED))
    again = only(world.routed(edited(3)), ReviewTask)
    assert again.labels == ("toxic", "spam")
    assert only(world.verdict("p", "bram", Outcome.ALLOW), Notice).reporter_key == "flagger"
    world.routed(case_event("p", 4, CaseEventKind.DELETED))
    assert not [made for made in world.routed(edited(5)) if isinstance(made, ReviewTask)]


@pytest.mark.parametrize("key", ["honest", "key-0"])
def test_however_many_have_reported_something_graver_is_heard(world: World, key: str) -> None:
    world.routed(case_event("p", label="toxic"))
    for number in range(102):
        world.report("p", f"key-{number // 3 if number < 6 else number}", label="toxic")
    made = world.report("p", key, label="threat")
    assert only(made, Notice).kind is NoticeKind.REFUSED
    assert only(made, ReviewTask).labels == ("toxic", "threat")
    assert "threat" in only(world.routed(edited(2)), ReviewTask).labels


def test_what_people_have_answered_is_not_suspected_of_the_next_revision(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", label="threat")
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.ALLOW
    world.report("p", "late", label="toxic")  # answered at once
    assert only(world.routed(case_event("p", 2, CaseEventKind.EDITED, label="spam")), ReviewTask).labels == ("spam",)
