"""Statements of what people decided, as the cases stage publishes it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.statements.record import AutomatedDecision, StatementOfReasons, YesNo
from pipeline.statements.statement import statement_of
from schemas.cases import CaseEventKind
from schemas.people import Outcome
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
