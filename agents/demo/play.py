"""The posts of the demo: published at an even rate to measure latency, then at once to measure throughput."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.demo.collect import Collector, Seen
from agents.edge.producer import Message
from agents.edge.sender import Sender
from schemas.records import Decision, Post
from schemas.topics import POSTS_INCOMING
from schemas.wire import encode

STEADY_POSTS = 400
STEADY_RATE = 50.0
"""The first posts are sent at an even rate (per second), to measure latency; the rest at once, to measure throughput."""

SILENCE_SECONDS = 45.0
"""So long without an output, and the demo gives up."""

COLUMNS = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def play(wanted: Sequence[Post], sender: Sender, prefix: str, collector: Collector, console: Console) -> float:
    """Publishes and waits for the first decision on each. Returns the posts decided per second of those that were sent at once."""
    topic, seen = prefix + POSTS_INCOMING.name, collector.seen
    console.print(
        f"{STEADY_POSTS} posts at {STEADY_RATE:.0f} a second to measure latency, then the other {len(wanted) - STEADY_POSTS} at once",
        highlight=False,
    )
    with Progress(*COLUMNS, console=console) as progress:
        bar = progress.add_task("published", total=len(wanted))
        out = progress.add_task("decided", total=len(wanted))

        def show() -> None:
            progress.update(out, completed=len(seen.first))

        burst = 0.0
        for number, post in enumerate(wanted):
            if number == STEADY_POSTS:
                _wait_for(number, collector, show)
                burst = time.monotonic()
            while number < STEADY_POSTS and (ahead := number / STEADY_RATE - (progress.tasks[bar].elapsed or 0)) > 0:
                collector.read(ahead)
            sender.send(Message(topic, post.conversation_id, encode(post), []))
            progress.update(bar, completed=number + 1)
            show()
        sender.flush()
        _wait_for(len(wanted), collector, show)
    return (len(seen.first) - STEADY_POSTS) / max(1e-9, seen.last_first - burst)


def _wait_for(count: int, collector: Collector, show: Callable[[], None]) -> None:
    """Until so many posts are decided, or none was for SILENCE_SECONDS."""
    seen, since = collector.seen, time.monotonic()
    while len(seen.first) < count and time.monotonic() - max(since, seen.last_first) < SILENCE_SECONDS:
        collector.read(0.2)
        show()


def speed(wanted: Sequence[Post], seen: Seen, rate: float) -> str:
    """Latency and throughput, a line each. Edits are decided by another stage, and left out of the latency."""
    steady = {(post.post_id, post.revision) for post in wanted[:STEADY_POSTS]}
    measured = [decision for key, decision in seen.first.items() if key in steady and not decision.sequence]
    return (
        f"latency at {STEADY_RATE:.0f} posts/s, received to decided: {latency(measured)}\n"
        f"throughput of the burst that followed: {rate:.0f} posts/s"
    )


def latency(decisions: Iterable[Decision]) -> str:
    """`p50 41 ms, p99 97 ms` of received to decided."""
    seconds = [(decision.decided_at - decision.received_at).total_seconds() for decision in decisions]
    if len(seconds) < 2:
        return "not measured"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"
