"""The demo's summary: who decided what, where reviews went, two of them with their conversation, how fast, and whether all came out."""

from __future__ import annotations

import enum
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.cli.show import highlighted, told, visible
from agents.demo.collect import Seen
from schemas.records import Action, ContextPost, Decision, PostKind, ReviewTask

LANGUAGES_SHOWN = 14
LANGUAGES_FIRST = ("nl", "en")
VULGAR = frozenset({"profanity", "sexual"})
SHOWN_THREAD = 6


class Outcome(enum.Enum):
    """What became of a post, as a column of the table. By machine but for the two that went to people."""

    ALLOWED = "allowed"
    LIMITED = "limited by machine"
    REMOVED = "removed by machine"
    SCORED = "to people: score"
    UNASSESSED = "to people: not assessed"


def decisions_table(judged: Sequence[Decision]) -> Table:
    """Rows are languages, the most frequent first; what never happened has no column."""
    by_language: dict[str, list[Decision]] = {}
    for decision in judged:
        by_language.setdefault(decision.language, []).append(decision)
    ordered = sorted(by_language.items(), key=lambda item: -len(item[1]))
    rest = [decision for _, decisions in ordered[LANGUAGES_SHOWN:] for decision in decisions]
    rows = [(language, outcomes(decisions)) for language, decisions in ordered[:LANGUAGES_SHOWN]]
    if rest:
        rows.append((f"{len(ordered) - LANGUAGES_SHOWN} more", outcomes(rest)))
    everything = outcomes(judged)
    columns = [outcome for outcome in Outcome if everything[outcome]]
    table = Table(title="Decisions by language, as identified", title_justify="left", header_style="bold")
    table.add_column("language")
    for column in ("posts", *(outcome.value for outcome in columns)):
        table.add_column(column, justify="right")
    for language, counts in rows:
        table.add_row(language, *_cells(counts, columns))
    table.add_section()
    table.add_row("all", *_cells(everything, columns))
    return table


def outcomes(judged: Iterable[Decision]) -> Counter[Outcome]:
    """How often each came out."""
    return Counter(outcome(decision) for decision in judged)


def outcome(decision: Decision) -> Outcome:
    """What became of a post that was judged."""
    if decision.pending:
        return Outcome.SCORED if any(reason.label for reason in decision.reasons) else Outcome.UNASSESSED
    return {Action.LIMIT: Outcome.LIMITED, Action.REMOVE: Outcome.REMOVED}.get(decision.action, Outcome.ALLOWED)


def _cells(counts: Counter[Outcome], columns: Sequence[Outcome]) -> list[str]:
    return [str(counts.total()), *(str(counts[column] or "-") for column in columns)]


def notes(decisions: Sequence[Decision], judged: Sequence[Decision]) -> Iterator[str]:
    """What a reader of the table should know, a sentence each."""
    if deletions := len(decisions) - len(judged):
        yield f"{len(decisions)} decisions: of these {deletions} are deletions, which are passed on and not judged"
    if {"und", "other"} & {decision.language for decision in judged}:
        yield "und: nothing linguistic in it, such as emoji; other: none of the languages that the identifier knows"
    if not any(decision.action is Action.REMOVE for decision in judged):
        policies = {decision.policy_version for decision in judged}
        why = (
            "it removes only where labelled posts show that it seldom errs; `sluice policy explain` says where"
            if all(policy.startswith("default@") for policy in policies)
            else f"by the policy {', '.join(sorted(policies))}"
        )
        yield f"the machine removed nothing: {why}"


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
    """Two in different languages: first one with a score, Dutch or else English if there is one; then a Dutch one, if that was none.

    With a conversation where possible, and of these the least grave; vulgar ones, and those assessed in part, last.
    """
    ranked = sorted(tasks, key=_presentable)
    first = ranked[:1]
    others = [task for task in ranked if task.language.tag != ranked[0].language.tag]
    return first + sorted(others, key=lambda task: task.language.tag != "nl")[:1]


def _presentable(task: ReviewTask) -> tuple[bool, int, bool, bool, int, str]:
    """The smallest is shown."""
    labels = {reason.label for reason in task.reasons if reason.label}
    language = LANGUAGES_FIRST.index(task.language.tag) if task.language.tag in LANGUAGES_FIRST else len(LANGUAGES_FIRST)
    mixed = not VULGAR.isdisjoint(labels) or bool(task.unassessed)
    return not labels, language, not task.context.thread, mixed, task.priority, task.task_id


def task_panel(task: ReviewTask) -> RenderableType:
    """A review task as a reviewer meets it."""
    lines = [_line(post) for post in task.context.thread[-SHOWN_THREAD:]]
    mark = Text(f"▶ {task.post.speaker}  ", style="bold yellow")
    own = highlighted(task.post.text, task.highlights, "bold") if task.post.text else Text(f"({len(task.post.media)} media)", style="bold")
    lines.append(mark + own)
    why = [
        f"{reason.label} {reason.probability:.2f} (rule {reason.rule}, from {reason.threshold:.2f})"
        for reason in task.reasons
        if reason.probability is not None and reason.threshold is not None
    ]
    why += [f"not assessed: {reason.value.replace('_', ' ')}" for reason in task.unassessed]
    words = f"\nwords that speak for it ({task.highlighted_by}): {told(task.post.text, task.highlights)}" if task.highlights else ""
    missing = f"; missing: {', '.join(task.context.missing)}" if task.context.missing else ""
    facts = (
        f"why: {'; '.join(why) or 'sampled'}{words}\nconversation {'complete' if task.context.complete else 'not complete'}{missing}; "
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
    tasks, decisions = list(seen.tasks.values()), list(seen.decisions.values())
    judged = [decision for decision in decisions if decision.kind is not PostKind.DELETED]
    console.print()
    console.print(decisions_table(judged))
    for note in notes(decisions, judged):
        console.print(note, style="dim", highlight=False)
    console.print()
    console.print(reviews_table(tasks))
    console.print()
    chosen = chosen_tasks(tasks)
    if chosen:
        console.print("As reviewers meet them. Real texts by strangers, some of them abusive; conversations were put together at random:")
    for task in chosen:
        console.print(task_panel(task))
