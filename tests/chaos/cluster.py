"""Three brokers, each topic in three copies: they are killed in turn while posts flow, and may come back with an empty disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient

from agents.settings import Settings, load
from agents.topics import compare, create_topics, find_topics, wanted_topics
from pipeline.flow import STAGES
from pipeline.policy.regions import read_regions
from schemas.topics import DECISIONS
from tests.chaos.chaos import Findings, drain, first_decided, judge, wait_for_cases
from tests.chaos.load import Decisions, Load
from tests.support.clients import OwnTopics
from tests.support.kafka import KafkaCluster
from tests.support.workers import wait_for, worker

PREFIX = "cluster."
CAUGHT_UP_SECONDS = 90.0


@dataclass(frozen=True)
class Plan:
    """Brokers are killed in turn, `kills` times; each is away for `down` seconds, and the first `disks` come back without their data.
    Posts are sent until the last one has caught up.
    """

    rate: float
    kills: int
    disks: int
    down: float
    kill_every: float


@dataclass(frozen=True)
class Report:
    """What came of it. `longest_stall`: seconds without any decision."""

    posts: int
    kills: int
    disks: int
    findings: Findings
    longest_stall: float

    def __str__(self) -> str:
        return (
            f"posts {self.posts}, three brokers, killed {self.kills} times in turn, {self.disks} of them with the loss of their disk\n"
            f"{self.findings}\nlongest stall {self.longest_stall:.1f} s"
        )


def run(cluster: KafkaCluster, folder: Path, plan: Plan, model: Path, say: Callable[[str], object] = print) -> Report:
    """Topics are made as `sluice topics create` makes them. The next broker is killed when the last one has caught up."""
    settings = load(broker=cluster.address, topic_prefix=PREFIX)
    make_topics(settings)
    decisions = Decisions(cluster.address, PREFIX, DECISIONS.partitions)
    with worker(cluster.address, PREFIX, folder, STAGES, model=model, log_level="WARNING", delivery_timeout_seconds=60) as running:
        wait_for(lambda: running.stages().keys() == set(STAGES), lambda: f"stages do not run:\n{running.log[-3000:]}", 60)
        posts = Load(cluster.address, PREFIX, plan.rate)
        first_decided(decisions, running)
        start = time.monotonic()
        kill_brokers(cluster, plan, say)
        posts.stop()
        stall = decisions.longest_gap(start, drain(decisions, len(posts.sent_at), running))
        wait_for_cases(cluster.address, PREFIX, running)
        if code := running.stop():
            raise AssertionError(f"the worker ended with {code}:\n{running.log[-3000:]}")
    decisions.stop()
    findings = judge(OwnTopics(cluster.address, PREFIX), set(posts.sent_at))
    return Report(len(posts.sent_at), plan.kills, plan.disks, findings, stall)


def make_topics(settings: Settings) -> None:
    """AssertionError where `sluice topics check` would find fault with what was made."""
    wanted = wanted_topics(settings, read_regions(settings.regions))
    create_topics(settings, wanted)
    if faults := compare(wanted, find_topics(settings, wanted), settings.broker):
        raise AssertionError(f"topics are not as they should be: {faults[0]}")


def kill_brokers(cluster: KafkaCluster, plan: Plan, say: Callable[[str], object]) -> None:
    """SIGKILL, some seconds of silence, a start on the same data or on none."""
    pause = threading.Event()
    admin = AdminClient({"bootstrap.servers": cluster.address, "log_level": 0})
    for number in range(plan.kills):
        pause.wait(plan.kill_every)
        node = cluster.nodes[number % len(cluster.nodes)]
        node.kill()
        pause.wait(plan.down)
        if number < plan.disks:
            node.lose_disk()
        node.restart()
        began = time.monotonic()
        wait_for(
            lambda: not behind(admin, len(cluster.nodes)), lambda: f"no full copies: {behind(admin, len(cluster.nodes))}", CAUGHT_UP_SECONDS
        )
        lost = " with an empty disk" if number < plan.disks else ""
        say(f"  broker {node.number} killed, back{lost}, has caught up in {time.monotonic() - began:.1f} s")


def behind(admin: AdminClient, brokers: int) -> Iterable[str]:
    """Topics of the run with a partition that not all brokers have in full."""
    found = {name: topic for name, topic in admin.list_topics(timeout=10).topics.items() if name.startswith(PREFIX)}
    return sorted(name for name, topic in found.items() if any(len(each.isrs) < brokers for each in topic.partitions.values()))
