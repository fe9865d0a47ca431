"""The demo's summary: who decided what, two review tasks with their conversation, and in which order everything is told."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.cli.show import highlighted, told, visible
from agents.demo import people
from agents.demo.collect import Revision
from agents.demo.rules import LANGUAGE, NAME
from agents.demo.story import Story
from schemas.records import Action, Automation, ContextPost, Decision, PostKind, ReviewTask

LANGUAGES_SHOWN = 14
LANGUAGES_FIRST = ("en", "nl")
VULGAR = frozenset({"profanity", "sexual"})
SHOWN_THREAD = 6
CERTAIN = 0.9
"""From this probability of a label on, what the machine suspects is mostly there, in languages for which it is calibrated."""


class Outcome(enum.Enum):
    """What became of a revision in the end, as a column of the table."""

    ALLOWED = "machine\nallowed"
    LIMITED = "machine\nlimited"
    REMOVED = "machine\nremoved"
    PEOPLE_ALLOWED = "people\nallowed"
    PEOPLE_LIMITED = "people\nlimited"
    PEOPLE_REMOVED = "people\nremoved"
    RESTORED = "people\nrestored"
    OVERTAKEN = "author\nwas faster"
    WAITING = "waits for\npeople"


BY_MACHINE = {Action.LIMIT: Outcome.LIMITED, Action.REMOVE: Outcome.REMOVED}
BY_PEOPLE = {Action.LIMIT: Outcome.PEOPLE_LIMITED, Action.REMOVE: Outcome.PEOPLE_REMOVED, Action.RESTORE: Outcome.RESTORED}


def decisions_table(newest: Mapping[Revision, Decision]) -> Table:
    """Rows are languages, the most frequent first; what never happened has no column. Deletions are not judged."""
    judged = [(decision, outcome(decision, newest)) for decision in newest.values() if decision.kind is not PostKind.DELETED]
    by_language: dict[str, Counter[Outcome]] = {}
    for decision, what in judged:
        by_language.setdefault(decision.language, Counter())[what] += 1
    ordered = sorted(by_language.items(), key=lambda item: -item[1].total())
    rows = ordered[:LANGUAGES_SHOWN]
    if rest := ordered[LANGUAGES_SHOWN:]:
        rows.append((f"{len(rest)} more", sum((counts for _, counts in rest), Counter[Outcome]())))
    everything = Counter(what for _, what in judged)
    columns = [what for what in Outcome if everything[what]]
    table = Table(title="Decisions by language, as identified: the last one on each revision", title_justify="left", header_style="bold")
    table.add_column("language")
    for column in ("posts", *(what.value for what in columns)):
        table.add_column(column, justify="right")
    for language, counts in rows:
        table.add_row(language, *_cells(counts, columns))
    table.add_section()
    table.add_row("all", *_cells(everything, columns))
    return table


def outcome(decision: Decision, newest: Mapping[Revision, Decision]) -> Outcome:
    """What became of a revision. While people were to look, its author may have changed or deleted the post: see `newest`."""
    if decision.pending:
        return Outcome.OVERTAKEN if (decision.post_id, decision.revision + 1) in newest else Outcome.WAITING
    if decision.automation is Automation.NONE:
        return BY_PEOPLE.get(decision.action, Outcome.PEOPLE_ALLOWED)
    return BY_MACHINE.get(decision.action, Outcome.ALLOWED)


def _cells(counts: Counter[Outcome], columns: Sequence[Outcome]) -> list[str]:
    return [str(counts.total()), *(str(counts[column] or "-") for column in columns)]


def notes(newest: Mapping[Revision, Decision]) -> Iterator[str]:
    """What a reader of the table should know, a sentence each."""
    if deletions := sum(decision.kind is PostKind.DELETED for decision in newest.values()):
        yield f"of {len(newest)} revisions {deletions} are deletions, which are passed on and not judged"
    if {"und", "other"} & {decision.language for decision in newest.values()}:
        yield "und: nothing linguistic in it, such as emoji; other: none of the languages that the identifier knows"
    policies = {decision.policy_version for decision in newest.values()}
    if any(policy.startswith(NAME) for policy in policies):
        yield (
            f"by the policy {', '.join(sorted(policies))}, made for this demo: it lets the machine remove posts in {LANGUAGE!r} without "
            "enough evidence, so that there is something to appeal against. The default policy removes nothing by machine"
        )


def chosen_tasks(tasks: Iterable[ReviewTask], suspected: Mapping[str, float]) -> list[ReviewTask]:
    """Two in different languages: first one of a post of which a label is suspected (see `suspected`), and with certainty, English or else
    Dutch if there is one; then a Dutch one, if that was none. The demo's harmful posts are in other languages than Dutch.

    With a conversation where possible, and of these what the machine is surest of, then the least grave; vulgar ones, and those assessed in
    part, last.
    """
    ranked = sorted(tasks, key=lambda task: _presentable(task, suspected.get(task.post.post_id)))
    first = ranked[:1]
    others = [task for task in ranked if task.language.tag != ranked[0].language.tag]
    return first + sorted(others, key=lambda task: task.language.tag != "nl")[:1]


def suspected(first: Mapping[Revision, Decision]) -> dict[str, float]:
    """Posts that people look at because of a label, with the highest probability of any; of others the machine asked for a sample."""
    found: dict[str, float] = {}
    for decision in first.values():
        if decision.pending and (measured := [reason.probability or 0.0 for reason in decision.reasons if reason.label]):
            found[decision.post_id] = max(measured)
    return found


def _presentable(task: ReviewTask, probability: float | None) -> tuple[bool, bool, int, bool, bool, float, int, str]:
    """The smallest is shown."""
    sure = round(probability or 0.0, 2)
    language = LANGUAGES_FIRST.index(task.language.tag) if task.language.tag in LANGUAGES_FIRST else len(LANGUAGES_FIRST)
    mixed = not VULGAR.isdisjoint(task.labels) or bool(task.unassessed)
    return probability is None, sure < CERTAIN, language, not task.context.thread, mixed, -sure, task.priority, task.task_id


def task_panel(task: ReviewTask) -> RenderableType:
    """A review task as a reviewer meets it."""
    lines = [_line(post) for post in task.context.thread[-SHOWN_THREAD:]]
    mark = Text(f"▶ {task.post.speaker}  ", style="bold yellow")
    own = highlighted(task.post.text, task.highlights, "bold") if task.post.text else Text(f"({len(task.post.media)} media)", style="bold")
    lines.append(mark + own)
    gaps = f"; not assessed: {', '.join(reason.value.replace('_', ' ') for reason in task.unassessed)}" if task.unassessed else ""
    words = f"\nwords that made the machine ask ({task.highlighted_by}): {told(task.post.text, task.highlights)}" if task.highlights else ""
    missing = f"; missing: {', '.join(task.context.missing)}" if task.context.missing else ""
    facts = (
        f"may violate: {', '.join(task.labels) or 'nothing named'}{gaps}{words}\n"
        f"conversation {'complete' if task.context.complete else 'not complete'}{missing}; "
        f"due {task.due_at:%Y-%m-%d %H:%M} UTC; priority {task.priority}"
    )
    title = f"{task.region}: language {task.language.tag} ({task.language.confidence:.0%} sure), post {task.post.post_id}"
    return Panel(Group(*lines, Text(facts, style="dim")), title=visible(title), title_align="left")


def _line(post: ContextPost) -> Text:
    shown = "(deleted)" if post.kind is PostKind.DELETED else visible(post.text) or f"({post.media} media)"
    return Text(f"  {post.speaker}  ", style="cyan") + Text(shown)


def print_summary(console: Console, story: Story) -> None:
    """Tables, tasks and what happened."""
    newest = story.seen.newest
    console.print()
    console.print(decisions_table(newest))
    for note in notes(newest):
        console.print(note, style="dim", highlight=False)
    console.print()
    console.print(people.reviews_table(story.seen))
    console.print()
    if chosen := chosen_tasks(story.seen.tasks.values(), suspected(story.seen.first)):
        console.print("As reviewers meet them. Real texts by strangers, some of them abusive; conversations were put together at random:")
    for task in chosen:
        console.print(task_panel(task))
    for title, lines in people.told(story):
        console.print(f"\n{title}", style="bold", highlight=False, markup=False)
        for line in lines:
            console.print(f"  {line}", highlight=False, markup=False)
