"""Statements of what people decided, as the cases stage publishes it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.statements.record import AutomatedDecision, StatementOfReasons, YesNo
from pipeline.statements.statement import statement_of
from schemas.cases import CaseEventKind
from schemas.people import CannotJudge, Outcome
from schemas.records import Action, Decision, Media, Unassessed
from tests.pipeline.cases.world import World, case_event, edited, only


@pytest.fixture
def world() -> World:
    return World()


def stated(one: Decision) -> StatementOfReasons:
    statement = statement_of(one)
    assert statement is not None
    return statement


def test_what_a_person_decided_before_an_edit_is_no_decision_by_automated_means(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE, label="toxic")
    said = stated(only(world.routed(case_event("p", 2, CaseEventKind.EDITED)), Decision))
    assert said.automated_decision is AutomatedDecision.PARTIALLY
    assert said.decision_facts.startswith("A person decided before the content was edited. ")
    assert "automated means" not in said.decision_facts
    assert said.incompatible_content_explanation is not None
    assert said.incompatible_content_explanation.startswith(
        "A person restricted the content before it was edited, as: toxic. This is not allow"
    )


@pytest.mark.parametrize("how", ["unconfirmed", "escalated"])
@pytest.mark.parametrize("edits", [1, 2])
def test_what_a_person_only_suspected_before_an_edit_is_stated_as_a_suspicion(world: World, how: str, edits: int) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE) if how == "escalated" else world.verdict("p", "dave", Outcome.REMOVE)
    for revision in range(2, edits + 2):
        said = stated(only(world.routed(edited(revision)), Decision))
    assert said.automated_decision is AutomatedDecision.PARTIALLY
    assert said.decision_facts.startswith("A person restricted the content before it was edited, until another person had looked at it. ")
    assert said.illegal_content_explanation == (
        "Before the content was edited, a person suspected the content to be: threat. This would be illegal on the ground: 2.1 Threats."
    )
    world.verdict("p", "bram", Outcome.REMOVE)
    said = stated(only(world.routed(edited(edits + 2)), Decision))
    assert said.decision_facts.startswith("A person decided before the content was edited. ")


def test_nor_is_it_a_finding_after_an_erasure(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "dave", Outcome.REMOVE)
    for reviewer in ("anna", "bram", "cleo"):
        world.verdict("p", reviewer, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.EXPERTISE)
    world.erase("p")
    assert "p" not in world.files
    said = stated(only(world.routed(edited(2)), Decision))
    assert said.illegal_content_explanation is not None and "suspected" in said.illegal_content_explanation


@pytest.mark.parametrize(("unassessed", "detected"), [((Unassessed.STAGE_ERROR,), YesNo.NO), ((Unassessed.TOO_LONG,), YesNo.YES)])
def test_what_no_machine_could_assess_none_has_detected_whoever_decides_on_it(
    world: World, unassessed: tuple[Unassessed, ...], detected: YesNo
) -> None:
    world.routed(case_event("p", action=Action.LIMIT, pending=True, unassessed=unassessed))
    decided = only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision)
    assert (decided.source_type, stated(decided).automated_detection) == ("SOURCE_VOLUNTARY", detected)
    carried = only(world.routed(edited(2, unassessed=unassessed)), Decision)
    assert stated(carried).automated_detection is detected


def test_a_person_s_decision_on_a_post_of_one_image_is_on_an_image(world: World) -> None:
    event = case_event("p")
    image = (Media(type="image/png", url="https://media.example/1"),)
    world.routed(replace(event, post=replace(event.post, text="", media=image)))
    said = stated(only(world.verdict("p", "anna", Outcome.REMOVE, label="toxic"), Decision))
    assert [each.value for each in said.content_type] == ["CONTENT_TYPE_IMAGE"]


def test_what_its_author_had_deleted_needs_no_statement(world: World) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert statement_of(only(world.verdict("p", "bram", Outcome.REMOVE), Decision)) is None
