"""One claimed task: the conversation, why it is here, and the keys that answer it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from agents.review.choose import Choose
from agents.review.describe import head, state
from agents.review.view import PageView
from agents.review.words import Answer, labels_for
from pipeline.language.languages import LANGUAGES
from pipeline.policy.policy import Policy
from schemas.people import CannotJudge, Outcome
from schemas.records import ReviewTask

LOOK_FIRST = "look at it first: t shows the text"
NO_QUEUE = "the policy names no queue to escalate to"
NOT_ALL_SEEN = "Not all of it was on the screen, so this only limits until somebody confirms it who reads the language."

REASONS = {
    CannotJudge.LANGUAGE: "it is in a language that I do not read",
    CannotJudge.CONTEXT: "the conversation is missing, or too little of it",
    CannotJudge.EXPERTISE: "somebody with other knowledge must judge it",
    CannotJudge.CONFLICT: "I know somebody in it",
    CannotJudge.WELLBEING: "I do not want to look at this",
    CannotJudge.TOOL: "it is not shown as it should be",
}
UNKNOWN_LANGUAGE = "unknown"


class TaskScreen(Screen[None]):
    """`answered` is told the answer and the digest of what was shown; `left` that the task is given back, and whether to go on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "reveal", "text"),
        Binding("a", "allow", "allow"),
        Binding("l", "restrict('limit')", "limit"),
        Binding("x", "restrict('remove')", "remove"),
        Binding("e", "escalate", "escalate"),
        Binding("c", "cannot_judge", "can't judge"),
        Binding("r", "leave(False)", "release"),
        Binding("n", "leave(True)", "next"),
        Binding("space", "page_down", "down", show=False),
    ]
    DEFAULT_CSS = """
    TaskScreen #head { height: auto; background: $panel; }
    TaskScreen #state { height: 1; background: $panel; }
    TaskScreen PageView { height: 1fr; }
    """

    def __init__(
        self,
        task: ReviewTask,
        policy: Policy,
        languages: Sequence[str],
        answered: Callable[[ReviewTask, Answer, str | None], None],
        left: Callable[[ReviewTask, bool], None],
    ) -> None:
        super().__init__()
        self.shown_task, self._policy, self._languages = task, policy, languages
        self._answered, self._left = answered, left

    def compose(self) -> ComposeResult:
        """Why it is here; the conversation; how much of it was seen; the keys."""
        yield Static(head(self.shown_task, self._languages, dt.datetime.now(dt.UTC)), id="head")
        yield PageView(self.shown_task)
        yield Static(id="state")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The keys scroll the conversation."""
        self._view.focus()
        self._show_state()

    def on_screen_resume(self) -> None:
        """A question is answered. What was laid out under it is drawn again, and only now counts as seen."""
        self._view.refresh()

    def tell(self, words: str) -> None:
        """Says something in the line above the keys, until there is more to say of the page."""
        self.query_one("#state", Static).update(Text(words, "bold"))

    def tick(self, now: dt.datetime) -> None:
        """Time has passed."""
        self.query_one("#head", Static).update(head(self.shown_task, self._languages, now))

    @property
    def _view(self) -> PageView:
        return self.query_one(PageView)

    def on_page_view_shown(self) -> None:
        """More of the conversation was on the screen."""
        self._show_state()

    def _show_state(self) -> None:
        self.query_one("#state", Static).update(state(self._view.page))

    def action_reveal(self) -> None:
        """Shows the texts."""
        self._view.reveal()
        self._show_state()

    def action_page_down(self) -> None:
        """Scrolls on."""
        self._view.scroll_page_down(animate=False)

    @work
    async def action_allow(self) -> None:
        """The post may stay, or comes back."""
        if self._looked() and await self._chosen("Allow this post?", [("allow", "allow it")], warn=False):
            self._answer(Answer(Outcome.ALLOW))

    @work
    async def action_restrict(self, outcome: str) -> None:
        """The post violates what the reviewer then names."""
        if self._looked() and (label := await self._label(Outcome(outcome), f"What does it violate? ({outcome})")):
            self._answer(Answer(Outcome(outcome), label=label))

    @work
    async def action_escalate(self) -> None:
        """Others must see it, and soon."""
        if not labels_for(self.shown_task, self._policy, Outcome.ESCALATE):
            self.tell(NO_QUEUE)
        elif label := await self._label(Outcome.ESCALATE, "What is it? It goes to the queue that the policy names."):
            self._answer(Answer(Outcome.ESCALATE, label=label))

    @work
    async def action_cannot_judge(self) -> None:
        """Others get it."""
        reason = await self._chosen("Why can you not judge it?", [(each.value, words) for each, words in REASONS.items()], warn=False)
        if reason is None:
            return
        seen = None
        if reason == CannotJudge.LANGUAGE.value:
            options = [(UNKNOWN_LANGUAGE, "I cannot tell"), *((tag, tag) for tag in LANGUAGES)]
            seen = await self._chosen("Which language is it?", options, warn=False)
            if seen is None:
                return
        spoken = None if seen == UNKNOWN_LANGUAGE else seen
        self._answer(Answer(Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge(reason), language_seen=spoken))

    def action_leave(self, go_on: bool) -> None:
        """Gives the task back."""
        self._left(self.shown_task, go_on)

    async def _label(self, outcome: Outcome, question: str) -> str | None:
        names = labels_for(self.shown_task, self._policy, outcome)
        options = [(name, f"{name}: {self._policy.labels[name].clause}") for name in names]
        return await self._chosen(question, options, warn=outcome is not Outcome.ESCALATE)

    async def _chosen(self, question: str, options: Sequence[tuple[str, str]], *, warn: bool) -> str | None:
        text = Text(question, "bold")
        if warn and self._view.page.digest is None:
            text.append(f"\n{NOT_ALL_SEEN}", "not bold yellow")
        return await self.app.push_screen_wait(Choose(text, options))

    def _looked(self) -> bool:
        if not self._view.page.revealed:
            self.tell(LOOK_FIRST)
        return self._view.page.revealed

    def _answer(self, answer: Answer) -> None:
        self._answered(self.shown_task, answer, self._view.page.digest)
