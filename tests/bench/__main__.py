"""`make bench`: all measurements in one go, alternating, as a table and build/bench.json.

`python -m tests.bench relay latency` runs some of the parts; the others keep what build/bench.json has.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.settings import load
from pipeline.flow import STAGES
from pipeline.scoring.tiers import Tier, read_tiers
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE
from schemas.wire import encode
from tests.bench import cases as stage
from tests.bench import model as models
from tests.bench import pipeline
from tests.support.clients import Outgoing, OwnTopics
from tests.support.kafka import KafkaBroker
from tests.support.tiny_model import build_tiny_bundle

RESULT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
ROUNDS = 5
RELAY_POSTS = {"sluice": 300_000, "confluent": 300_000, "faust": 15_000}
PER_FILL = 15_000
COMPUTE_POSTS = 4000
COMPUTE_ROUNDS = 3
LATENCY_SECONDS = 20
IDLE_SECONDS = 30
CASES, CASE_ROUNDS = 10_000, 3
OPEN_CASES = 200_000
FIRST, LAST = 100_000, 1_000_000
Result = dict[str, Any]
out = Console()


def relay(broker: KafkaBroker, folder: Path) -> Result:
    """One stage that forwards, in three ways, in an order that turns each round; medians. Round 0 warms the broker and does not count."""
    found: dict[str, list[dict[str, float]]] = {variant: [] for variant in RELAY_POSTS}
    sample = [Outgoing(post.conversation_id.encode(), encode(post)) for post in pipeline.texts(PER_FILL)]
    variants = list(RELAY_POSTS)
    for number in range(ROUNDS + 1):
        for variant in variants:
            one = relay_once(broker.address, f"relay{number}{variant}.", variant, sample)
            out.print(f"  relay round {number}: {variant:<10} {one['rate']:>9.0f} msg/s {one['cpu_us']:>6.1f} us", highlight=False)
            if number:
                found[variant].append(one)
        variants = [*variants[1:], variants[0]]
    return {
        "relay_msgs_per_s": {variant: round(statistics.median(one["rate"] for one in runs)) for variant, runs in found.items()},
        "relay_cpu_us": {variant: round(statistics.median(one["cpu_us"] for one in runs), 2) for variant, runs in found.items()},
    }


def relay_once(address: str, prefix: str, variant: str, sample: list[Outgoing]) -> dict[str, float]:
    """Fills the topic, lets the variant forward it, returns rate and CPU microseconds per message."""
    topics = OwnTopics(address, prefix)
    topics.create(POSTS_INCOMING, POSTS_LANGUAGE, partitions={POSTS_INCOMING.name: 6, POSTS_LANGUAGE.name: 6})
    count = RELAY_POSTS[variant]
    for _ in range(count // PER_FILL):
        topics.produce(POSTS_INCOMING, sample)
    command = [sys.executable, "-m", "tests.bench.relay", variant, address, prefix, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    lines = [line[line.index("{") :] for line in done.stdout.splitlines() if "{" in line]  # Faust writes terminal codes before it
    if not lines:
        raise RuntimeError(f"{variant}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    topics.delete()
    result: dict[str, float] = json.loads(lines[-1])
    return result


def over_compute(broker: KafkaBroker, folder: Path) -> Result:
    """CPU of the pipeline's worker per post, over that of the same work in a plain loop; alternating, medians."""
    posts = pipeline.texts(COMPUTE_POSTS)
    plain, whole = [], []
    for number in range(COMPUTE_ROUNDS):
        whole.append(pipeline.throughput(broker.address, f"compute{number}.", folder / f"compute{number}", posts))
        plain.append(pipeline.compute_seconds(posts, whole[-1].asked) / len(posts) * 1e6)
        spent = sum(whole[-1].cpu_us.values())
        out.print(f"  pipeline round {number + 1}: plain loop {plain[-1]:.0f} us, pipeline {spent:.0f} us CPU a post, "
                  f"{whole[-1].posts_per_s:.0f} posts/s", highlight=False)  # fmt: skip
    cpu = statistics.median(sum(one.cpu_us.values()) for one in whole)
    return {
        "pipeline_over_compute": round(cpu / statistics.median(plain), 3),
        "pipeline_cpu_us": round(cpu),
        "compute_cpu_us": round(statistics.median(plain)),
        "sustained_posts_per_s": round(statistics.median(one.posts_per_s for one in whole)),
        "stage_cpu_us": {name: round(statistics.median(one.cpu_us[name] for one in whole), 1) for name in whole[0].cpu_us},
        "stage_rss_mb": {name: round(statistics.median(one.rss_mb[name] for one in whole)) for name in whole[0].rss_mb},
        "case_events_per_post": round(len(whole[0].asked) / len(posts), 3),
    }


