"""Two workers per stage are restarted one after the other, as an upgrade does it, while posts flow."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipeline.flow import STAGES
from tests.chaos.chaos import PARTITIONS, Findings, all_topics, drain, first_decided, judge, wait_for_cases
from tests.chaos.load import Decisions, Load
from tests.support.clients import OwnTopics
from tests.support.kafka import Broker
from tests.support.workers import Process, worker

NAMES = ("one", "two")


@dataclass(frozen=True)
class Plan:
    """Each of the two workers is restarted `rounds` times, under `rate` posts per second."""

    rate: float
    rounds: int


@dataclass(frozen=True)
class Report:
    """What came of it. `longest_stall`: seconds without any decision; `longest_wait`: of a single post, from sent to decided."""

    posts: int
    restarts: int
    findings: Findings
    longest_stall: float
    longest_wait: float

    def __str__(self) -> str:
        return (
            f"posts {self.posts}, workers restarted {self.restarts} times, one after the other\n{self.findings}\n"
            f"longest stall {self.longest_stall:.1f} s; the post that waited longest: {self.longest_wait:.1f} s"
        )


def run(broker: Broker, prefix: str, folder: Path, plan: Plan, **settings: object) -> Report:
    """SIGTERM, its end with 0, a start under the same name, ready; then the other one. Posts are sent until the last restart is done."""
    topics = OwnTopics(broker.address, prefix)
    topics.create(*all_topics(), partitions={topic.name: PARTITIONS for topic in all_topics()})
    decisions = Decisions(broker.address, prefix, PARTITIONS)
    with ExitStack() as stack:

        def start(name: str) -> Process:
            given = {"instance": name, **settings}
            return stack.enter_context(worker(broker.address, prefix, folder / name, STAGES, **given))

        running = {name: start(name).ready(STAGES) for name in NAMES}
        load = Load(broker.address, prefix, plan.rate)
        first_decided(decisions, running["one"])
        began = time.monotonic()
        for name in NAMES * plan.rounds:
            stop(running[name])
            running[name] = start(name).ready(STAGES)
        load.stop()
        sent_at = load.sent_at
        end = drain(decisions, len(sent_at), running["one"])
        wait_for_cases(broker.address, prefix, running["one"])
        for process in running.values():
            stop(process)
    decisions.stop()
    findings = judge(topics, set(sent_at))
    topics.delete()
    return Report(
        posts=len(sent_at),
        restarts=len(NAMES) * plan.rounds,
        findings=findings,
        longest_stall=decisions.longest_gap(began, end),
        longest_wait=decisions.longest_wait(sent_at),
    )


def stop(process: Process) -> None:
    """AssertionError unless it ends with 0."""
    code = process.stop()
    assert code == 0, f"a worker ended with {code}:\n{process.log[-3000:]}"
