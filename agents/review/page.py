"""What a reviewer is shown of a task, as lines of a width, and whether all of it was on the screen. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from agents.review.safe import lines_of, safe
from pipeline.routing.digest import digest_of
from schemas.records import ContextPost, Highlight, PostKind, ReviewPost, ReviewTask

HIDDEN = "(hidden)"
INDENT = "  "
MARK = "bold reverse"
"""Style of the post that is to be judged."""


class Page:
    """The conversation with the post, in lines. Texts and addresses stand in it only if they are `revealed`.

    It remembers which of its lines were on the screen: a verdict carries the digest of the conversation only if all were.
    """

    def __init__(self, task: ReviewTask, width: int, *, revealed: bool) -> None:
        self.task, self.width, self.revealed = task, width, revealed
        self.lines = [line for block in _blocks(task, revealed=revealed) for line in _wrapped(block, width)]
        self._unseen = set(range(len(self.lines)))

    def was_shown(self, line: int) -> bool:
        """The line was drawn on the screen; whether it was for the first time."""
        if line not in self._unseen:
            return False
        self._unseen.discard(line)
        return True

    @property
    def left(self) -> int:
        """Lines that were not on the screen yet."""
        return len(self._unseen)

    @property
    def digest(self) -> str | None:
        """Of what these lines say, once all of it was on the screen, with all texts."""
        return digest_of(self.task.post, self.task.context) if self.revealed and not self._unseen else None

    @property
    def as_sent(self) -> bool:
        """Whether the conversation is the one whose digest the task names: else a verdict on it does not count in full."""
        return digest_of(self.task.post, self.task.context) == self.task.context.digest


def _blocks(task: ReviewTask, *, revealed: bool) -> Iterator[Text]:
    """Each is wrapped by itself."""
    context = task.context
    here = {task.post.post_id, *(post.post_id for post in context.thread)}
    for missing in context.missing:
        said = "It is not known which post this one answers" if missing in here else "A post before this is missing"
        yield Text(f"{said}: {safe(missing)}", "red")
    for post in context.thread:
        yield Text(_spoken(post), "bold")
        yield from _texts(post.text, (), revealed=revealed)
        if post.cut:
            yield Text(f"{INDENT}(the text goes on; it was cut)", "yellow")
        if post.media:
            yield Text(f"{INDENT}({post.media} media, which the task does not carry)", "yellow")
    yield Text(_judged(task.post), MARK)
    yield from _texts(task.post.text, task.highlights, revealed=revealed)
    for medium in task.post.media:
        yield Text(f"{INDENT}{safe(medium.type)}: {safe(medium.url) if revealed else HIDDEN}", "yellow")
    if task.statement is not None:
        yield Text("Somebody asks for another look:", "bold")
        yield from _texts(task.statement, (), revealed=revealed)


def _spoken(post: ContextPost) -> str:
    return f"{safe(post.speaker)}  {_time(post.created_at)}{_kind(post.kind)}"


def _judged(post: ReviewPost) -> str:
    return f"▶ {safe(post.speaker)}  {_time(post.created_at)}{_kind(post.kind)}  the post to judge "


def _kind(kind: PostKind) -> str:
    return "" if kind is PostKind.CREATED else f"  {kind.value}"


def _time(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}{time:%z}"


def _texts(text: str, highlights: Sequence[Highlight], *, revealed: bool) -> Iterator[Text]:
    if not text:
        yield Text(f"{INDENT}(no text)", "dim")
    elif not revealed:
        yield Text(f"{INDENT}{HIDDEN}", "dim")
    else:
        yield from _marked(text, highlights)


def _marked(text: str, highlights: Sequence[Highlight]) -> Iterator[Text]:
    """The text's lines, with the words marked that made the machine ask."""
    spans = sorted({(each.start, each.end) for each in highlights})
    for line in lines_of(text):
        shown, place = Text(INDENT), line.start
        for start, end in spans:
            if place <= start < end <= line.end:
                shown.append(safe(text[place:start])).append(safe(text[start:end]), "bold underline")
                place = end
        yield shown.append(safe(text[place : line.end])).append(line.note, "dim")


def _wrapped(block: Text, width: int) -> Iterator[Text]:
    """Lines of at most `width` cells, all with the indent of the first."""
    indent = INDENT if block.plain.startswith(INDENT) else ""
    body = block[len(indent) :] if indent else block
    console = Console(width=width)
    for line in body.wrap(console, max(1, width - len(indent)), overflow="fold") or [body]:
        yield Text(indent) + line
