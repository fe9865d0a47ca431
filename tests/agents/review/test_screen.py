"""The screen itself, with textual's pilot, at the size that terminals have, on an embedded broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from agents.embedded import EmbeddedBroker
from agents.review.app import ENDED, RAN_OUT, ReviewApp, Reviewer
from agents.review.choose import Choose
from agents.review.link import Link
from agents.review.task_screen import LOOK_FIRST, TaskScreen
from agents.review.view import PageView
from agents.settings import load
from pipeline.policy.policy import read_policies
from schemas.people import CannotJudge, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import Language, Record, ReviewTask
from schemas.topics import TASK_EVENTS, VERDICTS, Topic, review_topic
from schemas.wire import decoder, encode
from tests.agents.review.tasks import event, task
from tests.support.clients import Outgoing, produce, read_all

SIZE = (80, 24)
WAIT_SECONDS = 20.0
REGION = "dutch"
REVIEW = review_topic(REGION)
CLAIMED, RELEASED, WITHDRAWN, MOVED = TaskEventKind


class Desk:
    """A reviewer at a terminal, with a broker of their own."""

    def __init__(self, broker: str, folder: Path) -> None:
        self.address = broker
        self.settings = load(broker=broker, data_dir=folder)
        self.pilot: Pilot[None]
        self.app: ReviewApp

    def put(self, topic: Topic, *records: Record) -> None:
        """What others write."""
        produce(self.address, topic.name, [Outgoing(topic.key_of(record).encode(), encode(record)) for record in records])

    def said(self, topic: Topic) -> list[Record]:
        """All that is on a topic, oldest first within a partition."""
        assert topic.record is not None
        return [decoder(topic.record)(message.value) for message in read_all(self.address, topic.name, committed=False)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something is so, while the app runs."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not so after {WAIT_SECONDS} s; the screen says:\n{self.text()}"
            await self.pilot.pause()
            await asyncio.sleep(0.01)  # gives the processor to the threads that read and write

    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join("".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips())

    def rows(self) -> list[str]:
        """Ids of the tasks in the queue."""
        return [task_id for task_id, _ in self.app._rows]

    @property
    def screen(self) -> TaskScreen:
        """The task on the screen."""
        assert isinstance(self.app.screen, TaskScreen)
        return self.app.screen

    async def claim(self, key: str = "enter") -> None:
        """Claims a task and waits until it is on the screen."""
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.app.screen, TaskScreen) and "the post to judge" in self.text())

    async def choose(self, *keys: str) -> None:
        """Answers the question that stands on the screen."""
        await self.until(lambda: isinstance(self.app.screen, Choose))
        await self.pilot.press(*keys)

    async def reveal(self) -> None:
        """Shows the texts and waits until they are drawn."""
        await self.pilot.press("t")
        await self.until(lambda: self.view.page.revealed and self.view.page.left < len(self.view.page.lines))
        await self.pilot.pause()

    async def scroll(self) -> None:
        """A page down, until more was drawn."""
        left = self.view.page.left
        await self.pilot.press("space")
        await self.until(lambda: self.view.page.left < left)

    @property
    def view(self) -> PageView:
        """The conversation on the screen."""
        return self.screen.query_one(PageView)

    async def verdict(self) -> Verdict:
        """The only verdict that was sent."""
        await self.until(lambda: not isinstance(self.app.screen, TaskScreen | Choose))
        await self.until(lambda: not self.app._sending.locked())
        (found,) = self.said(VERDICTS)
        assert isinstance(found, Verdict)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with EmbeddedBroker({REVIEW.name: 2, TASK_EVENTS.name: 2, VERDICTS.name: 2}) as broker:
        yield Desk(broker.address, tmp_path)


@asynccontextmanager
async def sitting(desk: Desk, languages: Sequence[str] = ()) -> AsyncIterator[Desk]:
    """`sluice review` runs, and has read what there is."""
    policies = read_policies(desk.settings.policy)
    desk.app = ReviewApp(Link(desk.settings, [REGION]), Reviewer("me", [REGION], ["nl"], languages), policies)
    async with desk.app.run_test(size=SIZE, notifications=True) as desk.pilot:
        await desk.until(lambda: desk.app._loaded)
        yield desk
    assert desk.app.failure is None


def run(work: Callable[[], object]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_a_task_is_claimed_read_and_decided(desk: Desk) -> None:
    desk.put(REVIEW, task("low", priority=3), task("high", priority=80))

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["high", "low"])
            await desk.claim()
            assert desk.screen.shown_task.task_id == "high"
            assert "oplichter" not in desk.text()
            assert "may violate: insult" in desk.text()
            await desk.pilot.press("x")
            await desk.until(lambda: LOOK_FIRST in desk.text())
            await desk.reveal()
            await desk.until(lambda: "rot op, oplichter" in desk.text())
            await desk.until(lambda: desk.view.page.left == 0)
            await desk.pilot.press("x")
            await desk.choose("enter")
            found = await desk.verdict()
            assert (found.outcome, found.label, found.reviewer, found.tool) == (Outcome.REMOVE, "insult", "me", "sluice-review")
            assert found.context_digest == task("high").context.digest
            await desk.until(lambda: desk.rows() == ["low"])
        claims = [each for each in desk.said(TASK_EVENTS) if isinstance(each, TaskEvent)]
        assert [(each.kind, each.task_id, each.reviewer, each.reason) for each in claims] == [(CLAIMED, "high", "me", None)]

    run(work)


def test_the_digest_is_sent_only_when_all_was_scrolled_through(desk: Desk) -> None:
    long = task(text="\n".join(f"regel {number}" for number in range(60)))
    desk.put(REVIEW, long)

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim()
            await desk.reveal()
            await desk.until(lambda: "lines not seen yet" in desk.text())
            await desk.pilot.press("l")
            await desk.until(lambda: isinstance(desk.app.screen, Choose))
            await desk.until(lambda: "Not all of it was on the screen" in desk.text())
            await desk.pilot.press("escape")
            await desk.until(lambda: isinstance(desk.app.screen, TaskScreen))
            while desk.view.page.left:
                await desk.scroll()
            await desk.until(lambda: "all of it was on the screen" in desk.text())
            await desk.pilot.press("l")
            await desk.choose("down", "enter")
            found = await desk.verdict()
            assert (found.outcome, found.context_digest) == (Outcome.LIMIT, long.context.digest)
            assert found.label == "threat"  # after the task's own, the policy's gravest

    run(work)


def test_what_is_drawn_anew_under_a_question_is_seen_only_after_it(desk: Desk) -> None:
    desk.put(REVIEW, task())

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim()
            await desk.reveal()
            view = desk.view
            await desk.until(lambda: view.page.left == 0)
            await desk.pilot.press("c")
            await desk.until(lambda: isinstance(desk.app.screen, Choose))
            await desk.pilot.resize_terminal(70, 24)
            await desk.until(lambda: view.page.width < 70 and view.page.revealed)
            assert view.page.digest is None
            await desk.pilot.press("escape")
            await desk.until(lambda: view.page.digest is not None)

    run(work)


def test_without_all_of_it_a_verdict_carries_no_digest(desk: Desk) -> None:
    desk.put(REVIEW, task(text="\n".join("regel" for _ in range(60))))

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim()
            await desk.reveal()
            await desk.pilot.press("a")
            await desk.choose("enter")
            found = await desk.verdict()
            assert (found.outcome, found.label, found.context_digest) == (Outcome.ALLOW, None, None)

    run(work)


def test_who_cannot_judge_says_why_without_having_to_look(desk: Desk) -> None:
    desk.put(REVIEW, task(language=Language(tag="de", confidence=0.6), missing=("p0",)))

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim()
            await desk.until(lambda: "CONTEXT INCOMPLETE" in desk.text() and "NOT YOUR LANGUAGE" in desk.text())
            await desk.pilot.press("c")
            await desk.choose("enter")  # for its language
            await desk.until(lambda: "Which language is it?" in desk.text())
            await desk.pilot.press("down", "enter")
            found = await desk.verdict()
            assert (found.cannot_judge, found.language_seen, found.context_digest) == (CannotJudge.LANGUAGE, "af", None)

    run(work)


@pytest.mark.parametrize(("after", "said"), [(event(WITHDRAWN), ENDED), (event(MOVED), ENDED), (event(RELEASED, reviewer="me"), RAN_OUT)])
def test_a_task_that_is_withdrawn_moved_or_released_leaves_the_screen(desk: Desk, after: TaskEvent, said: str) -> None:
    desk.put(REVIEW, task())

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim("n")
            await desk.reveal()
            await desk.pilot.press("x")
            await desk.until(lambda: isinstance(desk.app.screen, Choose))
            desk.put(TASK_EVENTS, after)
            await desk.until(lambda: len(desk.app.screen_stack) == 1)
            await desk.until(lambda: said in desk.text())
            await desk.until(lambda: (desk.rows() == ["t1"]) is (said == RAN_OUT))

    run(work)


def test_who_claims_second_does_not_get_it(desk: Desk) -> None:
    desk.put(REVIEW, task())

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            desk.put(TASK_EVENTS, event(CLAIMED, reviewer="other"))
            await desk.pilot.press("c")
            await desk.until(lambda: desk.rows() == [])
            assert not isinstance(desk.app.screen, TaskScreen)

    run(work)


def test_release_and_next_give_a_task_back(desk: Desk) -> None:
    desk.put(REVIEW, task("t1", priority=9), task("t2", priority=5))

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1", "t2"])
            await desk.claim()
            await desk.pilot.press("n")
            await desk.until(lambda: isinstance(desk.app.screen, TaskScreen) and desk.screen.shown_task.task_id == "t2")
            await desk.pilot.press("r")
            await desk.until(lambda: desk.rows() == ["t1", "t2"])
            await desk.claim()
            await desk.pilot.press("q")

    run(work)
    events = {(each.kind, each.task_id) for each in desk.said(TASK_EVENTS) if isinstance(each, TaskEvent)}
    assert events == {(CLAIMED, "t1"), (RELEASED, "t1"), (CLAIMED, "t2"), (RELEASED, "t2")}
    releases = [each for each in desk.said(TASK_EVENTS) if isinstance(each, TaskEvent) and each.kind is RELEASED]
    assert len(releases) == 3


def test_what_is_over_barred_or_in_another_language_is_not_offered(desk: Desk) -> None:
    german = Language(tag="de", confidence=0.9)
    desk.put(TASK_EVENTS, event(WITHDRAWN, "over"), event(CLAIMED, "taken", "other"))
    desk.put(REVIEW, task("over"), task("taken"), task("barred", barred_reviewers=("me",)), task("german", language=german), task("mine"))

    async def work() -> None:
        async with sitting(desk, ["nl"]):
            await desk.until(lambda: "1 open, 1 with others, 1 in other languages" in desk.text())
            assert desk.rows() == ["mine"]

    run(work)


def test_a_post_cannot_touch_the_terminal(desk: Desk) -> None:
    evil = "\x1b[2J\x1b[1;1H\x1b]0;owned\x07\x9b5A\u202egnp\u202c\u200b" + "Z" + "\u0310" * 200 + "\n\n\n\n\n\r\x08end [red]x[/red]"
    poisoned: ReviewTask = task(text=evil, statement=evil, labels=("\x1b[31minsult",), queue="\x1b[2J")
    desk.put(REVIEW, poisoned)

    async def work() -> None:
        async with sitting(desk):
            await desk.until(lambda: desk.rows() == ["t1"])
            await desk.claim()
            await desk.reveal()
            await desk.until(lambda: "end [red]x[/red]" in desk.text())
            drawn = desk.text()
            assert not set(drawn) & {"\x1b", "\x9b", "\x07", "\x08", "\r", "\u202e", "\u202c", "\u200b"}
            assert drawn.count("\u0310") <= 8
            assert "\\x1b[2J\\x1b[1;1H" in drawn
            assert "‹196 more marks›" in drawn

    run(work)
