"""The part of the summary that is about people: where their tasks went, an appeal, a verdict without digest, a region that closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.table import Table

from agents.cli.show import counted
from agents.demo.collect import Seen
from agents.demo.rules import CLOSING
from agents.demo.story import Story
from schemas.people import Addressee, CannotJudge, NoticeKind, TaskEvent, TaskEventKind
from schemas.records import Action, Automation, Decision, ReviewTask

DECIDED = frozenset({"decided", "escalated"})
"""Reasons of a task's end: somebody's verdict."""

COLUMNS = ("region", "asked", "decided", "moved", "withdrawn", "open", "languages", "nobody\nspeaks it", "context\nmissing")

Part = tuple[str, Iterator[str]]


def end_of(event: TaskEvent | None) -> str:
    """`open`, `moved`, `decided` or `withdrawn`."""
    if event is None:
        return "open"
    if event.kind is TaskEventKind.MOVED:
        return "moved"
    return "decided" if event.reason in DECIDED else "withdrawn"


def reviews_table(seen: Seen) -> Table:
    """Where people get work, and what becomes of it."""
    table = Table(title="Tasks for people by region: asked = decided + moved + withdrawn + open", title_justify="left", header_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("region", "languages") else "right")
    tasks = list(seen.tasks.values())
    for region, _ in Counter(task.region for task in tasks).most_common():
        table.add_row(region, *_row(seen, [task for task in tasks if task.region == region]))
    table.add_section()
    table.add_row("all", *_row(seen, tasks))
    return table


def _row(seen: Seen, tasks: list[ReviewTask]) -> list[str]:
    ends = Counter(end_of(seen.ends.get(task.task_id)) for task in tasks)
    languages = Counter(task.language.tag for task in tasks)
    unspoken, incomplete = sum(task.out_of_language for task in tasks), sum(not task.context.complete for task in tasks)
    numbers = [len(tasks), *(ends[end] for end in ("decided", "moved", "withdrawn", "open"))]
    return [
        *(str(number or "-") for number in numbers),
        " ".join(tag for tag, _ in languages.most_common(4)),
        str(unspoken or "-"),
        str(incomplete or "-"),
    ]


def told(story: Story) -> Iterator[Part]:
    """What happened, part by part."""
    yield "An automatic removal that an appeal overturned", appealed(story)
    yield "A verdict without the digest of the conversation only limits, until a second reviewer confirms", unconfirmed(story)
    yield f"The region {CLOSING!r} closed at {story.closes_at:%H:%M:%S} UTC; its open tasks moved", closed(story)
    yield "What simulated reviewers said, and what came of it", verdicts(story)
    yield "Reports, and the sample that checks the machine", reported(story)
    yield "Notices", noticed(story.seen)


def appealed(story: Story) -> Iterator[str]:
    """From the first decision on the post to the last notice, by time."""
    appeal, seen = story.platform.appeal, story.seen
    if appeal is None:
        yield "none: the machine removed nothing"
        return
    yield f"post {appeal.post_id}"
    found = [(appeal.filed_at, f"its simulated author appeals against {short(appeal.decision_id)}")]
    for decision in of_post(seen, appeal.post_id):
        found.append((decision.decided_at, f"{described(decision)}{by(story, decision)}"))
        if done := story.platform.confirmed.get(decision.decision_id):
            found.append((done.applied_at, f"the simulated platform has carried out {short(done.decision_id)}"))
    for notice in seen.notices.values():
        if notice.post_id == appeal.post_id and notice.to is Addressee.AUTHOR:
            until = f", appeal open until {notice.appeal_until:%Y-%m-%d}" if notice.appeal_until else ""
            words = notice.kind.value + (f": {notice.reason}" if notice.reason else until)
            found.append((notice.at, f"notice to the author: {words}"))
    for at, line in sorted(found, key=lambda item: item[0]):
        yield f"{at:%H:%M:%S}  {line}"


def unconfirmed(story: Story) -> Iterator[str]:
    """The decisions on the post whose reviewer sent no digest."""
    first = story.reviewers.undigested
    if first is None:
        yield "none: no reviewer removed a post"
        return
    yield f"post {first.post_id}; {first.reviewer} says {first.outcome.value}, without digest"
    for decision in of_post(story.seen, first.post_id):
        yield f"{decision.decided_at:%H:%M:%S}  {described(decision)}{by(story, decision)}"


def closed(story: Story) -> Iterator[str]:
    """How many moved where, and a verdict that came too late."""
    seen = story.seen
    moved = [event for name, event in seen.ends.items() if leaves(seen, name)]
    to = Counter(
        (event.region or "", seen.tasks[event.next_task_id].out_of_language) for event in moved if event.next_task_id in seen.tasks
    )
    yield f"moved: {len(moved)}; still open there: {sum(task.region == CLOSING for task in seen.open.values())}"
    for (region, unspoken), count in to.most_common():
        yield f"{count} to {region}, {'where nobody speaks it: marked out of language' if unspoken else 'which speaks it'}"
    if (late := story.reviewers.late) is not None:
        notices = [notice for notice in seen.notices.values() if notice.about == late.verdict_id]
        answers = [f"{notice.kind.value.replace('_', ' ')}, {notice.reason}" for notice in notices]
        yield f"{late.reviewer} judges a moved task; told: {'; '.join(answers) or 'nothing'}"


def leaves(seen: Seen, task_id: str) -> bool:
    """Whether a task left the closing region for another one."""
    task, event = seen.tasks.get(task_id), seen.ends[task_id]
    return task is not None and task.region == CLOSING and event.kind is TaskEventKind.MOVED and event.region != CLOSING


def verdicts(story: Story) -> Iterator[str]:
    """By outcome; why they could not judge; who undid the machine."""
    given = story.reviewers.given.values()
    yield counts(Counter(verdict.outcome.value.replace("_", " ") for verdict in given), "verdict")
    reasons = Counter(verdict.cannot_judge for verdict in given if verdict.cannot_judge)
    if reasons:
        words = {CannotJudge.EXPERTISE: "expertise", CannotJudge.LANGUAGE: "the language"}
        yield "could not judge for want of " + ", ".join(f"{words.get(why, why.value)}: {count}" for why, count in reasons.most_common())
    decisions = story.seen.decisions.values()
    people, restored = sum(each.automation is Automation.NONE and each.sequence > 0 for each in decisions), Action.RESTORE
    yield f"decisions of people: {people}; of all, {sum(each.action is restored for each in decisions)} restore a post"


def reported(story: Story) -> Iterator[str]:
    """Receipts and outcomes; decisions of the machine that people checked."""
    reports, seen = story.platform.reports, story.seen
    kinds = Counter(notice.kind for notice in seen.notices.values() if notice.about in reports)
    actions = Counter(
        notice.action.value
        for notice in seen.notices.values()
        if notice.about in reports and notice.kind is NoticeKind.OUTCOME and notice.action
    )
    yield (
        f"{counted(len(reports), 'report')} on {counted(len({each.post_id for each in reports.values()}), 'post')}: "
        f"{counted(kinds[NoticeKind.RECEIPT], 'receipt')}, {counted(kinds[NoticeKind.OUTCOME], 'outcome')} "
        f"({', '.join(f'{action}: {count}' for action, count in actions.most_common())})"
    )
    found = [count for each in seen.audits.values() for count in each.counts]
    checked, wrong = sum(count.checked for count in found), sum(count.wrong for count in found)
    languages = Counter[str]()
    for count in found:
        languages[count.language] += count.checked
    yield f"machine's decisions checked: {checked} ({', '.join(f'{tag} {n}' for tag, n in languages.most_common(8))}); corrected: {wrong}"
    yield "(simulated: that says nothing about the model)"


def noticed(seen: Seen) -> Iterator[str]:
    """By addressee and kind."""
    kinds = Counter((notice.to.value, notice.kind.value.replace("_", " ")) for notice in seen.notices.values())
    for to in dict.fromkeys(sorted(to for to, _ in kinds)):
        yield f"to {to}s: " + ", ".join(f"{kind} {count}" for (whom, kind), count in kinds.most_common() if whom == to)


def of_post(seen: Seen, post_id: str) -> list[Decision]:
    """All decisions on a post, in order."""
    return [seen.decisions[key] for key in sorted(seen.decisions) if key[0] == post_id]


def described(decision: Decision) -> str:
    """What, by whom, why; what it supersedes."""
    who = "people" if decision.automation is Automation.NONE else "the machine"
    why = [
        f"{reason.label} {reason.probability:.2f} (rule {reason.rule}, from {reason.threshold:.2f})"
        for reason in decision.reasons[:1]
        if reason.probability is not None and reason.threshold is not None
    ]
    pending = f", until {'a second one confirms' if who == 'people' else 'people have looked'}" if decision.pending else ""
    over = f", supersedes {short(decision.supersedes)}" if decision.supersedes else ""
    return f"{decision.action.value} by {who}{': ' if why else ''}{''.join(why)}{pending}{over} [{short(decision.decision_id)}]"


def by(story: Story, decision: Decision) -> str:
    """The reviewer whose verdict made the decision."""
    name = decision.cause.removeprefix("verdict:")
    return next((f" ({each.reviewer})" for each in story.reviewers.given.values() if each.verdict_id == name), "")


def short(name: str) -> str:
    """Enough of an id to tell it from others."""
    return name[:8]


def counts(found: Counter[str], noun: str) -> str:
    """`12 verdicts: allow 8, limit 4`."""
    return f"{counted(found.total(), noun)}: " + ", ".join(f"{what} {count}" for what, count in found.most_common())
