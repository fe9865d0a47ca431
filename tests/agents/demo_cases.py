"""The demo's people and platform at a machine of cases in memory: what they say is applied, and what comes of it is heard."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from msgspec.structs import replace

from agents.demo.collect import Seen
from agents.demo.platform import Platform
from agents.demo.reviewers import Reviewers
from agents.demo.rules import PEOPLE, write_rules
from agents.demo.story import Story
from agents.settings import load
from pipeline.cases.rules import Rules
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from pipeline.policy.roster import read_roster
from pipeline.stage import Output
from schemas.cases import CaseEvent, CaseState
from schemas.records import Action, Automation, Language, Post, PostKind, Record
from schemas.topics import TASK_EVENTS
from schemas.wire import decoder
from tests.pipeline.cases.world import NOW, World, case_event, proposal

CLOSES_AT = NOW + dt.timedelta(minutes=1)
DUTCH, REMOVED, CALM = 80, 4, 3


def post(name: str) -> Post:
    """As the platform published it."""
    return Post(
        post_id=name, revision=1, kind=PostKind.CREATED, conversation_id=name, author_id="author", market="GB", created_at=NOW, text=name
    )  # fmt: skip


def in_english(event: CaseEvent) -> CaseEvent:
    """The same, in English."""
    return replace(event, language=Language(tag="en", confidence=1.0), proposal=replace(event.proposal, language="en"))


class Cases:
    """The world of cases under the demo's rules, with `story` as its people."""

    def __init__(self, folder: Path) -> None:
        settings = load(**write_rules(load(**PEOPLE), folder, CLOSES_AT))
        regions = read_regions(settings.regions)
        roster = read_roster(settings.roster, regions)
        self.world = World(Rules(read_policies(settings.policy), regions, roster))
        names = [f"{kind}-{n}" for kind, count in (("dutch", DUTCH), ("removed", REMOVED), ("calm", CALM)) for n in range(count)]
        self.posts = [post(name) for name in names]
        self.story = Story(Seen(), Platform(self.posts), Reviewers(roster), CLOSES_AT)
        self._read = 0

    def route(self) -> None:
        """What routing would make of the posts: Dutch ones for people, English ones that the machine removes or allows."""
        for name in (each.post_id for each in self.posts):
            if name.startswith("calm"):
                self.story.seen.add(proposal(name, language="en", case_id=None))
                continue
            event = case_event(name)
            if name.startswith("removed"):
                event = in_english(case_event(name, action=Action.REMOVE, automation=Automation.FULL))
            self._hear([event.proposal, *self.world.routed(event)])

    def act(self) -> None:
        """What the platform says without being asked."""
        self._say(self.story.act(self.world.now))

    def close_the_region(self) -> None:
        """A minute passes."""
        self._hear(self.world.pass_time(dt.timedelta(minutes=1, seconds=1)))

    def _say(self, outputs: list[Output]) -> None:
        for output in outputs:
            read_back = [output.record] if output.topic is TASK_EVENTS else []
            self._hear([*read_back, *self.world.send(output.topic.name, output.record)])

    def _hear(self, records: list[Record]) -> None:
        seen = self.story.seen
        for key, value in self.world.log[self._read :]:
            if value is None:
                seen.states.pop(key, None)
            elif not key.startswith("#"):
                seen.states[key] = decoder(CaseState)(value)
        self._read = len(self.world.log)
        for record in records:
            seen.add(record)
        self._say(self.story.hear(records, self.world.now))
