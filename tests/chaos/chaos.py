"""The chaos run and its verdict."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.flow import STAGES
from pipeline.policy.regions import read_regions
from schemas.cases import CaseEvent
from schemas.records import Decision, LanguagePost, ReviewTask, ScoredPost
from schemas.topics import CASES, DEAD_LETTERS, DECISIONS, POSTS_LANGUAGE, POSTS_SCORED, REVIEW, TOPICS, Topic, review_topic
from schemas.wire import decoder
from tests.chaos.load import Decisions, Load, post
from tests.support.clients import OwnTopics, behind
from tests.support.kafka import Broker
from tests.support.tiny_model import build_tiny_bundle
from tests.support.workers import Process, wait_for, worker

PARTITIONS = 6
DRAIN_SECONDS = 120.0
REGIONS = Path(__file__).parents[2] / "pipeline" / "policies" / "regions.toml"


@dataclass(frozen=True)
class Plan:
    """What is done: in the first part stages are killed, in the second the broker (and what hangs on it). At least so many `posts`, and
    more where the kills take longer.
    """

    posts: int
    rate: float
    stage_kills: int
    stage_kill_every: float
    broker_kills: int
    broker_down: float
    broker_kill_every: float
    share_with_broker_kills: float = 0.3


@dataclass(frozen=True)
class Findings:
    """What the topics say afterwards."""

    lost: int
    duplicates: int
    conflicting_duplicates: int
    out_of_order: int
    tasks_missing: int
    dead_letters: int

    @property
    def sound(self) -> bool:
        """Nothing lost, order kept, duplicates equal to the first."""
        return not (self.lost or self.conflicting_duplicates or self.out_of_order or self.tasks_missing or self.dead_letters)

    def __str__(self) -> str:
        return (
            f"lost {self.lost} / duplicates {self.duplicates} (with another decision: {self.conflicting_duplicates}) / "
            f"out of order {self.out_of_order} / review tasks missing {self.tasks_missing} / dead letters {self.dead_letters}"
        )


@dataclass(frozen=True)
class Report:
    """What came of it. Stalls: seconds without any decision."""

    posts: int
    findings: Findings
    stage_kills: int
    broker_kills: int
    longest_stall: float
    longest_stall_with_broker_kills: float

    def __str__(self) -> str:
        return (
            f"posts {self.posts}, stages killed {self.stage_kills} times, broker killed {self.broker_kills} times\n{self.findings}\n"
            f"longest stall {self.longest_stall:.1f} s while stages were killed, "
            f"{self.longest_stall_with_broker_kills:.1f} s while the broker was"
        )


def run(broker: Broker, prefix: str, folder: Path, plan: Plan, say: Callable[[str], object] = print) -> Report:
    """Needs a broker that can be killed; the topics are made and deleted here."""
    topics = OwnTopics(broker.address, prefix)
    topics.create(*all_topics(), partitions={topic.name: PARTITIONS for topic in all_topics()})
    second = int(plan.posts * plan.share_with_broker_kills) if plan.broker_kills else 0
    model = build_tiny_bundle(folder / "model")
    decisions = Decisions(broker.address, prefix, PARTITIONS)
    with worker(broker.address, prefix, folder, STAGES, model=model, log_level="WARNING", delivery_timeout_seconds=60) as running:
        wait_for(lambda: running.stages().keys() == set(STAGES), lambda: f"stages do not run:\n{running.log[-3000:]}", 60)
        say("stages run; now they are killed one after the other")
        load = Load(broker.address, prefix, plan.rate, least=plan.posts - second)
        first_decided(decisions, running)
        start = time.monotonic()
        stage_kills = kill_stages(running, plan, say)
        load.stop()
        posts = len(load.sent_at)
        quiet = drain(decisions, posts, running)
        stall = decisions.longest_gap(start, quiet)
        broker_kills, broker_stall = 0, 0.0
        if second:
            start = time.monotonic()
            load = Load(broker.address, prefix, plan.rate, posts, second)
            broker_kills = kill_broker(broker, plan, say)
            load.stop()
            posts += len(load.sent_at)
            broker_stall = decisions.longest_gap(start, drain(decisions, posts, running))
        wait_for_cases(broker.address, prefix, running)
        code = running.stop()
        if code:
            raise AssertionError(f"the worker ended with {code}:\n{running.log[-3000:]}")
    decisions.stop()
    findings = judge(topics, {post(number).post_id for number in range(posts)})
    topics.delete()
    return Report(posts, findings, stage_kills, broker_kills, stall, broker_stall)


def all_topics() -> list[Topic]:
    """Those of the packaged regions too."""
    regions = read_regions(REGIONS).regions
    return [*(topic for topic in TOPICS if topic is not REVIEW), *(review_topic(region.name) for region in regions)]


def wait_for_cases(address: str, prefix: str, running: Process) -> None:
    """Returns when the cases stage has read all case events."""
    topics, group = [prefix + CASES.name], f"{prefix}sluice.cases"
    wait_for(lambda: not behind(address, group, topics), lambda: f"cases wait:\n{running.log[-3000:]}", DRAIN_SECONDS)


def first_decided(decisions: Decisions, running: Process) -> None:
    """Returns when the flow has begun: what stages need to load is no stall."""
    wait_for(lambda: decisions.arrivals, lambda: f"no decision came:\n{running.log[-3000:]}", 60)


def kill_stages(running: Process, plan: Plan, say: Callable[[str], object]) -> int:
    """SIGKILL, one stage after the other, at even intervals."""
    pause = threading.Event()
    kills = 0
    for stage in itertools.islice(itertools.cycle(STAGES), plan.stage_kills):
        pause.wait(plan.stage_kill_every)
        wait_for(lambda stage=stage: stage in running.stages(), lambda stage=stage: f"{stage} did not come back", 60)  # type: ignore[misc]
        pid = running.stages()[stage].pid
        os.kill(pid, signal.SIGKILL)
        kills += 1
        say(f"  kill {kills}: {stage} (process {pid})")
    return kills


def kill_broker(broker: Broker, plan: Plan, say: Callable[[str], object]) -> int:
    """SIGKILL, some seconds of silence, a start on the same data."""
    pause = threading.Event()
    kills = 0
    for _ in range(plan.broker_kills):
        pause.wait(plan.broker_kill_every)
        broker.kill()
        pause.wait(plan.broker_down)
        broker.restart()
        kills += 1
        say(f"  broker kill {kills}: down {plan.broker_down:.0f} s and its own start")
    return kills


def drain(decisions: Decisions, count: int, running: Process) -> float:
    """Waits until so many posts are decided; returns when the last decision came."""
    wait_for(
        lambda: len(decisions.by_post) >= count,
        lambda: f"only {len(decisions.by_post)} of {count} posts were decided; the worker said:\n{running.log[-3000:]}",
        DRAIN_SECONDS,
    )
    return decisions.arrivals[-1]


def judge(topics: OwnTopics, expected: set[str]) -> Findings:
    """Compares ids, decisions, order and tasks; `expected` are the ids of the posts that were sent."""
    by_post = read_decisions(topics)
    conflicts = sum(len({(one.decision_id, one.action, one.pending, one.reasons) for one in same}) > 1 for same in by_post.values())
    return Findings(
        lost=len(expected - by_post.keys()),
        duplicates=sum(len(same) - 1 for same in by_post.values()),
        conflicting_duplicates=conflicts + len(by_post.keys() - expected),
        out_of_order=out_of_order(topics, POSTS_LANGUAGE, LanguagePost) + out_of_order(topics, POSTS_SCORED, ScoredPost),
        tasks_missing=tasks_missing(topics, {post_id for post_id, same in by_post.items() if same[0].pending}),
        dead_letters=len(topics.read_all(DEAD_LETTERS)),
    )


def read_decisions(topics: OwnTopics) -> dict[str, list[Decision]]:
    """From the topic itself: what the live reader saw is not the proof."""
    decode = decoder(Decision)
    found: dict[str, list[Decision]] = {}
    for message in topics.read_all(DECISIONS, timeout=60):
        decision = decode(message.value)
        found.setdefault(decision.post_id, []).append(decision)
    return found


def out_of_order(topics: OwnTopics, topic: Topic, record: type[LanguagePost] | type[ScoredPost]) -> int:
    """Posts whose first occurrence comes after a later one of the same conversation."""
    decode = msgspec.json.Decoder(record).decode
    seen: set[str] = set()
    last: Counter[str] = Counter()
    wrong = 0
    for message in topics.read_all(topic, timeout=60):
        one = decode(message.value or b"").post
        number = int(one.post_id[1:])
        if one.post_id not in seen:
            seen.add(one.post_id)
            wrong += number < last[one.conversation_id]
            last[one.conversation_id] = max(last[one.conversation_id], number)
    return wrong


def tasks_missing(topics: OwnTopics, pending: set[str]) -> int:
    """Posts that people must look at, or that the audit drew, and that do not have one task: the cases stage writes each exactly once."""
    opened = decoder(CaseEvent)
    events = [opened(message.value) for message in topics.read_all(CASES, timeout=60)]
    wanted = pending | {event.post.post_id for event in events if event.audit}
    decode = decoder(ReviewTask)
    regions: Iterable[str] = (region.name for region in read_regions(REGIONS).regions)
    messages = (message for region in regions for message in topics.read_all(review_topic(region), timeout=60))
    found = Counter(decode(message.value).post.post_id for message in messages)
    return len({post_id for post_id in wanted if found[post_id] != 1} | (found.keys() - wanted))
