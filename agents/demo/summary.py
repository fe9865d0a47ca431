"""The demo's summary: who decided what, where reviews went, two of them with their conversation, how fast, and whether all came out."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.cli.show import visible
from agents.demo.collect import Seen
from schemas.records import Action, Automation, ContextPost, Decision, PostKind, ReviewTask

LANGUAGES_SHOWN = 14
SHOWN_TASKS = 2
SHOWN_THREAD = 6


def decisions_table(decisions: Sequence[Decision]) -> Table:
    """Rows are languages, the most frequent first."""
    table = Table(title="Decisions by language", title_justify="left", header_style="bold")
    for column in ("language", "posts", "allowed", "limited", "removed by machine", "to people"):
        table.add_column(column, justify="left" if column == "language" else "right")
    judged = [decision for decision in decisions if decision.kind is not PostKind.DELETED]
    by_language = Counter(decision.language for decision in judged)
    shown = [language for language, _ in by_language.most_common(LANGUAGES_SHOWN)]
    for language in shown:
        table.add_row(language, *_row([decision for decision in judged if decision.language == language]))
    rest = [decision for decision in judged if decision.language not in shown]
    if rest:
        table.add_row(f"{len({decision.language for decision in rest})} more", *_row(rest))
    table.add_section()
    table.add_row("all", *_row(judged))
    return table


def _row(decisions: Sequence[Decision]) -> list[str]:
    final = [decision for decision in decisions if not decision.pending]
    alone = Counter(decision.action for decision in final if decision.automation is Automation.FULL)
    counts = (len(decisions), alone[Action.ALLOW], alone[Action.LIMIT], alone[Action.REMOVE], len(decisions) - len(final))
    return [str(count) if count else "-" for count in counts]


def reviews_table(tasks: Sequence[ReviewTask]) -> Table:
    """Where people get work."""
    table = Table(title="Reviews by region", title_justify="left", header_style="bold")
    for column in ("region", "reviews", "languages", "nobody speaks it", "conversation incomplete"):
        table.add_column(column, justify="left" if column in ("region", "languages") else "right")
    for region, count in Counter(task.region for task in tasks).most_common():
        own = [task for task in tasks if task.region == region]
        languages = Counter(task.language.tag for task in own)
        unspoken, incomplete = sum(task.out_of_language for task in own), sum(not task.context.complete for task in own)
        table.add_row(
            region, str(count), " ".join(tag for tag, _ in languages.most_common(8)), str(unspoken or "-"), str(incomplete or "-")
        )
    return table


def chosen_tasks(tasks: Sequence[ReviewTask]) -> list[ReviewTask]:
    """Two with a conversation, a Dutch one first if there is one, in different languages."""
    with_thread = sorted(
        tasks, key=lambda task: (task.language.tag != "nl", not task.context.thread, -len(task.context.thread), task.task_id)
    )
    chosen: list[ReviewTask] = []
    for task in with_thread:
        if task.language.tag not in {other.language.tag for other in chosen}:
            chosen.append(task)
    return chosen[:SHOWN_TASKS]


def task_panel(task: ReviewTask) -> RenderableType:
    """A review task as a reviewer meets it."""
    lines = [_line(post) for post in task.context.thread[-SHOWN_THREAD:]]
    mark = Text(f"▶ {task.post.speaker}  ", style="bold yellow")
    lines.append(mark + Text(visible(task.post.text) or f"({len(task.post.media)} media)", style="bold"))
    why = [
        f"{reason.label} {reason.probability:.2f} (rule {reason.rule}, from {reason.threshold:.2f})"
        for reason in task.reasons
        if reason.probability is not None and reason.threshold is not None
    ]
    why += [f"not assessed: {reason.value.replace('_', ' ')}" for reason in task.unassessed]
    missing = f"; missing: {', '.join(task.context.missing)}" if task.context.missing else ""
    facts = (
        f"why: {'; '.join(why) or 'sampled'}\nconversation {'complete' if task.context.complete else 'not complete'}{missing}; "
        f"meanwhile: {task.interim_action.value}; due {task.due_at:%Y-%m-%d %H:%M} UTC; priority {task.priority}"
    )
    title = f"{task.region}: language {task.language.tag} ({task.language.confidence:.0%} sure), post {task.post.post_id}"
    return Panel(Group(*lines, Text(facts, style="dim")), title=visible(title), title_align="left")


def _line(post: ContextPost) -> Text:
    shown = "(deleted)" if post.kind is PostKind.DELETED else visible(post.text) or f"({post.media} media)"
    return Text(f"  {post.speaker}  ", style="cyan") + Text(shown)


def latency(decisions: Sequence[Decision]) -> str:
    """`p50 41 ms, p99 97 ms` of received to decided."""
    seconds = [(decision.decided_at - decision.received_at).total_seconds() for decision in decisions]
    if len(seconds) < 2:
        return "not measured"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"


def print_summary(console: Console, seen: Seen) -> None:
    """Tables and tasks."""
    tasks = list(seen.tasks.values())
    console.print()
    console.print(decisions_table(list(seen.decisions.values())))
    console.print()
    console.print(reviews_table(tasks))
    console.print()
    for task in chosen_tasks(tasks):
        console.print(task_panel(task))
