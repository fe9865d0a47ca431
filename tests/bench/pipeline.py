"""Measurements of the whole pipeline: CPU against the bare computation, latency, idle CPU, memory."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import confluent_kafka as ck
import msgspec
import psutil  # type: ignore[import-untyped]

from agents.settings import load
from pipeline.flow import STAGES
from pipeline.language.identify import Identifier
from pipeline.scoring.check import load_scorer, load_verified
from pipeline.scoring.explain import Explainer
from pipeline.scoring.tiers import Tier, read_tiers
from schemas.cases import CaseEvent
from schemas.records import Post, PostKind
from schemas.topics import CASES, DECISIONS, POSTS_INCOMING
from schemas.wire import decoder, encode
from tests.chaos.chaos import all_topics, wait_for_cases
from tests.support.clients import OwnTopics
from tests.support.workers import Process, fetch, wait_for, worker

PARTITIONS = 6
BATCH = 64


def texts(count: int) -> list[Post]:
    """The demo's posts that have a text, again and again, each with an id of its own."""
    packed = resources.files("agents.demo").joinpath("posts.jsonl.gz").read_bytes()
    decode = decoder(Post)
    real = [post for line in gzip.decompress(packed).splitlines() if (post := decode(line)).text and post.kind is PostKind.CREATED]
    return [
        msgspec.structs.replace(
            real[number % len(real)],
            post_id=f"b{number}", conversation_id=f"c{number // 3}", parent_id=None, media=(), created_at=dt.datetime.now(dt.UTC),
        )
        for number in range(count)
    ]  # fmt: skip


def compute_seconds(posts: Sequence[Post], asked: Sequence[CaseEvent]) -> float:
    """CPU seconds of the same language identification and ONNX work in a plain loop, one thread, without Kafka.

    Each post is scored; `asked` are the cases that came of them. For each of these the words that speak against it are looked for, in the
    batch of its post: what was not in use for a while is no longer at hand, in the loop as in the pipeline.
    """
    settings, identifier = load(), Identifier()
    scorer = load_scorer(settings.model, 1, None)
    explainer = Explainer(load_verified(read_tiers(settings.model)[Tier.FAST].directory), settings.highlight_passes)
    cases = {event.post.post_id: event for event in asked}
    started = time.process_time()
    for start in range(0, len(posts), BATCH):
        batch = posts[start : start + BATCH]
        scorer.score([post.text or "" for post in batch], [identifier.identify(post.text or "", post.language_hint) for post in batch])
        for event in (cases[post.post_id] for post in batch if post.post_id in cases):
            labels = tuple(dict.fromkeys(reason.label for reason in event.proposal.reasons if reason.label))
            if labels := labels or ((event.stratum,) if event.stratum else ()):
                explainer.explain(event.post.text or "", event.language.tag, labels)
    return time.process_time() - started


@contextlib.contextmanager
def pipeline(address: str, prefix: str, folder: Path, model: Path | None = None) -> Iterator[tuple[OwnTopics, Process]]:
    """Topics and a running worker with all stages."""
    topics = OwnTopics(address, prefix)
    topics.create(*all_topics(), partitions={topic.name: PARTITIONS for topic in all_topics()})
    given: dict[str, object] = {"score_cache_bytes": 0}  # the posts are the demo's, again and again
    if model is not None:
        given["model"] = model
    with worker(address, prefix, folder, STAGES, **given) as running:
        running.ready(STAGES)
        yield topics, running
        running.stop()
    topics.delete()


SUPERVISOR = "supervisor"


def cpu_seconds(running: Process) -> dict[str, float]:
    """Of each stage and of their supervisor, so far."""
    processes = {SUPERVISOR: psutil.Process(running.pid), **running.stages()}
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def memory_mb(running: Process) -> dict[str, float]:
    """RSS of each stage, in MB."""
    return {name: process.memory_info().rss / 1e6 for name, process in running.stages().items()}


