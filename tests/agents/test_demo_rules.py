"""The demo's policy: the one in force, with an opening that no evidence supports, and says so."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from agents.demo.rules import AT_LEAST, CLOSING, LABEL, LANGUAGE, NAME, PEOPLE, REMOVE_RULE, write_rules
from agents.routing import fitting
from agents.settings import load
from pipeline.policy.check import openings
from pipeline.policy.roster import read_roster
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.facts import facts_of
from tests.agents.test_routing import DEFAULT

CLOSES_AT = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


def test_the_machine_may_do_one_thing_more_and_the_file_says_never_to_use_it(tmp_path: Path) -> None:
    settings = load(**write_rules(load(**PEOPLE), tmp_path, CLOSES_AT))
    policies, regions = fitting(settings)
    (policy,) = policies.policies
    (default,) = fitting(load())[0].policies
    bundle = read_bundle(settings.model)
    facts = facts_of(bundle)
    (more,) = set(openings(policy, facts)) - set(openings(default, facts))
    assert more.startswith(f"remove {LABEL} in {LANGUAGE} from {AT_LEAST} ")
    assert REMOVE_RULE in {rule.id for rule in policy.rules}
    assert policy.name == NAME
    for file in (tmp_path / "policy").rglob("*.toml"):
        assert file.read_text(encoding="utf-8").startswith("# DEMO POLICY: ACTS WITHOUT EVIDENCE, NEVER USE IT.")
    closing = regions.by_name(CLOSING)
    assert closing is not None
    assert closing.closed_since == CLOSES_AT
    assert read_roster(settings.roster, regions).simulated


def test_without_evidence_nothing_is_opened(tmp_path: Path) -> None:
    own, made = tmp_path / "own", tmp_path / "made"
    made.mkdir()
    shutil.copytree(load().policy / "evidence", own / "evidence")
    lines = [line for line in DEFAULT.splitlines() if not line.startswith("evidence")]
    (own / "policy.toml").write_text("\n".join(lines), encoding="utf-8")
    settings = load(**write_rules(load(**PEOPLE, policy=own / "policy.toml"), made, CLOSES_AT))
    (policy,) = fitting(settings)[0].policies
    assert policy.evidence is None
    assert REMOVE_RULE not in {rule.id for rule in policy.rules}
