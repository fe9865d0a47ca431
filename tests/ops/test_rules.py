"""promtool's word on rules, on the configuration, and on when each alert fires."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ops.made import ALERTS
from tests.support.java import ROOT
from tests.support.promtool import TOOLS

MATCHER = re.compile(r'(\w+) (=|!=|=~|!~) "(.*)"')
TESTS = sorted(Path(__file__).with_name("rules").glob("*.yml"))


def promtool(*arguments: object) -> str:
    """What it says. AssertionError if it objects."""
    program = shutil.which("promtool") or shutil.which("promtool", path=str(TOOLS))
    assert program, "promtool is not here: `make tools` brings it"
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    assert "SUCCESS: 2 rule files found" in promtool("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_is_tested_both_ways() -> None:
    fires: set[str] = set()
    stays_silent: set[str] = set()
    for file in TESTS:
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                (fires if case["exp_alerts"] else stays_silent).add(case["alertname"])
    assert fires == stays_silent == {alert.alert for alert in ALERTS}


def alertmanager() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    return found


def test_severities_are_routed() -> None:
    assert {alert.severity for alert in ALERTS} == {receiver["name"] for receiver in alertmanager()["receivers"]}


def inhibited(source: dict[str, str]) -> set[str]:
    """Alerts that are not told while one with these labels fires."""
    return {
        alert.alert
        for rule in alertmanager()["inhibit_rules"]
        if all(holds(matcher, source) for matcher in rule["source_matchers"])
        for alert in ALERTS
        if all(holds(matcher, {"alertname": alert.alert}) for matcher in rule["target_matchers"])
    }


def holds(matcher: str, labels: dict[str, str]) -> bool:
    """What Alertmanager's matchers mean."""
    name, how, wanted = MATCHER.fullmatch(matcher).groups()  # type: ignore[union-attr]
    same = re.fullmatch(wanted, labels.get(name, "")) if "~" in how else labels.get(name, "") == wanted
    return bool(same) is not how.startswith("!")


def test_what_follows_from_another_alert_is_left_out() -> None:
    stopped = inhibited({"alertname": "SluiceStageDown", "stage": "routing"})
    assert stopped == {"SluiceStageStuck", "SluiceNothingFlows"}
    assert inhibited({"alertname": "SluiceStageDown", "stage": "cases"}) == {"SluiceStageStuck"}
    assert inhibited({"alertname": "SluicePartitionNotAnswering", "stage": "routing"}) == {"SluiceNotCommitting"}
    assert inhibited({"alertname": "SluiceEnforcementNotConfirmed"}) == {"SluiceEnforcementOverdue"}


def test_nothing_is_left_out_for_the_sake_of_an_alert_that_does_not_exist() -> None:
    matchers = [matcher for rule in alertmanager()["inhibit_rules"] for matcher in (*rule["source_matchers"], *rule["target_matchers"])]
    named = {name for matcher in matchers if matcher.startswith("alertname") for name in re.findall(r"Sluice\w+", matcher)}
    assert named <= {alert.alert for alert in ALERTS}
