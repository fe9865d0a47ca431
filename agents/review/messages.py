"""What the screen hears from the listening thread, as messages of textual: they may be posted from any thread."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from agents.review.link import Ears
from schemas.records import Record


class Heard(Message):
    """Records came in."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__()
        self.records = records


class CaughtUp(Message):
    """All that the topics held is read."""


class Said(Message):
    """Something that the reviewer should know."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class Failed(Message):
    """The listening ended."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def ears(post: Callable[[Message], bool]) -> Ears:
    """Ears that post what they hear."""

    def said(words: str) -> None:
        post(Said(words))

    return Ears(
        heard=lambda records: post(Heard(records)),
        caught_up=lambda: post(CaughtUp()),
        said=said,
        failed=lambda error: post(Failed(error)),
    )
