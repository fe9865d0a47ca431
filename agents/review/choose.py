"""A question with a list of answers, over the rest of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agents.review.safe import safe


class Choose(ModalScreen[str | None]):
    """Answers with the id of the option that was chosen, or None. `options`: id and words."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back")]
    DEFAULT_CSS = """
    Choose { align: center middle; }
    Choose > Vertical { width: 72; max-width: 95%; height: auto; max-height: 90%; border: round $accent; background: $surface; }
    Choose OptionList { height: auto; max-height: 12; }
    Choose OptionList, Choose OptionList:focus { border: none; }
    """

    def __init__(self, question: Text, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._question, self._options = question, options

    def compose(self) -> ComposeResult:
        """The question over its answers."""
        with Vertical():
            yield Static(self._question)
            yield OptionList(*(Option(Text(safe(words)), id=name) for name, words in self._options))
            yield Static(Text("enter chooses, escape goes back", "dim"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Ends with the answer."""
        self.dismiss(event.option.id)
