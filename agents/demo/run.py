"""Runs the demo: broker, topics, stages, posts, summary."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.demo.broker import embedded, real
from agents.demo.collect import Collector, Seen
from agents.demo.posts import posts
from agents.demo.summary import latency, print_summary
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Message
from agents.edge.reader import quiet
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.edge.supervisor import Supervisor
from agents.routing import fitting
from agents.settings import Settings, load
from pipeline.flow import STAGES
from schemas.records import Post
from schemas.topics import POSTS_INCOMING
from schemas.wire import encode

STEADY_POSTS = 400
STEADY_RATE = 50.0
"""The first posts are sent at an even rate (per second), to measure latency; the rest at once, to measure throughput."""

JOIN_SECONDS = 60.0
SILENCE_SECONDS = 45.0
"""So long without an output, and the demo gives up."""


@dataclass(frozen=True)
class Plan:
    """What is run: `broker` None means the embedded one. `keep`: stages run on until Ctrl-C, and topics on a real broker stay."""

    broker: str | None
    keep: bool


def run(plan: Plan, console: Console) -> int:
    """Returns the exit code: 0 when every post came out exactly once decided, else 1."""
    _, regions = fitting(load())  # a policy that does not fit is said at once
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-", ignore_cleanup_errors=True)))
        place = embedded(folder) if plan.broker is None else real(plan.broker, folder, console, keep=plan.keep)
        settings = cleanup.enter_context(place)
        log = cleanup.enter_context((folder / "stages.log").open("w+"))
        supervisor = Supervisor(STAGES, settings, _for_stages(settings, plan), log)
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        cleanup.callback(thread.join)
        cleanup.callback(supervisor.request_stop)
        _wait_until_joined(supervisor, thread, settings, log, console)
        client = quiet(client_config(settings), lambda _: None)
        collector = Collector(client, settings.topic_prefix, [region.name for region in regions.regions])
        cleanup.callback(collector.close)
        complete = _play(posts(), settings, collector, console)
        if not complete:
            console.print(_tail(log), markup=False, highlight=False, style="red")
        if plan.keep:
            _keep(settings, supervisor, console)
    _what_next(console)
    return 0 if complete else 1


def _for_stages(settings: Settings, plan: Plan) -> dict[str, str]:
    """What the stages' processes are told. The embedded broker answers an empty fetch only when its time is over: keep that short."""
    told = {"broker": settings.broker, "topic_prefix": settings.topic_prefix, "data_dir": str(settings.data_dir)}
    return told if plan.broker else {**told, "idle_fetch_wait_ms": str(settings.fetch_wait_ms)}


def _wait_until_joined(supervisor: Supervisor, thread: threading.Thread, settings: Settings, log: IO[str], console: Console) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    with console.status("starting the stages: language, scoring, routing"):
        while not all(_healthy(settings.metrics_host, port) for port in supervisor.ports):
            if not thread.is_alive():  # for what no restart mends
                raise StopWorker(ExitCode.CONFIG, f"a stage did not start:\n{_tail(log)}")
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
    sender = Sender(client_config(settings), delivery_timeout_seconds=settings.delivery_timeout_seconds)
    topic = settings.topic_prefix + POSTS_INCOMING.name
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    seen = collector.seen
    console.print(
        f"{STEADY_POSTS} posts at {STEADY_RATE:.0f} a second to measure latency, then the other {len(wanted) - STEADY_POSTS} at once",
        highlight=False,
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("published", total=len(wanted))
        out = progress.add_task("decided", total=len(wanted))

        def show() -> None:
            progress.update(out, completed=len(seen.decisions))

        burst = 0.0
        for number, post in enumerate(wanted):
            if number == STEADY_POSTS:
                _wait_for(seen, number, collector, show)
                burst = time.monotonic()
            while number < STEADY_POSTS and (ahead := number / STEADY_RATE - (progress.tasks[bar].elapsed or 0)) > 0:
                collector.read(ahead)
            sender.send(Message(topic, post.conversation_id, encode(post), []))
            progress.update(bar, completed=number + 1)
            show()
        sender.flush()
        _wait_for(seen, len(wanted), collector, show)
        rate = (len(seen.decisions) - STEADY_POSTS) / max(1e-9, seen.last_change - burst)
    print_summary(console, seen)
    return _verdict(wanted, seen, rate, console)


def _wait_for(seen: Seen, count: int, collector: Collector, show: Callable[[], None]) -> None:
    """Until so many posts are decided, or nothing has come for SILENCE_SECONDS."""
    seen.last_change = time.monotonic()
    while len(seen.decisions) < count and time.monotonic() - seen.last_change < SILENCE_SECONDS:
        collector.read(0.2)
        show()


def _verdict(wanted: Sequence[Post], seen: Seen, rate: float, console: Console) -> bool:
    ids = {(post.post_id, post.revision) for post in wanted}
    lost, strange = ids - seen.decisions.keys(), seen.decisions.keys() - ids
    steady = {(post.post_id, post.revision) for post in wanted[:STEADY_POSTS]}
    console.print(
        f"\nlatency at {STEADY_RATE:.0f} posts/s, received to decided: "
        f"{latency([decision for key, decision in seen.decisions.items() if key in steady])}\n"
        f"throughput of the burst that followed: {rate:.0f} posts/s",
        highlight=False,
    )
    fine = not (lost or strange or seen.conflicts or seen.dead_letters)
    console.print(
        f"posts in: {len(wanted)} (ids: {len(ids)}); decisions out: {len(seen.decisions)}; lost: {len(lost)}; unknown: {len(strange)}; "
        f"duplicates: {seen.duplicates}, of those with another id: {seen.conflicts}; dead letters: {seen.dead_letters}",
        highlight=False,
    )
    console.print("ids in = ids out" if fine else "NOT all is well", style="bold green" if fine else "bold red")
    return fine


def _tail(log: IO[str]) -> str:
    log.flush()
    return Path(log.name).read_text(errors="replace")[-3000:]


def _keep(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    given = "" if load().topic_prefix == settings.topic_prefix else f"SLUICE_TOPIC_PREFIX={settings.topic_prefix} "
    addresses = " ".join(f"http://{settings.metrics_host}:{port}/metrics" for port in supervisor.ports)
    console.print(
        f"\nstill running on {settings.broker}; Ctrl-C ends it. In another terminal, for example:\n"
        f"  {given}{_program()} tail decisions --from-start --broker {settings.broker}\n"
        f"metrics of the stages: {addresses}",
        highlight=False,
        soft_wrap=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def _what_next(console: Console) -> None:
    console.print(
        f"\nwhat next: the same on your Kafka with `{_program()} demo --broker HOST:PORT`; README.md and docs/README.md say how to go on",
        highlight=False,
        soft_wrap=True,
    )


def _program() -> str:
    """The command as it was typed."""
    return shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == "sluice" else "sluice"
