"""What was reported stays suspected until people have answered it, whatever author and machine do meanwhile."""

from __future__ import annotations

import pytest

from schemas.cases import CaseEventKind
from schemas.people import Channel, Outcome
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


def test_what_people_have_answered_is_not_suspected_of_the_next_revision(world: World) -> None:
    world.routed(case_event("p", label="toxic"))
    world.report("p", label="threat")
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.ALLOW
    world.report("p", "late", label="toxic")  # answered at once
    assert only(world.routed(case_event("p", 2, CaseEventKind.EDITED, label="spam")), ReviewTask).labels == ("spam",)
