"""The short form of `make chaos`: worker and broker are killed, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.chaos import Plan, run
from tests.support.kafka import KafkaBroker

SHORT = Plan(
    posts=5000, rate=200, stage_kills=3, stage_kill_every=4, broker_kills=1, broker_down=1, broker_kill_every=2, share_with_broker_kills=0.2
)


@pytest.mark.kafka
def test_nothing_is_lost_while_stages_and_broker_are_killed(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        report = run(broker, "chaos.", tmp_path, SHORT)
    print(report)
    assert report.sound, str(report)
    assert report.stage_kills == 3
    assert report.broker_kills == 1
