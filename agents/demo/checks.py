"""What must add up at the end of the demo. Whatever does not is said, and the demo ends with exit code 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console

from agents.demo.collect import Seen
from agents.demo.people import end_of, of_post
from agents.demo.rules import CLOSING
from agents.demo.story import Story
from schemas.people import NoticeKind, TaskEventKind
from schemas.records import Action, Automation, Post


class Check(NamedTuple):
    """A sentence with its figures, and whether it is as it should be."""

    fine: bool
    words: str


def checks(wanted: Sequence[Post], story: Story) -> Iterator[Check]:
    """All of them, in the order of the flow."""
    yield posts(wanted, story.seen)
    yield tasks(story.seen)
    yield moved(story)
    yield appeal(story)
    yield reports(story)
    yield enforcements(story)


def print_checks(found: Sequence[Check], console: Console) -> bool:
    """A line each; True when all is well."""
    console.print()
    for check in found:
        console.print(
            f"{'ok ' if check.fine else 'NOT'} {check.words}", highlight=False, markup=False, style="" if check.fine else "bold red"
        )
    fine = all(check.fine for check in found)
    said = "ids in = ids out, and every task is accounted for" if fine else "NOT all is well"
    console.print(said, style="bold green" if fine else "bold red", highlight=False)
    return fine


def posts(wanted: Sequence[Post], seen: Seen) -> Check:
    """Ids in are ids out: the first decision on each revision counts, whoever made it."""
    ids = {(post.post_id, post.revision) for post in wanted}
    lost, strange = ids - seen.first.keys(), seen.first.keys() - ids
    later = len(seen.decisions) - len(seen.first)
    return Check(
        not (lost or strange or seen.conflicts or seen.dead_letters),
        f"posts in: {len(wanted)} (ids: {len(ids)}); first decisions out: {len(seen.first)}; lost: {len(lost)}; unknown: {len(strange)}; "
        f"later decisions: {later}; duplicates: {seen.duplicates}, of those with another id: {seen.conflicts}; "
        f"dead letters: {seen.dead_letters}",
    )


def tasks(seen: Seen) -> Check:
    """Asked = decided + moved + withdrawn + open, and open is what the cases stage holds."""
    ends = Counter(end_of(seen.ends.get(name)) for name in seen.tasks)
    strange = len(seen.ends.keys() - seen.tasks.keys())
    held = {state.task.task_id for state in seen.states.values() if state.task}
    return Check(
        held == set(seen.open) and not strange,
        f"tasks asked: {len(seen.tasks)} = decided {ends['decided']} + moved {ends['moved']} + withdrawn {ends['withdrawn']} "
        f"+ open {ends['open']}; open by the states of the cases: {len(held)}; ended but never asked: {strange}",
    )


def moved(story: Story) -> Check:
    """Each moved task goes on as another; none is left where nobody works any more."""
    seen = story.seen
    events = [event for event in seen.ends.values() if event.kind is TaskEventKind.MOVED]
    lost = sum(event.next_task_id not in seen.tasks for event in events)
    left = sum(task.region == CLOSING for task in seen.open.values())
    return Check(not (lost or left), f"moved tasks without a successor: {lost}; open in the closed region: {left}")


def appeal(story: Story) -> Check:
    """What the machine removed was restored by a person, and the author told."""
    filed = story.platform.appeal
    if filed is None:
        removed = sum(decision.action is Action.REMOVE for decision in story.seen.first.values())
        return Check(not removed, f"appeals: none; removed by the machine: {removed}")
    restored = [
        decision
        for decision in of_post(story.seen, filed.post_id)
        if decision.supersedes == filed.decision_id and decision.action is Action.RESTORE and decision.automation is Automation.NONE
    ]
    outcomes = _answers(story.seen, NoticeKind.OUTCOME)[filed.appeal_id]
    return Check(len(restored) == outcomes == 1, f"appeals: 1; overturned by a person: {len(restored)}; outcomes told: {outcomes}")


def reports(story: Story) -> Check:
    """Each has one receipt and one outcome."""
    receipts, outcomes = (_answers(story.seen, kind) for kind in (NoticeKind.RECEIPT, NoticeKind.OUTCOME))
    filed = story.platform.reports
    fine = all(receipts[name] == outcomes[name] == 1 for name in filed)
    received, told = sum(receipts[name] for name in filed), sum(outcomes[name] for name in filed)
    return Check(fine, f"reports: {len(filed)}; receipts: {received}; outcomes: {told}")


def enforcements(story: Story) -> Check:
    """The cases stage waits for no confirmation any more."""
    waits = sum(bool(state.standing and state.standing.unconfirmed_since) for state in story.seen.states.values())
    return Check(not waits, f"confirmations by the platform: {len(story.platform.confirmed)}; decisions still unconfirmed: {waits}")


def _answers(seen: Seen, kind: NoticeKind) -> Counter[str]:
    return Counter(notice.about or "" for notice in seen.notices.values() if notice.kind is kind)
