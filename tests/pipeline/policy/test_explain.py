"""What the machine may do and why, in sentences: a table of cases, and that they agree with what routing does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.config import read_toml
from pipeline.language.languages import inseparable_from
from pipeline.policy.evidence import Evidence
from pipeline.policy.explain import explain
from pipeline.policy.facts import Facts
from pipeline.policy.policy import Policy, read_policies
from pipeline.policy.rules import RuleAction
from pipeline.routing.judge import judge
from schemas.records import Action, Automation, Unassessed
from tests.pipeline.routing.posts import scored

CASES = Path(__file__).parent / "cases"
EXPLANATIONS = tomllib.loads((CASES / "explanations.toml").read_text())["cases"]
MODEL = Facts("tiny@1", {"toxic", "threat"}, {"en", "nl", "fr", "ms", "id"})
POLICY = read_policies(CASES / "policy.toml").policies[0].with_evidence(read_toml(CASES / "evidence.toml", Evidence))


@pytest.mark.parametrize("case", EXPLANATIONS, ids=[case["name"] for case in EXPLANATIONS])
def test_table(case: dict[str, Any]) -> None:
    found = explain(POLICY, MODEL._replace(version=case.get("model", "tiny@1")), case["language"], case["label"], case.get("market"))
    assert [view.alone_from for view in found.rules if view.alone_from] == case["alone_from"]
    assert found.has_evidence is case["has_evidence"]
    text = " ".join(found.sentences)
    for sentence in case["said"]:
        assert sentence in text
    assert msgspec.json.decode(msgspec.json.encode(found))["sentences"] == list(found.sentences)


@pytest.mark.parametrize("uncalibrated", [(), ("en",), ("ms", "id")], ids=str)
@pytest.mark.parametrize("language", ["en", "nl", "fr", "ms", "id"])
@pytest.mark.parametrize("label", ["toxic", "threat"])
def test_it_says_what_routing_does(label: str, language: str, uncalibrated: tuple[str, ...]) -> None:
    """With posts as they come: ms and id may be either, and the scoring stage says where the model is not calibrated."""
    found = explain(POLICY, MODEL._replace(uncalibrated=uncalibrated), language, label)
    marked = (Unassessed.NO_CALIBRATION,) if language in uncalibrated else ()
    for hundredths in range(101):
        probability = hundredths / 100
        judged = judge(
            scored(tag=language, alternatives=inseparable_from(language), scores={label: probability}, unassessed=marked), POLICY
        )
        alone = [view for view in found.rules if view.alone_from is not None and view.alone_from <= probability]
        reached = {view.rule for view in found.rules if view.at_least <= probability}
        assert (judged.action in {Action.LIMIT, Action.REMOVE} and judged.automation is Automation.FULL) is bool(alone)
        assert {reason.rule for reason in judged.reasons if reason.label} == reached
        if not reached:
            assert (Unassessed.NO_CALIBRATION in judged.unassessed) is not found.has_evidence


@pytest.mark.parametrize(
    ("language", "uncalibrated", "said"),
    [
        (
            "en",
            {"en"},
            "From 0.7 rule threat-limit asks for limit, but a person looks instead: the scores of tiny@1 are not calibrated for en.",
        ),
        ("en", {"en"}, "as the scores of tiny@1 are not calibrated for en, none of it goes to people (rule rest, no_calibration)."),
        ("ms", {"ms"}, "the scores of tiny@1 are not calibrated for ms and id, which cannot be told apart."),
        (
            "ms",
            set(),
            "From 0.75 a post is limited by the machine alone (rule threat-limit): of 400 labelled posts 60 lie there, 59 of them rightly",
        ),
        ("ms", set(), "In id, which cannot be told from it, 100 of 400 lie there, 98 of them rightly."),
        ("ms", set(), "What is surely in ms is limited by the machine alone from 0.7."),
    ],
)
def test_what_the_model_is_not_calibrated_for_and_what_cannot_be_told_apart(language: str, uncalibrated: set[str], said: str) -> None:
    assert said in " ".join(explain(POLICY, MODEL._replace(uncalibrated=uncalibrated), language, "threat").sentences)


def test_a_language_is_judged_with_the_one_that_it_cannot_be_told_from() -> None:
    """Toxic posts are removed in ms by its own rule and band; id has neither."""
    found = explain(POLICY, MODEL, "ms", "toxic")
    assert [view.alone_from for view in found.rules if view.action != "review"] == [None, None]
    assert "a person looks instead: no rule asks for remove in id (a post in ms may as well be in id)." in " ".join(found.sentences)
    assert "What is surely in ms is removed by the machine alone from 0.95." in " ".join(found.sentences)
    assert POLICY.evidence
    only_ms = POLICY.evidence.model_dump() | {"bands": [each.model_dump() for each in POLICY.evidence.bands if each.language != "id"]}
    lacking = explain(POLICY.with_evidence(Evidence.model_validate(only_ms)), MODEL, "ms", "threat")
    assert lacking.sentences[-2].startswith("What reaches no threshold is allowed; as no labelled posts say how good tiny@1 is in id,")
    assert lacking.sentences[-1] == "Of what is surely in ms the machine allows it."


@pytest.mark.parametrize("market", [None, "BE", "GB"])
def test_without_a_market_rules_for_some_markets_are_named(market: str | None) -> None:
    said = "In some markets other rules hold: toxic-review-be (BE, LU), toxic-review-nl-be (BE); `--market` says what follows there."
    assert (said in explain(POLICY, MODEL, "nl", "toxic", market).sentences) is (market is None)
    assert "In some markets" not in " ".join(explain(POLICY, MODEL, "nl", "threat", market).sentences)
    nothing = "The machine limits or removes nothing for toxic in nl, by rules for all markets."
    assert (nothing in explain(POLICY, MODEL, "nl", "toxic", market).sentences) is (market is None)


def changed(changes: dict[str, Any], **evidence: Any) -> Policy:
    policy = Policy.model_validate({**POLICY.model_dump(), **changes})
    return policy.with_evidence(POLICY.evidence and POLICY.evidence.model_copy(update=evidence))


def test_what_is_allowed_is_not_known_from_posts_that_reached_a_rule() -> None:
    found = explain(changed({}, reached_only=True), MODEL, "en", "threat")
    assert (found.has_evidence, [view.alone_from for view in found.rules if view.alone_from]) == (False, [0.7])
    assert (
        "as all labelled posts reached a rule and say nothing of what tiny@1 allows in en, none of it goes to people" in found.sentences[-1]
    )


RESTRICTS = {"category": "STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "clause": "9 Could not be assessed"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"action": "allow", "review_share": 0.002}, "is allowed; as {why}, 0.2% of it go to people, more of what is read much or grave"),
        ({"action": "allow", "review_share": 0.07}, "is allowed; as {why}, 7% of it go to people, more of what is read much or grave"),
        ({"action": "limit", "review_share": 0.125}, "is limited; as {why}, 12.5% of it go to people, more of what is read much or grave"),
        ({"action": "limit", "review_share": 0}, "is limited; as {why}, none of it goes to people"),
        ({"action": "allow", "review_share": 1}, "is allowed; as {why}, all of it goes to people"),
        ({"action": "hold", "review_share": 1}, "is limited until a person has decided, as {why}: all of it goes to people"),
    ],
)
def test_what_reaches_no_threshold_without_evidence_is_told_by_the_action_of_its_rule(rule: dict[str, Any], said: str) -> None:
    rest = {"id": "rest", "reasons": "all", **rule, **(RESTRICTS if rule["action"] != "allow" else {})}
    found = explain(changed({"unassessed": [rest]}), MODEL, "fr", "threat")
    why = "no labelled posts say how good tiny@1 is in fr"
    assert found.sentences[-1] == f"What reaches no threshold {said.format(why=why)} (rule rest, no_calibration)."
    assert (found.unreached, found.unreached_to_people) == (rule["action"], rule["review_share"])


def test_with_evidence_the_machine_allows_what_reaches_no_threshold() -> None:
    found = explain(POLICY, MODEL, "en", "threat")
    assert (found.unreached, found.unreached_to_people) == ("allow", 0.0)


@pytest.mark.parametrize(
    ("band", "said"),
    [
        ({"closed": "few_rows", "more_rows": 60}, "at least 100 are needed; about 60 more like them would open it"),
        (
            {"closed": "precision", "more_rows": 900},
            "from 0.7, 98 of 100 are right, so precision is at least 85.0% and 80% is needed; about 900 more like them would open it",
        ),
        (
            {"closed": "few_rows", "undecided": 150},
            "250 posts are labelled, 200 of them threat (150 more that nobody decided count as not threat), and at least 100 are needed",
        ),
        ({"closed": "precision"}, "and 80% is needed; no number of posts like these would do"),
        (
            {"closed": "group", "groups": [{"name": "women", "rows": 90, "flagged": 20, "high": 0.34}]},
            "a group's false positive rate may be as high as the 10.0% allowed (women: 20 of 90, at most 34.0%)",
        ),
        (
            {"groups": [{"name": "women", "rows": 90, "flagged": 2, "high": 0.09}]},
            "Of 90 posts of women that are not threat, 2 lie from 0.7 on (at most 9.0%).",
        ),
    ],
)
def test_what_is_missing(band: dict[str, Any], said: str) -> None:
    assert POLICY.evidence
    key = ("threat", "en", RuleAction.LIMIT)
    bands = [each.model_dump() | ({"passed": ()} | band if each.key == key else {}) for each in POLICY.evidence.bands]
    evidence = Evidence.model_validate(POLICY.evidence.model_dump() | {"bands": bands})
    found = explain(POLICY.with_evidence(evidence), MODEL, "en", "threat")
    assert said in " ".join(found.sentences)


@pytest.mark.parametrize(
    ("at_least", "alone_from", "said"),
    [
        (
            0.8,
            0.9,
            "From 0.9 a post is limited by the machine alone (rule threat-limit): of 400 labelled posts 30 lie there, 30 of them rightly; "
            "precision is at least 85.0%, 80% is needed. Between 0.8 and 0.9 a person looks instead. The evidence holds from 0.7 (98 of "
            "100 right), too: with a lower `at_least` the rule could rely on that.",
        ),
        (
            0.95,
            None,
            "From 0.95 rule threat-limit asks for limit, but a person looks instead: the evidence holds from 0.7 (98 of 100 right) and, "
            "among others, from 0.9 (30 of 30 right), and what lies above a threshold says nothing of what lies above a higher one, such "
            "as 0.95; with a lower `at_least` the rule could rely on it.",
        ),
    ],
)
def test_a_rule_above_its_evidence_is_told_by_the_threshold_that_it_acts_from(at_least: float, alone_from: float | None, said: str) -> None:
    rules = [{**rule.model_dump(), "at_least": at_least if rule.id == "threat-limit" else rule.at_least} for rule in POLICY.rules]
    found = explain(changed({"rules": rules}), MODEL, "en", "threat")
    view = next(view for view in found.rules if view.rule == "threat-limit")
    assert (view.alone_from, view.why) == (alone_from, said)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (POLICY.with_evidence(None), "the [automation] of house@7 names no evidence"),
        (changed({"automation": None}).with_evidence(None), "house@7 has no [automation], which would say how precise the machine must be"),
        (
            changed({"automation": {"targets": {"precision": {"remove": 0.9}, "confidence": 0.9, "least_rows": 1, "least_positives": 1}}}),
            "house@7 names no target precision for limit",
        ),
    ],
)
def test_without_evidence_it_says_what_the_policy_lacks(policy: Policy, said: str) -> None:
    found = explain(policy, MODEL, "nl", "threat")
    assert f"rule threat-limit asks for limit, but a person looks instead: {said}." in " ".join(found.sentences)
