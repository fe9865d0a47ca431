"""Evidence is read with the policy that names it, or refused with a sentence."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.policy.automation import Targets
from pipeline.policy.policy import Policy, PolicySet, Scope, read_policies, read_targets
from pipeline.policy.rules import RuleAction

CASES = Path(__file__).parent / "cases"
HOUSE = (CASES / "policy.toml").read_text()
EVIDENCE = (CASES / "evidence.toml").read_text()
ERRORS = tomllib.loads((CASES / "evidence_errors.toml").read_text())["cases"]


def read_with(folder: Path, evidence: str, sha256: str | None = None, name: str = "evidence/1.toml") -> PolicySet:
    """The house policy that names the evidence; its hash is right if none is given."""
    file = folder / "evidence" / "1.toml"
    file.parent.mkdir()
    file.write_text(evidence)
    sha256 = sha256 or hashlib.sha256(evidence.encode()).hexdigest()
    named = f'[automation]\nevidence = "{name}"\nevidence_sha256 = "{sha256}"\n\n[automation.targets]'
    (folder / "policy.toml").write_text(HOUSE.replace("[automation.targets]", named))
    return read_policies(folder)


def limits_from(policy: Policy, *languages: str, model_version: str = "tiny@1") -> float | None:
    """Where a post that may be in `languages` is limited as a threat by the machine alone."""
    return policy.acts_alone_from(Scope(languages, "GB"), "threat", RuleAction.LIMIT, model_version)


def at(policy: Policy, threshold: float) -> Policy:
    """The policy with its rule that limits threats at `threshold`."""
    rules = [{**rule.model_dump(), "at_least": threshold if rule.id == "threat-limit" else rule.at_least} for rule in policy.rules]
    return Policy.model_validate(policy.model_dump() | {"rules": rules}).with_evidence(policy.evidence)


@pytest.mark.parametrize(
    ("at_least", "languages", "acts_from"),
    [
        (0.5, ["en"], 0.7),
        (0.71, ["en"], 0.75),
        (0.75, ["en"], 0.75),
        (0.76, ["en"], 0.9),
        (0.91, ["en"], None),  # what lies above .9 says nothing of what lies above .91
        (0.75, ["id"], 0.75),
        (0.76, ["id"], None),  # its file says nothing but where its band opens
        (0.5, ["en", "id"], 0.75),
        (0.76, ["en", "id"], None),
    ],
)
def test_a_rule_acts_from_the_lowest_threshold_that_passed_and_is_not_below_its_own(
    at_least: float, languages: list[str], acts_from: float | None, tmp_path: Path
) -> None:
    (policy,) = read_with(tmp_path, EVIDENCE).policies
    assert limits_from(at(policy, at_least), *languages) == acts_from


def test_without_a_threshold_that_passed_in_both_languages_the_machine_does_nothing_in_either(tmp_path: Path) -> None:
    """English passed from .7, .75 and .9, Indonesian here from .8."""
    (policy,) = read_with(tmp_path, EVIDENCE.replace("threshold = 0.75\nflagged = 100", "threshold = 0.8\nflagged = 100")).policies
    assert (limits_from(policy, "en"), limits_from(policy, "id"), limits_from(policy, "en", "id")) == (0.7, 0.8, None)


def test_evidence_comes_with_its_policy_and_is_no_policy_itself(tmp_path: Path) -> None:
    (policy,) = read_with(tmp_path, EVIDENCE).policies
    assert policy.evidence
    assert policy.evidence.covers("tiny@1", "nl") and policy.evidence.covers("tiny-fast@1", "en")
    assert not policy.evidence.covers("tiny@2", "nl") and not policy.evidence.covers("tiny@1", "fr")
    assert [limits_from(policy, tag) for tag in ("en", "id", "nl", "fr")] == [0.7, 0.75, None, None]
    assert limits_from(policy, "en", model_version="tiny@2") is None


def test_evidence_on_posts_that_reached_a_rule_opens_bands_and_covers_no_language(tmp_path: Path) -> None:
    (policy,) = read_with(tmp_path, EVIDENCE.replace("made_on", "reached_only = true\nmade_on", 1)).policies
    assert policy.evidence and not policy.evidence.covers("tiny@1", "en")
    assert limits_from(policy, "en") == 0.7 and policy.lacks_evidence(["en"], "tiny@1")


@pytest.mark.parametrize("case", ERRORS, ids=[case["put"][:40] for case in ERRORS])
def test_wrong_evidence_stops_the_start_with_a_sentence(case: dict[str, str], tmp_path: Path) -> None:
    assert case["find"] in EVIDENCE
    with pytest.raises(ConfigError) as raised:
        read_with(tmp_path, EVIDENCE.replace(case["find"], case["put"], 1))
    assert f"{tmp_path}/evidence/1.toml: {case['error']}" in str(raised.value)


def test_changed_evidence_needs_another_version_of_the_policy(tmp_path: Path) -> None:
    found = hashlib.sha256(EVIDENCE.encode()).hexdigest()
    with pytest.raises(ConfigError) as raised:
        read_with(tmp_path, EVIDENCE, "0" * 64)
    assert str(raised.value) == (
        f"{tmp_path}/evidence/1.toml: its sha256 is {found}, but policy.toml allows only automation.evidence_sha256 = {'0' * 64}; "
        "other evidence needs another version of the policy"
    )


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("evidence/2.toml", "evidence/2.toml cannot be read: No such file or directory"),
        ("../1.toml", "automation.evidence: a path below the policy's folder is allowed (got '../1.toml')"),
        ("/1.toml", "automation.evidence: a path below the policy's folder is allowed (got '/1.toml')"),
    ],
)
def test_evidence_that_is_not_there_is_a_sentence(name: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read_with(tmp_path, EVIDENCE, name=name)
    assert error in str(raised.value)


def test_targets_can_be_read_before_there_is_evidence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_with(tmp_path, EVIDENCE, "0" * 64)
    file, targets = read_targets(tmp_path)
    assert (file.name, targets.precision) == ("policy.toml", {RuleAction.LIMIT: 0.8, RuleAction.REMOVE: 0.9})


def test_a_policy_without_targets_has_none_to_make_evidence_for(tmp_path: Path) -> None:
    without = HOUSE[: HOUSE.index("[automation.targets]")] + HOUSE[HOUSE.index("[[rules]]") :]
    (tmp_path / "policy.toml").write_text(without)
    with pytest.raises(ConfigError, match=r"policy\.toml: automation: is missing"):
        read_targets(tmp_path)


@pytest.mark.parametrize(("prevalence", "least"), [(None, 90), (0.5, 199), (0.05, 3823)])
def test_labelled_posts_without_which_nothing_opens(prevalence: float | None, least: int) -> None:
    """At 95% in five parts: 0.95 ** 90 < 0.01; with a prevalence, how many innocent posts bound the false positive rate tightly enough."""
    targets = Targets(precision={RuleAction.REMOVE: 0.95}, confidence=0.95, least_rows=1, least_positives=1, prevalence=prevalence)
    assert targets.least_without_errors(RuleAction.REMOVE) == least
