"""What `sluice policy check` finds, and that the policy in the package passes it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.config import read_toml
from pipeline.policy.check import Level, check, openings
from pipeline.policy.evidence import Evidence
from pipeline.policy.facts import Facts
from pipeline.policy.policy import Policy, Scope, read_policies
from pipeline.policy.regions import Regions, read_regions
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.facts import facts_of
from pipeline.scoring.tiers import read_tiers
from schemas.records import Unassessed

CASES = Path(__file__).parent / "cases"
PACKAGED = Path(pipeline.__file__).parent

PACKAGED_BUNDLE = read_bundle(PACKAGED / "models" / "default")
PACKAGED_MODEL = facts_of(PACKAGED_BUNDLE)


@pytest.fixture
def house() -> Policy:
    evidence = read_toml(CASES / "evidence.toml", Evidence)
    return read_policies(CASES / "policy.toml").policies[0].with_evidence(evidence)


@pytest.fixture
def regions() -> Regions:
    return Regions.model_validate(
        {
            "regions": [
                {"name": "all", "languages": ["nl", "fr", "en", "ms"], "default": True},
                {"name": "nordics", "languages": ["sv"]},
            ]
        }
    )


def with_threat_limit_at(house: Policy, at_least: float) -> Policy:
    rules = [{**rule.model_dump(), "at_least": at_least if rule.id == "threat-limit" else rule.at_least} for rule in house.rules]
    return Policy.model_validate(house.model_dump() | {"rules": rules}).with_evidence(house.evidence)


def test_openings_are_what_routing_does(house: Policy) -> None:
    """Not in a language that the model is not calibrated for; in ms from where id is open as well; and by market where that differs."""
    facts = Facts("tiny@1", {"toxic", "threat"}, {"en", "ms"})
    in_both = "ms from 0.75 (59 of 60 right)"
    assert f"limit threat in en from 0.7 (98 of 100 right), {in_both}" in openings(house, facts)
    assert not [line for line in openings(house, facts) if "toxic" in line and "ms" in line]
    assert f"limit threat in {in_both}" in openings(house, facts._replace(uncalibrated={"en"}))
    rules = [rule.model_dump() for rule in house.rules]
    own = {"id": "threat-limit-de", "label": "threat", "action": "limit", "at_least": 0.9, "markets": ["DE"]}
    never = {**own, "id": "threat-limit-fr", "at_least": 0.99, "markets": ["FR"]}
    policy = Policy.model_validate(house.model_dump() | {"rules": [*rules, own, never]}).with_evidence(house.evidence)
    (line,) = [line for line in openings(policy, facts._replace(languages={"en"})) if "threat" in line]
    assert line == "limit threat in en from 0.7 (98 of 100 right), en in DE from 0.9 (30 of 30 right), en not in FR"


LANGUAGES = {"nl", "fr", "en", "ms", "sv"}
ALWAYS = {
    "region 'nordics' serves no market: posts reach it by their language only",
}


@pytest.mark.parametrize(
    ("labels", "languages", "error", "warning"),
    [
        ({"toxic", "threat"}, LANGUAGES, set(), set()),
        ({"toxic"}, LANGUAGES, {"house@7: label 'threat' is none of the model's (toxic)"}, set()),
        (
            {"toxic", "threat", "spam"},
            LANGUAGES,
            set(),
            {"house@7: the model's label 'spam' is not in the policy, so nothing follows from it"},
        ),
        (
            {"toxic", "threat"},
            LANGUAGES | {"sw"},
            set(),
            {"no region speaks 'sw', a language of the model: its posts go to their market's region, flagged out of language"},
        ),
        (
            {"toxic", "threat"},
            LANGUAGES - {"fr"},
            set(),
            {"house@7: rule 'toxic-review-nl-be' is for 'fr', a language that the model was not made for"},
        ),
    ],
)
def test_findings(labels: set[str], languages: set[str], error: set[str], warning: set[str], house: Policy, regions: Regions) -> None:
    findings = check(house, regions, Facts("tiny@1", labels, languages))
    assert {finding.text for finding in findings if finding.level is Level.ERROR} == error
    assert {finding.text for finding in findings if finding.level is Level.WARNING} == warning | ALWAYS


def test_languages_that_nobody_will_speak_or_may_see_somewhere_are_found(house: Policy) -> None:
    regions = Regions.model_validate(
        {
            "regions": [
                {"name": "english", "languages": ["en"], "markets": ["GB"], "location": "EU"},
                {"name": "dutch", "languages": ["nl"], "markets": ["NL"], "closed_since": "2027-01-01T00:00:00Z"},
                {"name": "asia", "languages": ["ms"], "markets": ["SG"], "location": "SG"},
            ],
            "data": [{"markets": ["NL", "DE"], "locations": ["EU"]}],
        }
    )
    texts = [finding.text for finding in check(house, regions, Facts("tiny@1", {"toxic", "threat"}, {"en", "nl", "ms"}))]
    assert (
        "no region that stays open speaks 'nl', a language of the model: its posts go to their market's region, flagged out of language"
    ) in texts
    assert "nobody who speaks 'ms' may see posts of DE, NL: there they go to others, flagged out of language" in texts
    assert not any("'en'" in text for text in texts)


def test_a_label_without_rules_is_found(house: Policy, regions: Regions) -> None:
    silent = Policy.model_validate({**house.model_dump(), "rules": [rule for rule in house.rules if rule.label != "threat"]})
    texts = [finding.text for finding in check(silent, regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES))]
    assert "house@7: label 'threat' has no rule, so nothing follows from it" in texts


def test_errors_come_first(house: Policy, regions: Regions) -> None:
    assert check(house, regions, Facts("tiny@1", {"toxic"}, LANGUAGES))[0].level is Level.ERROR


def test_the_packaged_policy_fits_the_packaged_model_and_regions() -> None:
    regions = read_regions(PACKAGED / "policies" / "regions.toml")
    for policy in read_policies(PACKAGED / "policies" / "default").policies:
        assert all("can never" in finding.text for finding in check(policy, regions, PACKAGED_MODEL))


def test_the_packaged_evidence_is_on_both_tiers_of_the_packaged_model() -> None:
    versions = {described.bundle.model_version for described in read_tiers(PACKAGED / "models" / "default").values()}
    for policy in read_policies(PACKAGED / "policies" / "default").policies:
        assert policy.evidence
        assert set(policy.evidence.model_versions) == versions


def test_by_the_packaged_policy_nothing_is_done_alone_in_a_language_without_evidence() -> None:
    """Dutch among them: nobody labelled Dutch rows."""
    for policy in read_policies(PACKAGED / "policies" / "default").policies:
        without = [tag for tag in PACKAGED_MODEL.languages if policy.lacks_evidence([tag], PACKAGED_MODEL.version)]
        assert "nl" in without
        for language, rule in itertools.product(without, policy.rules):
            assert policy.acts_alone_from(Scope((language,), ""), rule.label, rule.action, PACKAGED_MODEL.version) is None
        assert policy.unassessed_rule([Unassessed.NO_CALIBRATION], "nl", "NL").review_share > 0


@pytest.mark.parametrize(
    ("version", "evidence", "why"),
    [
        ("tiny@2", True, "the evidence is on tiny@1, tiny-fast@1, not on tiny@2"),
        ("tiny@1", False, "the [automation] of house@7 names no evidence"),
    ],
)
def test_rules_that_can_never_act_alone_are_found(version: str, evidence: bool, why: str, house: Policy, regions: Regions) -> None:
    policy = house if evidence else house.with_evidence(None)
    texts = {finding.text for finding in check(policy, regions, Facts(version, {"toxic", "threat"}, LANGUAGES))}
    for rule, action in (("toxic-limit", "limit"), ("toxic-remove", "remove"), ("threat-limit", "limit")):
        assert f"house@7: rule {rule!r} can never {action} alone: {why}" in texts


@pytest.mark.parametrize(
    ("at_least", "languages", "said"),
    [
        (0.8, {"en"}, "stands at 0.8, above the lowest threshold of its evidence: in en it acts from 0.9 (30 of 30 right)"),
        (0.95, {"en"}, "stands at 0.95, above the lowest threshold of its evidence: in en it never acts"),
        (0.95, {"en"}, "can never limit alone: the evidence holds from 0.7 (98 of 100 right) and, among others, from 0.9 (30 of 30 right), "
         "and what lies above a threshold says nothing of what lies above a higher one, such as 0.95"),
    ],
)  # fmt: skip
def test_a_rule_above_its_evidence_is_found(at_least: float, languages: set[str], said: str, house: Policy, regions: Regions) -> None:
    policy = with_threat_limit_at(house, at_least)
    texts = [finding.text for finding in check(policy, regions, Facts("tiny@1", {"toxic", "threat"}, languages))]
    found = next(text for text in texts if text.startswith(f"house@7: rule 'threat-limit' {said}"))
    assert found.endswith(("and could from 0.7 (98 of 100 right); lower the rule's to rely on more", "the rule could rely on it"))


def test_openings_say_from_where(house: Policy) -> None:
    facts = Facts("tiny@1", {"toxic", "threat"}, {"en", "nl", "fr"})
    assert [line for line in openings(house, facts) if "threat" in line] == ["limit threat in en from 0.7 (98 of 100 right)"]
    assert "limit threat in en from 0.9 (30 of 30 right)" in openings(with_threat_limit_at(house, 0.8), facts)
    assert not [line for line in openings(with_threat_limit_at(house, 0.95), facts) if "threat" in line]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"unassessed": {"languages": ["pt-BR"]}},
            "house@7: unassessed rule 'odd' is for 'pt-BR', and no post has that language: it has 'pt'",
        ),
        ({"audit": {"languages": ["xx"]}}, "house@7: audit rule 'odd' is for 'xx', and no post has that language"),
        ({"audit": {"markets": ["UK"]}}, "house@7: audit rule 'odd' is for the market 'UK', which is no country of ISO 3166-1 (it is GB)"),
    ],
)
def test_a_rule_of_any_kind_that_holds_for_no_post_is_found(
    changes: dict[str, dict[str, list[str]]], said: str, house: Policy, regions: Regions
) -> None:
    content = house.model_dump()
    if "unassessed" in changes:
        odd = {"id": "odd", "reasons": ["media"], "review_share": 1, "action": "allow", **changes["unassessed"]}
        content["unassessed"] = [odd, *content["unassessed"]]
    else:
        content["audit"] = {"seed": "s", "rules": [{"id": "odd", "share": 0.1, **changes["audit"]}]}
    findings = check(Policy.model_validate(content), regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES))
    assert [finding.level for finding in findings if finding.text == said] == [Level.WARNING]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"reasons": ["too_long"]}, {"reasons": ["too_long", "media"]}, "unassessed rule 'second' is never reached for reasons too_long"),
        (
            {"reasons": ["media"], "languages": ["nl"]},
            {"reasons": ["media"], "languages": ["nl", "fr"]},
            "unassessed rule 'second' is never reached for languages nl",
        ),
        ({"reasons": ["media"], "languages": ["nl"]}, {"reasons": ["media"]}, None),  # what it is for beside the more special one
        ({"reasons": ["media"], "languages": ["nl"]}, {"reasons": ["media", "too_long"], "languages": ["nl", "fr"]}, None),
        ({"reasons": ["media"], "markets": ["NL"]}, {"reasons": "all", "markets": ["NL"]}, None),
    ],
)
def test_a_rule_that_is_never_reached_for_a_part_of_what_it_names_is_found(
    first: dict[str, Any], second: dict[str, Any], said: str | None, house: Policy, regions: Regions
) -> None:
    also = [{"id": name, "review_share": 1, "action": "allow", **what} for name, what in (("first", first), ("second", second))]
    rest = [rule.model_dump() for rule in house.unassessed if rule.id not in {"media-de"}]
    policy = Policy.model_validate(house.model_dump() | {"unassessed": [*also, *rest]})
    texts = [each.text for each in check(policy, regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES)) if "never reached" in each.text]
    assert texts == ([f"house@7: {said}: rules before it take that"] if said else [])


def test_an_audit_rule_that_is_never_reached_for_a_label_is_found(house: Policy, regions: Regions) -> None:
    rules = [{"id": "a", "labels": ["toxic"], "share": 0.1}, {"id": "b", "labels": ["threat", "toxic"], "share": 0.2}]
    policy = Policy.model_validate(house.model_dump() | {"audit": {"seed": "s", "rules": [*rules, {"id": "c", "share": 0.3}]}})
    texts = [each.text for each in check(policy, regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES)) if "never reached" in each.text]
    assert texts == ["house@7: audit rule 'b' is never reached for labels toxic: rules before it take that"]


def test_a_language_that_no_post_has_is_not_said_to_lack_a_model_too(house: Policy, regions: Regions) -> None:
    odd = [rule.model_copy(update={"languages": frozenset({"en-GB"})}) if rule.id == "toxic-limit" else rule for rule in house.rules]
    policy = house.model_copy(update={"rules": tuple(odd)})
    texts = [
        finding.text for finding in check(policy, regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES)) if "'en-GB'" in finding.text
    ]
    assert texts == ["house@7: rule 'toxic-limit' is for 'en-GB', and no post has that language: it has 'en'"]


@pytest.mark.parametrize(("days", "found"), [(30, True), (183, True), (184, False), (190, False)])
def test_less_than_six_months_for_an_appeal_are_found(days: int, found: bool, house: Policy, regions: Regions) -> None:
    policy = house.model_copy(update={"people": house.people.model_copy(update={"appeal_days": days})})
    texts = [finding.text for finding in check(policy, regions, Facts("tiny@1", {"toxic", "threat"}, LANGUAGES))]
    assert any(text.startswith(f"house@7: people.appeal_days is {days};") for text in texts) is found