class Traffic:
    """Publishes and reads decisions; notes when each post was sent and when its decision came (seconds, monotonic)."""

    def __init__(self, address: str, prefix: str) -> None:
        self.sent: dict[str, float] = {}
        self.came: dict[str, float] = {}
        self.count = 0
        self._prefix = prefix
        self._producer = ck.Producer(
            {"bootstrap.servers": address, "partitioner": "murmur2_random", "linger.ms": 1, "queue.buffering.max.messages": 100_000}
        )
        self._consumer = ck.Consumer({"bootstrap.servers": address, "group.id": "bench", "enable.auto.commit": False})
        places = [ck.TopicPartition(prefix + DECISIONS.name, number, ck.OFFSET_BEGINNING) for number in range(PARTITIONS)]
        self._consumer.assign(places)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)  # one by one: `consume` holds back what has come until its time is over
            if message is not None and message.error() is None:
                self.count += 1
                key = message.key()
                self.came.setdefault(key.decode() if isinstance(key, bytes) else str(key), time.monotonic())

    def publish(self, posts: Sequence[Post], rate: float | None = None) -> None:
        """At an even rate (posts per second), or as fast as it goes."""
        started = time.monotonic()
        for number, post in enumerate(posts):
            if rate is not None:  # not by poll(): that returns as soon as there is something to report
                self._stop.wait(max(0.0, number / rate - (time.monotonic() - started)))
            value = encode(post)
            while True:
                try:
                    self.sent[post.post_id] = time.monotonic()
                    self._producer.produce(self._prefix + POSTS_INCOMING.name, value, post.conversation_id)
                    break
                except BufferError:
                    self._producer.poll(0.1)
            self._producer.poll(0)
        self._producer.flush(60)

    def wait(self, count: int, running: Process, seconds: float) -> None:
        """Until so many decisions have come."""
        wait_for(lambda: self.count >= count, lambda: f"only {self.count} of {count}:\n{running.log[-3000:]}", seconds)

    def close(self) -> None:
        """Stops reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def latency_ms(self, skip: int) -> dict[str, float]:
        """Sent to decision read, over the posts after the first `skip`."""
        took = [(self.came[post_id] - sent) * 1000 for post_id, sent in list(self.sent.items())[skip:]]
        cuts = statistics.quantiles(took, n=100, method="inclusive")
        return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


class Throughput(NamedTuple):
    """CPU microseconds per post and RSS in MB by stage; posts per second of all of them together; what they gave people to look at."""

    cpu_us: dict[str, float]
    rss_mb: dict[str, float]
    posts_per_s: float
    asked: list[CaseEvent]


def throughput(address: str, prefix: str, folder: Path, posts: Sequence[Post]) -> Throughput:
    """Of the pipeline with the default model, on a backlog."""
    with pipeline(address, prefix, folder) as (topics, running):
        traffic = Traffic(address, prefix)
        traffic.publish(posts[:BATCH])  # the first batch warms caches and buffers, as it does in the plain loop's model check
        traffic.wait(BATCH, running, 60)
        before, started = cpu_seconds(running), time.monotonic()
        traffic.publish(posts[BATCH:])
        traffic.wait(len(posts), running, 300)
        counted = len(posts) - BATCH
        rate = counted / (time.monotonic() - started)
        wait_for_cases(address, prefix, running)
        cpu = {name: (seconds - before[name]) / counted * 1e6 for name, seconds in cpu_seconds(running).items()}
        rss = memory_mb(running)
        traffic.close()
        decode = decoder(CaseEvent)
        return Throughput(cpu, rss, rate, [decode(message.value) for message in topics.read_all(CASES)])


def latency(address: str, prefix: str, folder: Path, rate: float, seconds: float, model: Path | None = None) -> dict[str, float]:
    """Milliseconds from sending to reading the decision, p50 and p99, at an even rate; the first five seconds are left out."""
    posts = texts(int(rate * seconds))
    with pipeline(address, prefix, folder, model) as (_, running):
        traffic = Traffic(address, prefix)
        traffic.publish(posts, rate)
        traffic.wait(len(posts), running, 120)
        traffic.close()
    return traffic.latency_ms(skip=int(rate * 5))


def idle(address: str, prefix: str, folder: Path, seconds: float) -> float:
    """Share of a core that all stages use together when no post comes."""
    with pipeline(address, prefix, folder) as (_, running):
        threading.Event().wait(10)
        before = sum(cpu_seconds(running).values())
        threading.Event().wait(seconds)
        return (sum(cpu_seconds(running).values()) - before) / seconds


def memory(address: str, prefix: str, folder: Path, model: Path, first: int, last: int) -> dict[str, dict[str, float]]:
    """RSS of each stage (MB) after `first` and after `last` posts, and how many posts the cases stage held a state of."""
    found = {}
    with pipeline(address, prefix, folder, model) as (_, running):
        traffic = Traffic(address, prefix)
        done = 0
        for goal in (first, last):
            while done < goal:
                step = min(20_000, goal - done)
                traffic.sent.clear()
                traffic.came.clear()
                traffic.publish([msgspec.structs.replace(post, post_id=f"m{done + number}") for number, post in enumerate(texts(step))])
                done += step
                traffic.wait(done - 20_000, running, 300)  # keep a backlog, but a bounded one
            traffic.wait(done, running, 300)
            wait_for_cases(address, prefix, running)
            found[goal] = {name: round(size, 1) for name, size in memory_mb(running).items()} | {"states": states(running)}
        traffic.close()
    return {"after_100k": found[first], "after_1m": found[last]}


def states(running: Process) -> int:
    """Of how many posts the cases stage holds a state now."""
    text = fetch(f"{running.addresses()['cases']}/metrics")[1]
    return int(float(next(line for line in text.splitlines() if line.startswith("sluice_cases_states ")).split()[1]))
