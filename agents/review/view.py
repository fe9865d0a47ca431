"""The widget that shows a page, and takes note of which of its lines were drawn."""

from __future__ import annotations

from rich.console import Console
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from agents.review.page import Page
from schemas.records import ReviewTask


class PageView(ScrollView, can_focus=True):
    """The conversation of a task, scrolled by the keys of the reviewer. A new width makes a new page, of which nothing was shown yet."""

    DEFAULT_CSS = "PageView { scrollbar-gutter: stable; }"

    class Shown(Message):
        """Lines were on the screen for the first time, or were laid out anew."""

    def __init__(self, task: ReviewTask) -> None:
        super().__init__()
        self._shown_task = task
        self.page = Page(task, 1, revealed=False)

    def reveal(self) -> None:
        """Shows the texts."""
        self._lay_out(revealed=True)

    def on_resize(self, _: events.Resize) -> None:
        """Wraps the lines anew."""
        self._lay_out(revealed=self.page.revealed)

    def _lay_out(self, *, revealed: bool) -> None:
        width = max(1, self.scrollable_content_region.width)
        if (width, revealed) != (self.page.width, self.page.revealed):
            self.page = Page(self._shown_task, width, revealed=revealed)
            self.virtual_size = Size(width, len(self.page.lines))
            self.refresh()
            self.post_message(self.Shown())

    def render_line(self, y: int) -> Strip:
        """A line of the screen; textual asks for those alone that are within the view. Under a question they are not seen."""
        number, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if number >= len(self.page.lines) or width != self.page.width:
            return Strip.blank(self.size.width, self.rich_style)
        if self.app.screen is self.screen and self.page.was_shown(number):
            self.post_message(self.Shown())
        segments = self.page.lines[number].render(Console(width=width))
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style).apply_style(self.rich_style)
