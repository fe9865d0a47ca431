"""The screen of `sluice review`."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Static

from agents.review.describe import COLUMNS, row, top
from agents.review.link import Link
from agents.review.messages import CaughtUp, Failed, Heard, Said, ears
from agents.review.queue import Queue, Standing
from agents.review.task_screen import TaskScreen
from agents.review.words import Answer, task_event, verdict
from pipeline.policy.policy import PolicySet
from schemas.people import TaskEvent, TaskEventKind, Verdict
from schemas.records import ReviewTask

DRAW_SECONDS = 0.2
"""The queue is drawn at most so often: thousands of tasks may come and go."""

TICK_SECONDS = 5.0
"""Times on the screen are in minutes."""

MOST_ROWS = 200
"""Of the queue, from its start: nobody works through more before it has changed."""

FASTER = "another reviewer was faster"
ENDED = "it is no longer open"
RAN_OUT = "your claim has run out"


class Reviewer(NamedTuple):
    """Who reviews, for which regions; which languages the person reads, and in which tasks are wanted (none: all)."""

    name: str
    regions: Sequence[str]
    reads: Sequence[str]
    wanted: Sequence[str] = ()


class ReviewApp(App[None]):
    """The queue, and over it the task that the reviewer has claimed. `failure`: why it ended, if it had to."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "claim", "claim (or enter)"),
        Binding("n", "next", "claim the first"),
        Binding("q", "quit", "quit"),
    ]
    CSS = """
    #top { height: 1; background: $panel; }
    #queue { height: 1fr; }
    """

    def __init__(self, link: Link, reviewer: Reviewer, policies: PolicySet) -> None:
        super().__init__()
        self._link, self._reviewer, self._policies = link, reviewer, policies
        self.tasks = Queue(reviewer.name, reviewer.wanted)
        self.failure: BaseException | None = None
        self._asked: str | None = None
        self._stale = True
        self._loaded = False
        self._rows: list[tuple[str, tuple[Text, ...]]] = []
        self._sending = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """How many wait; the queue; the keys."""
        yield Static(id="top")
        table: DataTable[Text] = DataTable(id="queue", cursor_type="row", zebra_stripes=True)
        yield table
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begins to listen."""
        for name, width in COLUMNS:
            self._table.add_column(name, width=width)
        self.set_interval(DRAW_SECONDS, self._draw)
        self.set_interval(TICK_SECONDS, self._tick)
        self._link.listen(ears(self.post_message))

    def on_unmount(self) -> None:
        """Ends the listening."""
        self._link.close()

    def on_heard(self, message: Heard) -> None:
        """Tasks come and go. The one on the screen may be gone, or claimed at last."""
        self.tasks.add(message.records)
        self._look_at_the_open_one()
        self._look_at_the_asked_one()
        self._stale = True

    def on_caught_up(self, _: CaughtUp) -> None:
        """Only now is it known what is still open."""
        self._loaded = True
        self._stale = True

    def on_said(self, message: Said) -> None:
        """Shows it for a while."""
        self._tell(message.words)

    def on_failed(self, message: Failed) -> None:
        """Nothing can be heard any more."""
        self._fail(message.error)

    def on_data_table_row_selected(self) -> None:
        """Enter on a row."""
        self.action_claim()

    def action_claim(self) -> None:
        """Claims the task under the cursor, or goes on with one that is claimed already."""
        self._claim_row(self._table.cursor_row)

    def action_next(self) -> None:
        """Claims the first task."""
        self._claim_row(0)

    async def action_quit(self) -> None:
        """Gives the open task back, and goes when the broker has it."""
        if screen := self._open:
            await self._send(self._released(screen.shown_task))
        async with self._sending:
            self.exit()

    @property
    def _table(self) -> DataTable[Text]:
        return self.screen_stack[0].query_one("#queue", DataTable)

    @property
    def _open(self) -> TaskScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, TaskScreen)), None)

    def _claim_row(self, number: int) -> None:
        if number < len(self._rows) and self._open is None:
            self._claim(self._rows[number][0])

    def _claim(self, task_id: str) -> None:
        task = self.tasks.task(task_id)
        if task is None or self._asked is not None:
            return
        if self.tasks.standing(task_id) is Standing.MINE:
            self._enter(task)
        else:
            self._asked = task_id
            self.run_worker(self._send(task_event(task, TaskEventKind.CLAIMED, self._reviewer.name, uuid.uuid4().hex, _now())))
            self._stale = True

    def _look_at_the_asked_one(self) -> None:
        """A claim counts once it is read back, and nobody else's stands before it."""
        if self._asked is None:
            return
        standing, task = self.tasks.standing(self._asked), self.tasks.task(self._asked)
        if standing is Standing.MINE and task is not None:
            self._asked = None
            self._enter(task)
        elif standing is not Standing.OPEN:
            self._asked = None
            self._tell(FASTER if standing is Standing.TAKEN else ENDED)

    def _look_at_the_open_one(self) -> None:
        if screen := self._open:
            standing = self.tasks.standing(screen.shown_task.task_id)
            if standing is not Standing.MINE:
                self._leave_screens()
                self._tell({Standing.OPEN: RAN_OUT, Standing.TAKEN: FASTER, Standing.GONE: ENDED}[standing])

    def _enter(self, task: ReviewTask) -> None:
        self.clear_notifications()
        self.push_screen(TaskScreen(task, self._policies.at(_now()), self._reviewer.reads, self._answered, self._left))

    def _answered(self, task: ReviewTask, answer: Answer, digest: str | None) -> None:
        """Sends the verdict. The task is not offered again."""
        self._leave_screens()
        self.tasks.decided(task.task_id)
        said = f"{answer.outcome.value.replace('_', ' ')}: sent"
        self.run_worker(self._send(verdict(task, answer, digest, self._reviewer.name, uuid.uuid4().hex, _now()), said))
        self._stale = True

    def _left(self, task: ReviewTask, go_on: bool) -> None:
        self._leave_screens()
        self.run_worker(self._send(self._released(task)))
        following = next((each for each, _ in self._rows if each != task.task_id), None)
        if go_on and following is not None:
            self._claim(following)

    def _released(self, task: ReviewTask) -> TaskEvent:
        return task_event(task, TaskEventKind.RELEASED, self._reviewer.name, uuid.uuid4().hex, _now())

    def _leave_screens(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    async def _send(self, record: TaskEvent | Verdict, said: str | None = None) -> None:
        """One after the other, in a thread."""
        async with self._sending:
            try:
                await asyncio.to_thread(self._link.send, record)
            except Exception as error:  # noqa: BLE001 - whatever it is: what the reviewer said has not arrived, and the reviewer must know
                self._fail(error)
            else:
                if said:
                    self._tell(said)

    def _tell(self, words: str) -> None:
        """Never over a conversation: what is covered was not shown."""
        if screen := self._open:
            screen.tell(words)
        else:
            self.notify(words, markup=False)

    def _fail(self, error: BaseException) -> None:
        self.failure = error
        self.exit()

    def _tick(self) -> None:
        self._stale = True
        if screen := self._open:
            screen.tick(_now())

    def _draw(self) -> None:
        """Draws the queue where something in it has changed; the cursor stays on its task."""
        if not self._stale:
            return
        self._stale = False
        queue, who, now = self.tasks if self._loaded else None, self._reviewer, _now()
        self.screen_stack[0].query_one("#top", Static).update(top(who.name, who.regions, queue))
        rows = [(task.task_id, self._row(task, now)) for task in (queue.offered()[:MOST_ROWS] if queue else ())]
        if rows == self._rows:
            return
        table, cursor = self._table, self._table.cursor_row
        at = self._rows[cursor][0] if cursor < len(self._rows) else None
        self._rows = rows
        table.clear()
        for _, cells in rows:
            table.add_row(*cells)
        ids = [task_id for task_id, _ in rows]
        table.move_cursor(row=ids.index(at) if at in ids else min(cursor, max(0, len(rows) - 1)))

    def _row(self, task: ReviewTask, now: dt.datetime) -> tuple[Text, ...]:
        mine = self.tasks.standing(task.task_id) is Standing.MINE
        return row(task, self._reviewer.reads, now, mine=mine, asked=task.task_id == self._asked)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
