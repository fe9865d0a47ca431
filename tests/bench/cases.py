"""The cases stage with its genuine machine: events per second through one owner, restoring open cases, looking for what is due.

`python -m tests.bench.cases worker` is the stage as a process, with the rules of the tests' world; `... machine COUNT` loads that many open
cases into a shard and prints one JSON line.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import numpy as np
import psutil  # type: ignore[import-untyped]
from msgspec.structs import replace

from agents.edge.case_log import POSITION
from agents.edge.case_metrics import CaseMetrics, held
from agents.edge.cases_runner import CasesAgent, CasesRunner
from agents.edge.process import check, end_with_parent, log_as, run_stage
from agents.settings import load
from pipeline import flow
from pipeline.cases.shard import Shard
from pipeline.routing.digest import digest_of
from schemas.cases import CaseEvent, CaseState
from schemas.people import Outcome
from schemas.records import Context, ContextPost, PostKind, Record
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, CASES, DEAD_LETTERS, ENFORCEMENTS, TASK_EVENTS, VERDICTS, Topic
from schemas.wire import encode
from tests.bench.pipeline import texts
from tests.pipeline.cases.world import NOW, World, case_event, rules
from tests.support.clients import Outgoing, OwnTopics
from tests.support.workers import Process, process, wait_for

THREAD = 4
"""Posts of the conversation in each case."""

TURNS = {CASES: "opened", TASK_EVENTS: "claimed", VERDICTS: "decided", ENFORCEMENTS: "enforced"}
"""Routing hands over, a reviewer claims, says what it is, and the platform carries it out: each of all posts before the next."""

SCANS = 20


class Noted(World):
    """A world that notes what is sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[Outgoing]] = {topic.name: [] for topic in TURNS}

    def send(self, topic: str, record: Record) -> list[Record]:
        """As the world, and noted."""
        key = next(each for each in TURNS if each.name == topic).key_of(record)
        self.sent[topic].append(Outgoing(key.encode(), encode(record)))
        return super().send(topic, record)


def events(count: int) -> list[CaseEvent]:
    """Posts for people, with texts of the demo's and a conversation before each."""
    posts = texts(count)
    made = []
    for number, post in enumerate(posts):
        thread = tuple(
            ContextPost(
                post_id=f"t{number}-{n}",
                speaker="AB"[n % 2],
                created_at=NOW,
                kind=PostKind.CREATED,
                text=posts[(number - n) % count].text or "",
            )
            for n in range(THREAD)
        )
        event = case_event(post.post_id)
        shown = replace(event.post, text=post.text or "")
        context = replace(Context(complete=True, digest="", thread=thread))
        made.append(replace(event, post=shown, context=replace(context, digest=digest_of(shown, context))))
    return made


def inputs(count: int) -> dict[str, list[Outgoing]]:
    """What is sent by topic, each in an order of its own: nobody decides in the order in which posts came."""
    world, order = Noted(), random.Random(5)
    opened = events(count)
    for event in opened:
        world.routed(event)
    for turn in (
        lambda post_id: world.claim(post_id, "anna"),
        lambda post_id: world.verdict(post_id, "anna", Outcome.REMOVE),
        world.enforce,
    ):
        for event in order.sample(opened, count):
            turn(event.post.post_id)
    return world.sent


def open_cases(count: int) -> Iterator[tuple[str, bytes]]:
    """States of cases with an open task, due over the days to come."""
    world = World()
    world.routed(events(1)[0])
    state: CaseState | None = world.shard.state("b0")
    assert state is not None and state.task is not None
    for number in range(count):
        due = state.task.due_at + dt.timedelta(days=400, seconds=number)
        task = replace(state.task, task_id=f"{number:032}", due_at=due)
        yield f"post-{number:08}", encode(replace(state, post_id=f"post-{number:08}", task=task, due_at=due))


# In the parent ---------------------------------------------------------------------------------------------------------


def topics_of(address: str, prefix: str) -> OwnTopics:
    """All that the stage needs, with one partition each: so there is one owner."""
    topics = OwnTopics(address, prefix)
    wanted = {topic.name: topic for topic in (*flow.cases(rules()).outputs, *CASE_INPUTS, CASE_STATE, CASE_FILES, DEAD_LETTERS)}
    topics.create(*wanted.values(), partitions=dict.fromkeys(wanted, 1))
    return topics


def worker(topics: OwnTopics, folder: Path) -> Process:
    """The stage."""
    return process(["-m", "tests.bench.cases", "worker"], topics.address, topics.prefix, folder, {})


