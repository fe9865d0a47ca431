"""The short form of `make chaos`: workers and broker are killed, nothing is lost, and cases end as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import cases, rolling
from tests.chaos.chaos import Plan, run
from tests.support.kafka import Broker, KafkaBroker

SHORT = Plan(
    posts=5000, rate=200, stage_kills=3, stage_kill_every=3, broker_kills=1, broker_down=1, broker_kill_every=2, share_with_broker_kills=0.2
)


@pytest.mark.kafka
def test_nothing_is_lost_while_stages_and_broker_are_killed(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        report = run(broker, "chaos.", tmp_path, SHORT)
    print(report)
    assert report.findings.sound, str(report)
    assert report.stage_kills == 3
    assert report.broker_kills == 1


@pytest.mark.kafka
def test_cases_end_as_if_their_workers_had_not_been_killed(kafka: Broker, rules: dict[str, object], tmp_path: Path) -> None:
    report = cases.run(kafka, "chaos-cases.", tmp_path, rules, cases.Plan(cases=600, kills=3, session=6))
    print(report)
    assert report.sound, str(report)
    assert report.kills == 3


@pytest.mark.kafka
def test_nothing_is_lost_in_a_rolling_restart(kafka: Broker, rules: dict[str, object], tmp_path: Path) -> None:
    report = rolling.run(kafka, "rolling.", tmp_path, rolling.Plan(rate=100, rounds=1), model=rules["model"])
    print(report)
    assert report.findings.sound, str(report)
    assert report.restarts == 2