def latency(broker: KafkaBroker, folder: Path) -> Result:
    """With the default model at half of what the machine has just sustained, and at 200 posts/s; at 1,000 with the tiny one.

    Two cores do not score 1,000 posts/s with the default model. What comes first also warms the broker.
    """
    tiny = build_tiny_bundle(folder / "latency-model")
    sustained = pipeline.throughput(broker.address, "half.", folder / "half", pipeline.texts(COMPUTE_POSTS)).posts_per_s
    half = round(sustained / 2)
    return {
        "latency_ms": {
            "half": {"posts_per_s": half} | pipeline.latency(broker.address, "lathalf.", folder / "lathalf", half, LATENCY_SECONDS),
            "200": pipeline.latency(broker.address, "lat200.", folder / "lat200", 200, LATENCY_SECONDS),
            "1000": pipeline.latency(broker.address, "lat1000.", folder / "lat1000", 1000, LATENCY_SECONDS, tiny),
        },
        "latency_note": f"half: of the {sustained:.0f} posts/s sustained just before, and 200: default model; 1000: a tiny model",
    }


def idle(broker: KafkaBroker, folder: Path) -> Result:
    """All stages together, no posts."""
    return {"idle_cpu_share": round(pipeline.idle(broker.address, "idle.", folder / "idle", IDLE_SECONDS), 4)}


def memory(broker: KafkaBroker, folder: Path) -> Result:
    """With a tiny model. Of the stages that posts pass together, and of cases by itself: it holds what is open, and here nobody decides."""
    tiny = build_tiny_bundle(folder / "memory-model")
    found = pipeline.memory(broker.address, "memory.", folder / "memory", tiny, FIRST, LAST)
    passed = {when: round(sum(sizes[name] for name in STAGES if name != "cases"), 1) for when, sizes in found.items()}
    return {"rss_mb": passed, "rss_mb_by_stage": found}


def model(broker: KafkaBroker, folder: Path) -> Result:
    """Each tier of the model in SLUICE_MODEL alone, both as a cascade, and the running scoring stage beside the bare loop."""
    bundle = load().model
    tiers = [tier.value for tier in read_tiers(bundle)]
    wanted = [*tiers, models.CASCADE] if Tier.FAST.value in tiers else tiers
    return {
        "model": {each: models.in_own_process(each, bundle) for each in wanted},
        "model_in_pipeline": models.share_of_bare_loop(broker.address, folder, bundle),
    }


def people(broker: KafkaBroker, folder: Path) -> Result:
    """The cases stage: one owner, medians of the rounds; open cases restored and searched."""
    rounds = [stage.throughput(broker.address, f"cases{number}.", folder / f"cases{number}", CASES) for number in range(CASE_ROUNDS)]
    return {
        "cases": sorted(rounds, key=lambda one: float(one["cpu_us"]))[CASE_ROUNDS // 2],
        "cases_restore": stage.restore(broker.address, "restore.", folder / "restore", OPEN_CASES),
        "cases_scan": stage.scan(OPEN_CASES),
    }


PARTS: dict[str, Callable[[KafkaBroker, Path], Result]] = {
    "relay": relay, "compute": over_compute, "latency": latency, "idle": idle, "memory": memory, "model": model, "cases": people,
}  # fmt: skip


def main(names: list[str]) -> None:
    """Runs the parts, prints and writes the result."""
    kept = json.loads(RESULT.read_text()) if names and RESULT.exists() else {}
    result: Result = {
        **kept,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "day": dt.datetime.now(dt.UTC).date().isoformat()},
    }
    with (
        tempfile.TemporaryDirectory(prefix="sluice-bench-", ignore_cleanup_errors=True) as name,
        KafkaBroker(Path(name) / "kafka") as broker,
    ):
        for part in names or PARTS:
            out.print(f"[bold]{part}[/bold]")
            result |= PARTS[part](broker, Path(name))
            RESULT.parent.mkdir(exist_ok=True)
            RESULT.write_text(json.dumps(result, indent=2) + "\n")
    table = Table("what", "measured", title="bench", title_justify="left")
    for key, value in result.items():
        table.add_row(key, json.dumps(value))
    out.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