def throughput(address: str, prefix: str, folder: Path, count: int) -> dict[str, Any]:
    """Events per second through one owner, of all and by kind, and CPU microseconds per event, those of librdkafka's threads included."""
    topics, sent = topics_of(address, prefix), inputs(count)
    seconds: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for topic, name in TURNS.items():
        topics.produce(topic, sent[topic.name])
        with worker(topics, folder) as running:
            wait_for(lambda running=running: running.addresses(), lambda: "the worker does not start", 60)  # type: ignore[misc]
            seconds[name], cpu[name] = _per_event(topics, running, topic, count)
            running.stop()
    topics.delete()
    return {
        "events_per_s": round(1 / statistics.mean(seconds.values())),
        "cpu_us": round(statistics.mean(cpu.values()) * 1e6),
        "by_kind": {name: {"events_per_s": round(1 / seconds[name]), "cpu_us": round(cpu[name] * 1e6)} for name in seconds},
    }


def _per_event(topics: OwnTopics, running: Process, topic: Topic, count: int) -> tuple[float, float]:
    """Seconds and CPU seconds an event of `topic`, from its first transaction to its last, by the positions among the states.

    What the stage itself writes to its inputs comes back meanwhile: that work is in the figures, those records are not counted.
    """
    samples: list[tuple[float, float]] = []
    process = psutil.Process(running.pid)

    def all_done() -> bool:
        samples.append((time.time(), sum(process.cpu_times()[:2])))
        return _committed(topics, topic) >= count

    wait_for(all_done, lambda: f"only {_committed(topics, topic)} of {count}:\n{running.log[-3000:]}", 300)
    key = POSITION + topics.name(topic).encode()
    told = [(message.timestamp_ms / 1000, int(message.value or 0)) for message in topics.read_all(CASE_STATE) if message.key == key]
    turns = [(at, position) for at, position in told if position <= count]
    (since, first), (until, last) = turns[0], turns[-1]
    if last == first:
        raise RuntimeError(f"{count} events are too few to measure: all were done in one turn")
    times, spent = zip(*samples, strict=True)
    cpu_before, cpu_after = np.interp([since, until], times, spent)
    return (until - since) / (last - first), float(cpu_after - cpu_before) / (last - first)


def _committed(topics: OwnTopics, topic: Topic) -> int:
    """Up to where the group has acknowledged the one partition."""
    consumer = ck.Consumer({"bootstrap.servers": topics.address, "group.id": f"{topics.prefix}sluice.cases", "enable.auto.commit": False})
    try:
        offset: int = consumer.committed([ck.TopicPartition(topics.name(topic), 0)], timeout=10)[0].offset
    finally:
        consumer.close()
    return offset


def restore(address: str, prefix: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds until an owner has read `count` open cases, and the memory of the process then."""
    topics = topics_of(address, prefix)
    topics.produce(CASE_FILES, [Outgoing(b"any", b"{}")])  # where all states say that their file lies; nobody asks for it here
    topics.produce(CASE_STATE, (Outgoing(post_id.encode(), value, (("file", b"0"),)) for post_id, value in open_cases(count)))
    with worker(topics, folder) as running:
        said = running.said("states restored in", 120)
        found = re.search(r"number 0: (\d+) states restored in ([\d.]+) s", said)
        assert found and int(found[1]) == count, said
        running.ready(["cases"])
        rss = psutil.Process(running.pid).memory_info().rss / 1e6
        running.stop()
    topics.delete()
    return {"seconds": float(found[2]), "rss_mb": round(rss)}


def scan(count: int) -> dict[str, float]:
    """In a process of its own: looking for what is due among `count` open cases, and what is due (500 in one step), in ms."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.cases", "machine", str(count)], capture_output=True, text=True, timeout=300, check=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


# In processes of their own ---------------------------------------------------------------------------------------------


def run_worker() -> None:
    """The stage as it is, but for the configuration."""
    settings, spec = load(), flow.cases(rules())
    log_as(spec.name, settings)
    counts = CaseMetrics(rules())
    agent = CasesAgent(spec, measure=held, show=counts.show, observe=counts.observe, count=counts.count)
    run_stage(spec.name, CasesRunner(agent, settings, "one", check(agent, settings)), settings, "one", 0)


def run_machine(count: int) -> None:
    """See `scan`."""
    world = World()
    shard = Shard(rules(), 1)
    for post_id, value in open_cases(count):
        shard.load(post_id.encode(), value)
    wakes_at = shard.wakes_at()
    assert wakes_at is not None
    nothing = [_ms(lambda: shard.step((), world, NOW)) for _ in range(SCANS)]
    measured = [_ms(lambda: held(shard)) for _ in range(SCANS)]
    result = {"scan_ms": statistics.median(nothing), "worst_scan_ms": max(nothing), "gauges_ms": statistics.median(measured)}
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


def _ms(what: Any) -> float:
    started = time.perf_counter()
    what()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    if sys.argv[1] == "machine":
        run_machine(int(sys.argv[2]))
    else:
        end_with_parent()
        run_worker()
