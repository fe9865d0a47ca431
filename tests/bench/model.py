"""Measurements of the model: posts per second on one thread with tokenising, memory, and what of it the running stage reaches.

`python -m tests.bench.model TIER BUNDLE` prints those of one tier, from a process of its own, so that its memory can be told.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import confluent_kafka as ck
import psutil  # type: ignore[import-untyped]

from agents.settings import load
from pipeline.language.identify import Identifier
from pipeline.policy.policy import read_policies
from pipeline.scoring.model import Model
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.tiers import Tier, read_tiers
from schemas.records import Language, LanguagePost, Post
from schemas.topics import DEAD_LETTERS, POSTS_LANGUAGE, POSTS_SCORED
from schemas.wire import encode
from tests.bench.pipeline import PARTITIONS, texts
from tests.support.clients import Outgoing, OwnTopics
from tests.support.workers import Process, wait_for, worker

SIZES = (1, 8, 32)
ROUNDS = 3
POSTS = {"accurate": 256, "fast": 2048, "cascade": 768}
HARMFUL = 0.05
POOL = 1000
PIPELINE_POSTS = 800
WARM_UP = 64
CASCADE = "cascade"


class Told(NamedTuple):
    """A post and its language, which is found beforehand: that is the other stage's work."""

    post: Post
    language: Language

    @property
    def text(self) -> str:
        """Of the post, which has one."""
        return self.post.text or ""


def told(count: int) -> list[Told]:
    """The demo's posts with their languages."""
    identifier = Identifier()
    return [Told(post, identifier.identify(post.text or "", post.language_hint)) for post in texts(count)]


def scorer(tier: str, bundle: Path) -> Scorer:
    """One tier alone, or both as the bundle says. Golden scores are not looked at: speed is the question here."""
    tiers = read_tiers(bundle)
    if tier != CASCADE:
        return Scorer(Model.load(tiers[Tier(tier)].directory, alone=tier == Tier.FAST.value))
    return Scorer(Model.load(bundle), Model.load(tiers[Tier.FAST].directory, alone=True))


def mixed(found: Sequence[Told], by: Scorer, count: int) -> list[Told]:
    """`count` posts of which HARMFUL are such as the default policy's rules ask people about, by the accurate tier."""
    policy = read_policies(load().policy).policies[-1]
    pool = found[:POOL]
    accurate = Scorer(by.models[Tier.ACCURATE])
    scored = accurate.score([each.text for each in pool], [each.language for each in pool])
    harmful: list[Told] = []
    clean: list[Told] = []
    for each, verdict in zip(pool, scored, strict=True):
        rules = policy.rules_for(each.language.tag, each.post.market)
        reached = any(label in rules and p >= rules[label][0].at_least for label, p in verdict.scored.probabilities.items())
        (harmful if reached else clean).append(each)
    every = round(1 / HARMFUL)
    bad, good = itertools.cycle(harmful), itertools.cycle(clean)
    return [next(bad) if number % every == 0 else next(good) for number in range(count)]


def rates(by: Scorer, posts: Sequence[Told], size: int) -> dict[str, float]:
    """Of scoring `size` posts in one go, again and again, on one thread. Medians are the caller's."""
    started, before = time.perf_counter(), time.process_time()
    for first in range(0, len(posts), size):
        some = posts[first : first + size]
        by.score([each.text for each in some], [each.language for each in some])
    used, took = time.process_time() - before, time.perf_counter() - started
    return {"posts_per_s": round(len(posts) / took, 1), "cpu_us": round(used / len(posts) * 1e6, 1)}


