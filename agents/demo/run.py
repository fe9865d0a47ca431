"""Runs the demo: broker, topics, stages, posts, summary."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import socket
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO

import confluent_kafka as ck
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.demo.collect import Collector, Seen
from agents.demo.summary import latency, print_summary
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.security import client_config
from agents.edge.supervisor import Supervisor
from agents.embedded import EmbeddedBroker
from agents.settings import Settings, load
from agents.topics import create_topics, wanted_topics
from pipeline.flow import STAGES
from pipeline.policy.regions import read_regions
from schemas.records import Post
from schemas.topics import POSTS_INCOMING
from schemas.wire import decoder, encode

STEADY_POSTS = 400
STEADY_RATE = 50.0
"""The first posts are sent at an even rate (per second), to measure latency; the rest at once, to measure throughput."""

JOIN_SECONDS = 60.0
SILENCE_SECONDS = 45.0
"""So long without an output, and the demo gives up."""

PARTITIONS = 6
"""Per topic on the embedded broker, which keeps 5 MiB of each."""


@dataclass(frozen=True)
class Plan:
    """What is run: `broker` None means the embedded one."""

    broker: str | None
    keep: bool


def posts() -> list[Post]:
    """The packaged posts, made as of now: they keep their order, and were all written in the last minutes."""
    packed = resources.files("agents.demo").joinpath("posts.jsonl.gz").read_bytes()
    decode = decoder(Post)
    found = [decode(line) for line in gzip.decompress(packed).splitlines()]
    start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=len(found))
    return [msgspec.structs.replace(post, created_at=start + dt.timedelta(seconds=second)) for second, post in enumerate(found)]


def run(plan: Plan, console: Console) -> int:
    """Returns the exit code: 0 when every post came out exactly once decided, else 1."""
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-", ignore_cleanup_errors=True)))
        settings = cleanup.enter_context(_broker(plan, folder))
        regions = read_regions(settings.regions)
        log = cleanup.enter_context((folder / "stages.log").open("w+"))
        supervisor = Supervisor(STAGES, settings, _for_stages(settings, plan), log)
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        cleanup.callback(thread.join)
        cleanup.callback(supervisor.request_stop)
        _wait_until_joined(supervisor, settings, log, console)
        collector = Collector(client_config(settings), settings.topic_prefix, [region.name for region in regions.regions])
        cleanup.callback(collector.close)
        complete = _play(posts(), settings, collector, console)
        if not complete:
            console.print(_tail(log), markup=False, highlight=False, style="red")
        addresses = " ".join(f"http://{settings.metrics_host}:{port}/metrics" for port in supervisor.ports)
        console.print(f"\nmetrics of the stages: {addresses}", highlight=False)
        if plan.keep:
            _keep(settings, console)
        return 0 if complete else 1


@contextlib.contextmanager
def _broker(plan: Plan, folder: Path) -> Iterator[Settings]:
    """Settings that point to a broker with all topics; the topics stand under a prefix of their own on a broker that is not ours."""
    given = {"data_dir": folder, "metrics_port": _free_ports(load().metrics_port)}
    if plan.broker is not None:
        settings = load(broker=plan.broker, topic_prefix=f"demo-{uuid.uuid4().hex[:6]}.", **given)
        create_topics(settings, wanted_topics(settings, read_regions(settings.regions)))
        yield settings
        return
    settings = load(topic_prefix="", **given)
    wanted = wanted_topics(settings, read_regions(settings.regions))
    with EmbeddedBroker({topic.name: PARTITIONS for topic in wanted}) as broker:
        yield load(broker=broker.address, topic_prefix="", **given)


def _for_stages(settings: Settings, plan: Plan) -> dict[str, str]:
    """What the stages' processes are told. The embedded broker answers an empty fetch only when its time is over: keep that short."""
    told = {"broker": settings.broker, "topic_prefix": settings.topic_prefix, "data_dir": str(settings.data_dir)}
    return told if plan.broker else {**told, "idle_fetch_wait_ms": str(settings.fetch_wait_ms)}


def _free_ports(first: int) -> int:
    """The first of three ports in a row that nobody listens on."""
    for candidate in range(first, first + 500, 10):
        with contextlib.ExitStack() as probes:
            try:
                for port in range(candidate, candidate + len(STAGES)):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return candidate
    raise StopWorker(ExitCode.CONFIG, f"no free ports from {first} on; set SLUICE_METRICS_PORT")


