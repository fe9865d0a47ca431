"""What happens once the posts are decided: simulated reviewers answer, an author appeals, users report, a region closes."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress

from agents.demo.collect import Collector, Seen
from agents.demo.platform import Platform
from agents.demo.play import COLUMNS, SILENCE_SECONDS
from agents.demo.reviewers import RULE, Reviewers
from agents.demo.rules import CLOSING
from agents.edge.envelope import Envelope, time_header
from agents.edge.sender import Sender
from pipeline.stage import Output
from schemas.people import NoticeKind
from schemas.records import Action, Record

STILL_SECONDS = 2.0
"""Nothing is open for so long: then it is over. What belongs to one step of a case is read from several topics, one after the other."""


class Story(NamedTuple):
    """Everybody who is simulated, and what came out. `closes_at`: when the region CLOSING closes."""

    seen: Seen
    platform: Platform
    reviewers: Reviewers
    closes_at: dt.datetime

    def hear(self, records: Iterable[Record], now: dt.datetime) -> list[Output]:
        """What platform and reviewers say to records, which `seen` has taken in."""
        return [said for record in records for who in (self.platform, self.reviewers) for said in who.hear(record, now)]

    def act(self, now: dt.datetime) -> list[Output]:
        """What is said without being asked: an appeal, and after it reports."""
        appeal = self.platform.file_appeal(self.seen, now)
        removals = any(decision.action is Action.REMOVE for decision in self.seen.first.values())
        ready = self.platform.appeal is not None or not removals
        return appeal + (self.platform.file_reports(self.seen, now) if ready else [])

    def over(self, now: dt.datetime) -> bool:
        """Whether everything has come that somebody waits for."""
        outcomes = {notice.about for notice in self.seen.notices.values() if notice.kind is not NoticeKind.RECEIPT}
        asked = set(self.platform.reports)
        if self.platform.appeal is not None:
            asked.add(self.platform.appeal.appeal_id)
        if self.reviewers.late is not None:
            asked.add(self.reviewers.late.verdict_id)
        states = self.seen.states.values()
        return (
            now > self.closes_at
            and asked <= outcomes
            and not any(self.reviewers.takes(task) for task in self.seen.open.values())
            and not any(state.standing and state.standing.unconfirmed_since for state in states)
            and {state.task.task_id for state in states if state.task} == set(self.seen.open)
        )


def tell(story: Story, collector: Collector, sender: Sender, prefix: str, console: Console) -> None:
    """Has everybody hear and speak until it is over, or until nothing has come for SILENCE_SECONDS."""
    envelope, seen = Envelope("demo", prefix), story.seen
    console.print(f"\n{RULE}; the region {CLOSING!r} closes at {story.closes_at:%H:%M:%S} UTC", style="dim", highlight=False)

    def send(outputs: Iterable[Output]) -> None:
        for output in outputs:
            sender.send(envelope.message(output, time_header(_now()), None))
        sender.wait(0)

    send(story.hear([*seen.ends.values(), *seen.tasks.values(), *seen.decisions.values()], _now()))
    with Progress(*COLUMNS, console=console) as progress:
        bar = progress.add_task("tasks over (simulated)", total=None)
        busy_at = time.monotonic()
        while time.monotonic() - busy_at < STILL_SECONDS and not _silent(story):
            send(story.hear(collector.read(0.2), _now()))
            send(story.act(_now()))
            progress.update(bar, completed=len(seen.ends), total=len(seen.tasks))
            if not story.over(_now()):
                busy_at = time.monotonic()


def _silent(story: Story) -> bool:
    """Before the region closes, everybody may be waiting for that."""
    return _now() > story.closes_at and time.monotonic() - story.seen.last_change > SILENCE_SECONDS


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