def measure(tier: str, bundle: Path) -> dict[str, object]:
    """All sizes of one tier, each the best of ROUNDS (the least disturbed), and the memory that the tier takes."""
    posts = told(POOL if tier == CASCADE else POSTS[tier])
    before = psutil.Process().memory_info().rss
    by = scorer(tier, bundle)
    by.score([each.text for each in posts[:64]], [each.language for each in posts[:64]])
    memory = round((psutil.Process().memory_info().rss - before) / 1e6)
    result: dict[str, object] = {"rss_mb": memory}
    if tier == CASCADE:
        posts = mixed(posts, by, POSTS[tier])
        verdicts = by.score([each.text for each in posts], [each.language for each in posts])
        settled = sum(verdict.model is by.models[Tier.FAST] for verdict in verdicts)
        result |= {"harmful": HARMFUL, "settled": round(settled / len(posts), 3)}
    found: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size in SIZES:
            found[size].append(rates(by, posts, size))
    return result | {f"batch_{size}": min(runs, key=lambda run: run["cpu_us"]) for size, runs in found.items()}


def in_own_process(tier: str, bundle: Path) -> dict[str, object]:
    """`measure`, elsewhere."""
    command = [sys.executable, "-m", "tests.bench.model", tier, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=True)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def scored_so_far(consumer: ck.Consumer, topic: str) -> int:
    """Records on the topic."""
    ends = [consumer.get_watermark_offsets(ck.TopicPartition(topic, number), timeout=10) for number in range(PARTITIONS)]
    return sum(end[1] for end in ends if end)


def stage_rates(address: str, prefix: str, folder: Path, bundle: Path, posts: Sequence[Told]) -> dict[str, float]:
    """Posts per second and CPU of the running scoring stage, on a backlog, from the first to the last post; without the cache."""
    topics = OwnTopics(address, prefix)
    wanted = (POSTS_LANGUAGE, POSTS_SCORED, DEAD_LETTERS)
    topics.create(*wanted, partitions={topic.name: PARTITIONS for topic in wanted})
    records = [LanguagePost(post=each.post, received_at=each.post.created_at, language=each.language) for each in posts]
    messages = [Outgoing(record.post.conversation_id.encode(), encode(record)) for record in records]
    consumer = ck.Consumer({"bootstrap.servers": address, "group.id": "bench"})
    with worker(address, prefix, folder, ["scoring"], model=bundle, score_cache_bytes=0) as running:
        running.ready(["scoring"])

        def until(count: int) -> None:
            name = topics.name(POSTS_SCORED)
            wait_for(lambda: scored_so_far(consumer, name) >= count, lambda: f"not {count} scored:\n{running.log[-3000:]}", 600)

        topics.produce(POSTS_LANGUAGE, messages[:WARM_UP])
        until(WARM_UP)
        before, started = cpu(running), time.monotonic()
        topics.produce(POSTS_LANGUAGE, messages[WARM_UP:])
        until(len(messages))
        took, used = time.monotonic() - started, cpu(running) - before
        running.stop()
    consumer.close()
    topics.delete()
    counted = len(messages) - WARM_UP
    return {"posts_per_s": round(counted / took, 1), "cpu_us": round(used / counted * 1e6, 1)}


def cpu(running: Process) -> float:
    """Seconds of the stage's process."""
    return sum(sum(process.cpu_times()[:2]) for process in running.stages().values())


def share_of_bare_loop(address: str, folder: Path, bundle: Path) -> dict[str, object]:
    """The running stage beside the bare loop on the same posts, turn by turn; the pair with the least CPU of each counts."""
    posts = told(PIPELINE_POSTS)
    by = scorer(CASCADE if Tier.FAST in read_tiers(bundle) else Tier.ACCURATE.value, bundle)
    bare, staged = [], []
    for number in range(ROUNDS):
        bare.append(rates(by, posts, WARM_UP))
        staged.append(stage_rates(address, f"model{number}.", folder / f"model{number}", bundle, posts))
    loop, stage = (min(runs, key=lambda run: run["cpu_us"]) for runs in (bare, staged))
    return {
        "loop": loop,
        "stage": stage,
        "cpu_share": round(loop["cpu_us"] / stage["cpu_us"], 3),
        "rate_share": round(stage["posts_per_s"] / loop["posts_per_s"], 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
