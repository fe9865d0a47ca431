"""Tasks in words: a row of the queue, why a task is here, how much of it was seen. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.text import Text

from agents.review.page import Page
from agents.review.queue import Queue
from agents.review.safe import safe
from pipeline.policy.region import speaks
from schemas.records import ReviewTask

COLUMNS = (("prio", 4), ("due", 9), ("language", 9), ("market", 6), ("may violate", 40))
"""Of the queue, with their widths in cells; with the space between them less than 80."""

BREAKDOWN = (("d", 24 * 60), ("h", 60), ("min", 1))


def top(reviewer: str, regions: Sequence[str], queue: Queue | None) -> Text:
    """Of the screen with the queue. None: it is not read yet."""
    text = Text.assemble(("sluice review", "bold"), f"  {', '.join(regions)}  as {reviewer}  ")
    if queue is None:
        return text.append("reading ...", "yellow")
    text.append(f"{len(queue.offered())} open, {queue.taken()} with others")
    if queue.in_other_languages:
        text.append(f", {queue.in_other_languages} in other languages")
    return text


def due(task: ReviewTask, now: dt.datetime) -> Text:
    """`in 3 h`, `5 min ago`."""
    minutes = int((task.due_at - now).total_seconds() // 60)
    unit, size = next(((unit, size) for unit, size in BREAKDOWN if abs(minutes) >= 2 * size), ("min", 1))
    amount = f"{abs(minutes) // size} {unit}"
    if minutes < 0:
        return Text(f"{amount} ago", "bold red")
    return Text(f"in {amount}", "yellow" if minutes < 60 else "")


def row(task: ReviewTask, languages: Sequence[str], now: dt.datetime, *, mine: bool, asked: bool) -> tuple[Text, ...]:
    """Of the queue: the columns above. `languages`: what the reviewer reads. `asked`: the claim is on its way."""
    what = Text()
    if mine or asked:
        what.append("yours  " if mine else "claiming  ", "bold cyan")
    if task.queue:
        what.append(f"{safe(task.queue)}  ", "bold magenta")
    if not speaks(languages, task.language):
        what.append("not your language  ", "bold red")
    what.append(", ".join(safe(label) for label in task.labels) or "not assessed")
    return Text(str(task.priority)), due(task, now), Text(_tags(task)), Text(safe(task.post.market)), what


def head(task: ReviewTask, languages: Sequence[str], now: dt.datetime) -> Text:
    """Why the task is here, and what stands against a judgement."""
    text = Text.assemble((_tags(task), "bold"), f"  {safe(task.post.market)}  priority {task.priority}  due ", due(task, now))
    if task.attempt > 1:
        text.append(f"  asked {task.attempt} times")
    if task.post.reach:
        text.append(f"  {task.post.reach} views")
    if task.queue:
        text.append(f"  queue {safe(task.queue)}", "bold magenta")
    if task.labels:
        text.append("\nmay violate: ").append(", ".join(safe(label) for label in task.labels), "magenta")
    if task.unassessed:
        text.append("\nnot assessed: ").append(", ".join(each.value for each in task.unassessed), "yellow")
    if not speaks(languages, task.language):
        text.append("\nNOT YOUR LANGUAGE: a restriction only limits until somebody confirms it who reads it", "bold red")
    if not task.context.complete:
        text.append("\nCONTEXT INCOMPLETE: a restriction only limits until somebody confirms it", "bold red")
    return text


def state(page: Page) -> Text:
    """How much of the page was seen, and what follows."""
    if not page.revealed:
        return Text("texts are hidden: t shows them", "yellow")
    if page.left:
        return Text(f"{page.left} of {len(page.lines)} lines not seen yet (space, arrows)", "yellow")
    if not page.as_sent:
        return Text("all seen; but it is not the conversation that was sent, so it will not count in full", "bold red")
    return Text("all of it was on the screen", "green")


def _tags(task: ReviewTask) -> str:
    return safe("|".join((task.language.tag, *task.language.alternatives)))
