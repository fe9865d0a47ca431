from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from agents.settings import load
from pipeline.policy.policy import read_policies
from pipeline.scoring.bundle import read_bundle
from pipeline.statements.codes import COUNTRIES, LANGUAGES, content_language
from pipeline.statements.record import MAX_STATEMENTS, Request, StatementOfReasons, Visibility
from pipeline.statements.statement import Scope, puid, statement_of
from schemas.records import Action, Automation, Decision, Reason, Unassessed
from schemas.wire import InvalidRecordError, decoder, encode
from tests.pipeline.statements.decisions import NOW, SECRET, decision, restricting

SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("request.schema.json").read_text(encoding="utf-8")))
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "statements.md").read_text(encoding="utf-8")
decode = decoder(Request)


def stated(one: Decision, **choices: Any) -> dict[str, Any]:
    """The statement as the database gets it; valid, or the test fails."""
    statement = statement_of(one, **choices)
    assert statement is not None
    value = encode(Request(statements=(statement,)))
    assert decode(value).statements == (statement,)
    body = json.loads(value)
    SCHEMA.validate(body)
    (said,) = body["statements"]
    assert isinstance(said, dict)
    return said


def test_a_decision_of_the_machine_is_stated_in_the_words_of_the_database() -> None:
    assert stated(decision()) == {
        "puid": "d1",
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"],
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": "Insults and harassment",
        "incompatible_content_explanation": (
            "The content is suspected to be: insult. This would not be allowed by the clause: Insults and harassment."
        ),
        "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE",
        "content_type": ["CONTENT_TYPE_TEXT"],
        "content_language": "NL",
        "content_date": "2026-11-03",
        "application_date": "2026-11-03",
        "territorial_scope": list(COUNTRIES),
        "decision_facts": (
            "The decision was taken by automated means and holds until a person has looked at the content. Language of the content: NL. "
            "Rules: policy house@1. Probability: estimated by the model tiny@1. Label insult: probability 0.97, threshold 0.95."
        ),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_FULLY",
    }


def test_the_statement_in_the_docs_is_one_of_a_decision_by_the_policy_and_the_model_that_come_along() -> None:
    shown = json.loads(PAGE.split("## One statement")[1].split("```json\n")[1].split("```")[0])
    settings = load()
    policy, model = read_policies(settings.policy).policies[-1], read_bundle(settings.model)
    label = policy.labels["insult"]
    one = decision(
        decision_id=shown["puid"],
        policy_version=policy.id,
        model_version=model.model_version,
        clause=label.clause,
        category=label.category.value,
    )
    assert shown == stated(one)


def test_a_decision_of_a_person_on_a_notice_against_the_law() -> None:
    said = stated(
        decision(
            action=Action.REMOVE,
            automation=Automation.NONE,
            pending=False,
            ground="law",
            clause="Penal code, article 137c",
            source_type="SOURCE_TRUSTED_FLAGGER",
            reasons=(Reason(rule="verdict", label="hate"),),
        )
    )
    assert said["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert (said["automated_detection"], said["automated_decision"]) == ("No", "AUTOMATED_DECISION_NOT_AUTOMATED")
    assert said["illegal_content_legal_ground"] == "Penal code, article 137c"
    assert said["illegal_content_explanation"].endswith("This is illegal on the ground: Penal code, article 137c.")
    assert said["decision_facts"].endswith("Rules: policy house@1. Label hate.")


MANY = (
    Reason(rule="threats", label="threat", probability=0.9, threshold=0.8),
    Reason(rule="sexual-review", label="sexual", probability=0.8, threshold=0.75),
)


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({}, "The content is suspected to be: threat. This would not be allowed by the clause: Threats."),
        ({"ground": "law"}, "The content is suspected to be: threat. This would be illegal on the ground: Threats."),
        (
            {"pending": False, "automation": Automation.FULL},
            "The content was found to be: threat. This is not allowed by the clause: Threats.",
        ),
        (
            {"automation": Automation.NONE, "reasons": (Reason(rule="escalated"),)},
            "A person suspects a violation. This would not be allowed by the clause: Threats.",
        ),
        (
            {"automation": Automation.NONE, "pending": False, "reasons": (Reason(rule="verdict"),)},
            "A person found a violation. This is not allowed by the clause: Threats.",
        ),
    ],
)
def test_what_is_suspected_is_no_finding_and_only_the_label_that_decides_is_named(changes: dict[str, Any], explained: str) -> None:
    said = stated(decision(**{"clause": "Threats", "reasons": MANY} | changes))
    assert explained in (said.get("incompatible_content_explanation"), said.get("illegal_content_explanation"))
    assert "sexual" not in json.dumps(said)


