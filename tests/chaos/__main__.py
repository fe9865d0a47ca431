"""`make chaos`: the long form."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.chaos import cases, cluster, rolling
from tests.chaos.chaos import Plan, run
from tests.support.kafka import KafkaBroker, KafkaCluster
from tests.support.tiny_model import build_tiny_bundle

LONG = Plan(
    posts=100_000, rate=500, stage_kills=20, stage_kill_every=6.5, broker_kills=3, broker_down=8, broker_kill_every=7,
)  # fmt: skip
LONG_CASES = cases.Plan(cases=20_000, kills=20)
LONG_CLUSTER = cluster.Plan(rate=200, kills=9, disks=3, down=8, kill_every=5)
LONG_ROLLING = rolling.Plan(rate=200, rounds=3)
STALL_LIMIT_SECONDS = 10.0
DATA = Path(__file__).parents[1] / "integration" / "data"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="sluice-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with KafkaBroker(folder / "kafka") as broker:
            report = run(broker, "chaos.", folder, LONG)
            print(report)
            print(f"longest stall without broker kills: at most {STALL_LIMIT_SECONDS:.0f} s is promised")
            model = build_tiny_bundle(folder / "tiny")
            restarts = rolling.run(broker, "rolling.", folder / "rolling", LONG_ROLLING, model=model)
            print(restarts)
            print(f"longest stall: at most {STALL_LIMIT_SECONDS:.0f} s is promised")
            files = {name: DATA / f"{name}.toml" for name in ("policy", "regions", "roster")}
            people = cases.run(broker, "chaos.", folder, {"model": model, **files}, LONG_CASES)
            print(people)
        with KafkaCluster(folder / "cluster") as three:
            copies = cluster.run(three, folder, LONG_CLUSTER, model)
            print(copies)
    sound = report.findings.sound and restarts.findings.sound and people.sound and copies.findings.sound
    sys.exit(0 if sound and max(report.longest_stall, restarts.longest_stall) <= STALL_LIMIT_SECONDS else 1)
