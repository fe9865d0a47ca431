"""Rules that a cascade's fast tier could reach alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.policy.check import Level
from pipeline.policy.policy import read_policies
from pipeline.policy.settled import check_settled, require_settled

POLICIES = read_policies(Path(__file__).parent / "cases" / "policy.toml")


def test_thresholds_above_what_is_settled_are_no_finding() -> None:
    assert check_settled(POLICIES, {}) == []
    assert check_settled(POLICIES, {"nl": {"toxic": 0.05, "threat": 0.05}}) == []


def test_a_rule_for_people_below_it_is_a_warning_and_one_for_the_machine_an_error() -> None:
    found = check_settled(POLICIES, {"en": {"toxic": 0.99, "threat": 0.1}})
    assert [finding.level for finding in found] == sorted((finding.level for finding in found), key=lambda level: level is not Level.ERROR)
    assert {finding.level for finding in found} == {Level.ERROR, Level.WARNING}
    assert all("fast tier alone decides on 'toxic' below 0.99: a threshold of at least that is allowed" in each.text for each in found)
    with pytest.raises(ConfigError, match=r"fast tier alone decides on 'toxic' below 0.99"):
        require_settled(POLICIES, {"en": {"toxic": 0.99, "threat": 0.1}})
