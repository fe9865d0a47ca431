"""Runs the demo: rules, broker, topics, stages, posts, people, summary."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shlex
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import Console

from agents.demo.broker import embedded, free_ports, real
from agents.demo.checks import checks, print_checks
from agents.demo.collect import Collector
from agents.demo.platform import Platform
from agents.demo.play import play, speed
from agents.demo.posts import posts
from agents.demo.reviewers import Reviewers
from agents.demo.rules import PEOPLE, write_rules
from agents.demo.story import Story, tell
from agents.demo.summary import print_summary
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.reader import quiet
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.edge.supervisor import Supervisor
from agents.routing import fitting
from agents.settings import Settings, load
from pipeline.flow import STAGES
from pipeline.policy.roster import read_roster
from schemas.records import Post

JOIN_SECONDS = 60.0
CLOSES_AFTER_SECONDS = 60
"""From the start until a region closes: on two cores the posts are decided by then, and most tasks answered."""

EMBEDDED_FETCH_WAIT_MS = 20
"""The embedded broker answers an empty fetch only when its time is over, whatever comes meanwhile."""


@dataclass(frozen=True)
class Plan:
    """What is run: `broker` None means the embedded one. `keep`: stages run on until Ctrl-C, and topics on a real broker stay."""

    broker: str | None
    keep: bool


def run(plan: Plan, console: Console) -> int:
    """Returns the exit code: 0 when every post came out decided and every task is accounted for, else 1."""
    mine = load(**PEOPLE)
    _, regions = fitting(mine)  # a policy that does not fit is said at once
    roster = read_roster(mine.roster, regions)
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-", ignore_cleanup_errors=True)))
        closes_at = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=CLOSES_AFTER_SECONDS)
        given = {
            "data_dir": folder,
            "metrics_port": free_ports(mine.metrics_host, mine.metrics_port),
            **write_rules(mine, folder, closes_at),
        }
        place = embedded(given) if plan.broker is None else real(plan.broker, given, console, keep=plan.keep)
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
        wanted = posts()
        story = Story(collector.seen, Platform(wanted), Reviewers(roster), closes_at)
        complete = _show(wanted, settings, story, collector, console)
        if not complete:
            console.print(_tail(log), markup=False, highlight=False, style="red")
        if plan.keep:
            _keep(settings, supervisor, console)
    _what_next(console)
    return 0 if complete else 1


def _show(wanted: Sequence[Post], settings: Settings, story: Story, collector: Collector, console: Console) -> bool:
    """Posts, people, summary. True when everything adds up."""
    sender = Sender(client_config(settings), delivery_timeout_seconds=settings.delivery_timeout_seconds)
    rate = play(wanted, sender, settings.topic_prefix, collector, console)
    tell(story, collector, sender, settings.topic_prefix, console)
    print_summary(console, story)
    console.print(f"\n{speed(wanted, story.seen, rate)}", highlight=False)
    return print_checks(list(checks(wanted, story)), console)


def _for_stages(settings: Settings, plan: Plan) -> dict[str, str]:
    """What the stages' processes are told."""
    told = {name: str(getattr(settings, name)) for name in ("broker", "topic_prefix", "data_dir", "policy", "regions", "roster")}
    return told if plan.broker else {**told, "fetch_wait_ms": str(EMBEDDED_FETCH_WAIT_MS)}


def _wait_until_joined(supervisor: Supervisor, thread: threading.Thread, settings: Settings, log: IO[str], console: Console) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    with console.status(f"starting the stages: {', '.join(STAGES)}"):
        while not all(_healthy(settings.metrics_host, port) for port in supervisor.ports.values()):
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


def _tail(log: IO[str]) -> str:
    log.flush()
    return Path(log.name).read_text(errors="replace")[-3000:]


def _keep(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    given = "" if load().topic_prefix == settings.topic_prefix else f"SLUICE_TOPIC_PREFIX={settings.topic_prefix} "
    addresses = " ".join(f"http://{settings.metrics_host}:{port}/metrics" for port in supervisor.ports.values())
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