def _wait_until_joined(supervisor: Supervisor, settings: Settings, log: IO[str], console: Console) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    with console.status("starting the stages: language, scoring, routing"):
        while not all(_healthy(settings.metrics_host, port) for port in supervisor.ports):
            if time.monotonic() > deadline:
                raise StopWorker(ExitCode.STUCK, f"the stages did not start in {JOIN_SECONDS:.0f} s:\n{_tail(log)}")
            time.sleep(0.1)


def _healthy(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=2) as answer:
            return bool(json.load(answer)["partitions"])
    except OSError:
        return False


def _play(wanted: Sequence[Post], settings: Settings, collector: Collector, console: Console) -> bool:
    """Publishes and waits; prints the summary. True when ids in equal ids out."""
    producer = ck.Producer({**client_config(settings), "partitioner": "murmur2_random", "acks": "all", "linger.ms": 5})
    topic = settings.topic_prefix + POSTS_INCOMING.name
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    seen = collector.seen
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("published", total=len(wanted))
        out = progress.add_task("decided", total=len(wanted))
        refused: list[str] = []

        def delivered(error: ck.KafkaError | None, _: ck.Message) -> None:
            if error is not None:
                refused.append(error.str())

        def show() -> None:
            progress.update(out, completed=len(seen.decisions))

        burst = 0.0
        for number, post in enumerate(wanted):
            if number == STEADY_POSTS:
                _wait_for(seen, number, collector, show)
                burst = time.monotonic()
            while number < STEADY_POSTS and (ahead := number / STEADY_RATE - (progress.tasks[bar].elapsed or 0)) > 0:
                collector.read(ahead)
            producer.produce(topic, encode(post), post.conversation_id, on_delivery=delivered)
            producer.poll(0)
            progress.update(bar, completed=number + 1)
            show()
        producer.flush(30)
        _wait_for(seen, len(wanted), collector, show)
        rate = (len(seen.decisions) - STEADY_POSTS) / max(1e-9, seen.last_change - burst)
    print_summary(console, seen)
    return _verdict(wanted, seen, rate, refused, console)


def _wait_for(seen: Seen, count: int, collector: Collector, show: Callable[[], None]) -> None:
    """Until so many posts are decided, or nothing has come for SILENCE_SECONDS."""
    seen.last_change = time.monotonic()
    while len(seen.decisions) < count and time.monotonic() - seen.last_change < SILENCE_SECONDS:
        collector.read(0.2)
        show()


def _verdict(wanted: Sequence[Post], seen: Seen, rate: float, refused: list[str], console: Console) -> bool:
    ids = {(post.post_id, post.revision) for post in wanted}
    lost, strange = ids - seen.decisions.keys(), seen.decisions.keys() - ids
    steady = {(post.post_id, post.revision) for post in wanted[:STEADY_POSTS]}
    console.print(
        f"\nlatency at {STEADY_RATE:.0f} posts/s, received to decided: "
        f"{latency([decision for key, decision in seen.decisions.items() if key in steady])}\n"
        f"throughput of the burst that followed: {rate:.0f} posts/s",
        highlight=False,
    )
    fine = not (lost or strange or refused or seen.conflicts or seen.dead_letters)
    console.print(
        f"posts in: {len(wanted)} (ids: {len(ids)}); decisions out: {len(seen.decisions)}; lost: {len(lost)}; unknown: {len(strange)}; "
        f"duplicates: {seen.duplicates}, of those with another id: {seen.conflicts}; dead letters: {seen.dead_letters}",
        highlight=False,
    )
    console.print("ids in = ids out" if fine else f"NOT all is well {refused[:1] or ''}", style="bold green" if fine else "bold red")
    return fine


def _tail(log: IO[str]) -> str:
    log.flush()
    return Path(log.name).read_text(errors="replace")[-3000:]


def _keep(settings: Settings, console: Console) -> None:
    console.print(
        f"\nstill running on {settings.broker}, topics under {settings.topic_prefix!r}. For example:\n"
        f"  sluice tail decisions --broker {settings.broker}\nCtrl-C ends it.",
        highlight=False,
    )
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