def test_what_a_person_holds_until_another_has_looked_says_so() -> None:
    said = stated(decision(automation=Automation.NONE, reasons=(Reason(rule="unconfirmed", label="threat"),)))
    assert said["decision_facts"].startswith(
        "The decision was taken by a person and holds until another person has looked at the content. "
    )
    assert said["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"


@pytest.mark.parametrize(
    ("pending", "automation", "explained"),
    [
        (
            True,
            Automation.PARTIAL,
            "The content could not be assessed by automated means and is held until it can be assessed. Clause: Held.",
        ),
        (False, Automation.FULL, "The content could not be assessed by automated means and is restricted for that reason. Clause: Held."),
    ],
)
@pytest.mark.parametrize("ground", ["terms", "law"])
def test_what_was_not_assessed_is_held_and_not_found_illegal(ground: str, pending: bool, automation: Automation, explained: str) -> None:
    fault = {"reasons": (Reason(rule="our-fault"),), "unassessed": (Unassessed.STAGE_ERROR,), "language": "und", "clause": "Held"}
    said = stated(decision(ground=ground, pending=pending, automation=automation, **fault))
    assert said["incompatible_content_explanation"] == explained
    assert (said["automated_detection"], said["automated_decision"]) == ("No", "AUTOMATED_DECISION_FULLY")
    assert said["decision_facts"].endswith("Not assessed by automated means, or only in part: stage_error.")
    assert "content_language" not in said


@given(restricting)
def test_every_restriction_has_a_valid_statement_and_names_nobody(one: Decision) -> None:
    assert SECRET not in json.dumps(stated(one), ensure_ascii=False)


@pytest.mark.parametrize("action", [Action.ALLOW, Action.RESTORE])
def test_what_restricts_nothing_has_no_statement(action: Action) -> None:
    assert statement_of(decision(action=action)) is None


def test_a_decision_for_its_market_alone_is_stated_where_that_is_in_the_eea() -> None:
    assert stated(decision(market="IS"), scope=Scope.MARKET)["territorial_scope"] == ["IS"]
    assert statement_of(decision(market="US"), Scope.MARKET) is None
    assert stated(decision(market="RE"), scope=Scope.MARKET)["territorial_scope"] == ["FR"]
    assert stated(decision(market="AX"), scope=Scope.MARKET)["territorial_scope"] == ["FI"]
    assert statement_of(decision(market="NC"), Scope.MARKET) is None  # of France, but not under the law of the Union
    assert stated(decision(market="US"))["territorial_scope"] == list(COUNTRIES)


@pytest.mark.parametrize(
    ("content_types", "stated_as"),
    [
        (("CONTENT_TYPE_IMAGE",), ["CONTENT_TYPE_IMAGE"]),
        (("CONTENT_TYPE_IMAGE", "CONTENT_TYPE_TEXT"), ["CONTENT_TYPE_IMAGE", "CONTENT_TYPE_TEXT"]),
        (("unheard-of", "unheard-of-too"), ["CONTENT_TYPE_OTHER"]),
        ((), ["CONTENT_TYPE_TEXT"]),  # of a decision from before they were written down
    ],
)
def test_all_content_types_are_stated(content_types: tuple[str, ...], stated_as: list[str]) -> None:
    said = stated(decision(content_types=content_types))
    assert said["content_type"] == stated_as
    assert ("content_type_other" in said) == (stated_as == ["CONTENT_TYPE_OTHER"])


def test_limit_is_what_the_platform_makes_of_it() -> None:
    assert stated(decision(), limit_is=Visibility.AGE_RESTRICTED)["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED"]
    removed = stated(decision(action=Action.REMOVE), limit_is=Visibility.AGE_RESTRICTED)
    assert removed["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]


@pytest.mark.parametrize(
    ("created", "stated_as"),
    [
        ("2026-11-04T01:00:00+02:00", "2026-11-03"),  # in UTC
        ("2026-11-05T00:00:00Z", "2026-11-03"),  # not after it was received
        ("1970-01-01T00:00:00Z", "2026-11-03"),
        ("2000-01-01T00:00:00Z", "2000-01-01"),
    ],
)
def test_an_impossible_date_of_the_producer_is_the_day_of_receipt(created: str, stated_as: str) -> None:
    assert stated(decision(content_date=dt.datetime.fromisoformat(created), received_at=NOW))["content_date"] == stated_as


@pytest.mark.parametrize(("tag", "code"), [("nl", "NL"), ("pt-BR", "PT"), ("und", None), ("other", None), ("fil", None), ("", None)])
def test_languages_are_those_of_iso_639_1(tag: str, code: str | None) -> None:
    assert content_language(tag) == code
    assert len(LANGUAGES) == 182


def test_an_id_that_the_database_does_not_take_is_hashed() -> None:
    assert puid("0f" * 16) == "0f" * 16
    assert len({puid("a.b"), puid("a:b"), puid("a-b")}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"puid": "a b"},
        {"territorial_scope": ("US",)},
        {"territorial_scope": ()},
        {"content_language": "XX"},
        {"decision_facts": "x" * 5001},
        {"decision_facts": ""},
        {"incompatible_content_ground": "x" * 501},
        {"incompatible_content_explanation": None},
        {"illegal_content_legal_ground": "law"},
        {"application_date": "2019-12-31"},
        {"content_date": "2038-01-02"},
        {"content_type": ["CONTENT_TYPE_OTHER"]},
        {"decision_visibility": []},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_database_would_refuse_is_refused_here(changes: dict[str, Any]) -> None:
    body = {"statements": [{name: value for name, value in (stated(decision()) | changes).items() if value is not None}]}
    with pytest.raises(InvalidRecordError):
        decode(json.dumps(body).encode())


def test_a_request_holds_a_hundred_statements_and_none_twice() -> None:
    many = tuple(statement_of(decision(decision_id=f"d{number}")) for number in range(MAX_STATEMENTS + 1))
    statements = [each for each in many if isinstance(each, StatementOfReasons)]
    with pytest.raises(ValueError, match="a `puid` may stand once"):
        Request(statements=(statements[0], statements[0]))
    SCHEMA.validate(json.loads(encode(Request(statements=tuple(statements[:100])))))
    with pytest.raises(InvalidRecordError):
        decode(encode(Request(statements=tuple(statements))))
