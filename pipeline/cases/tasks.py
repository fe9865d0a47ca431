"""The one live task of a case: asked for, moved, withdrawn, claimed, timed out."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.cases.draft import Draft
from pipeline.cases.facts import Asked, Leaving, Left
from pipeline.cases.priority import priority
from pipeline.ids import case_id, derived
from pipeline.policy.regions import Need, Placement
from schemas.cases import OpenTask, Purpose
from schemas.people import TaskEvent, TaskEventKind
from schemas.records import ReviewTask
from schemas.topics import review_topic

CLAIM_OVER = "the claim has run out"
CLAIM_REFUSED = "the claim does not count"
AFTER_A_VERDICT = frozenset({Leaving.DECIDED, Leaving.ESCALATED})


class _Asking(NamedTuple):
    """What people are asked, and how often they were."""

    purpose: Purpose
    asked_at: dt.datetime
    attempt: int = 1
    tried: tuple[str, ...] = ()
    queue: str | None = None
    passed: tuple[str, ...] = ()


def ask(draft: Draft, purpose: Purpose, *, queue: str | None = None, passed: tuple[str, ...] = ()) -> None:
    """Asks people, anew: the age counts from now. A task that is still open is replaced.

    Who handed it on stays out until the text changes.
    """
    old = draft.state.task
    if old is not None:
        passed = passed or (old.passed if old.revision == draft.file.revision else ())
        leave(draft, Leaving.WITHDRAWN)
    _issue(draft, _Asking(purpose, draft.at, queue=queue, passed=passed), old)


def ask_others(draft: Draft, how: Leaving, *, passed: tuple[str, ...] = ()) -> None:
    """Hands the open task on: to the next region, where there is one. Its age still counts from when people were first asked."""
    task = draft.task
    leave(draft, how)
    asking = _Asking(
        task.purpose,
        task.asked_at,
        attempt=task.attempt + (how is Leaving.TIMED_OUT),
        tried=task.tried if how is Leaving.HANDED_ON else (*(name for name in task.tried if name != task.region), task.region),
        queue=task.queue,
        passed=(*task.passed, *passed),
    )
    _issue(draft, asking, task)


def leave(draft: Draft, how: Leaving) -> None:
    """The open task ends. After a verdict tools are told here, so that nobody else is offered it; else by `_issue` or `withdraw`."""
    task = draft.task
    if how in AFTER_A_VERDICT:
        draft.tell_tools(replace(_event(draft, task, TaskEventKind.WITHDRAWN), reason=how.value))
    draft.facts.append(
        Left(
            region=task.region,
            language=draft.language.tag,
            how=how,
            seconds=(draft.at - task.issued_at).total_seconds(),
            waited=(draft.at - task.asked_at).total_seconds(),
            in_time=draft.at <= task.due_at,
            views=draft.state.reach,
        )
    )
    draft.set(task=None)


def withdraw(draft: Draft, reason: str) -> None:
    """Nobody has to look any more."""
    task = draft.state.task
    if task is not None:
        leave(draft, Leaving.WITHDRAWN)
        draft.tell_tools(replace(_event(draft, task, TaskEventKind.WITHDRAWN), reason=reason))


def claim(draft: Draft, event: TaskEvent) -> None:
    """The first to claim has the task alone, until the claim runs out. Whoever may not decide it is told that the claim does not count.

    A claim outlasts the time by which the task is due, so that nobody loses what lies before them. After that time it is not prolonged.
    """
    task, reviewer = draft.state.task, draft.rules.roster.reviewer(event.reviewer or "")
    if task is None or task.task_id != event.task_id:
        return
    may = reviewer is not None and task.region in reviewer.regions and event.reviewer not in barred(draft)
    if may and task.claimed_by in {None, event.reviewer}:
        if task.claimed_by is not None and task.due_at <= draft.at:
            return
        draft.set(task=replace(task, claimed_by=event.reviewer, claimed_until=draft.at + draft.policy.people.claim))
    else:
        draft.tell_tools(replace(_event(draft, task, TaskEventKind.RELEASED), reviewer=event.reviewer, reason=CLAIM_REFUSED))


def release(draft: Draft, event: TaskEvent) -> None:
    """Gives a claimed task back."""
    task = draft.state.task
    if task is not None and task.task_id == event.task_id and task.claimed_by == event.reviewer:
        draft.set(task=replace(task, claimed_by=None, claimed_until=None))


def end_claim(draft: Draft) -> None:
    """The claim has run out."""
    task = draft.task
    draft.tell_tools(replace(_event(draft, task, TaskEventKind.RELEASED), reviewer=task.claimed_by, reason=CLAIM_OVER))
    draft.set(task=replace(task, claimed_by=None, claimed_until=None))


def barred(draft: Draft) -> tuple[str, ...]:
    """Reviewers who may not decide the open task."""
    task = draft.state.task
    return tuple(dict.fromkeys((*draft.state.barred, *(task.passed if task else ()))))


def _issue(draft: Draft, asking: _Asking, replaces: OpenTask | None) -> None:
    case = draft.state
    level = _level(draft, asking)
    urgency = priority(case, asking.purpose, draft.at - asking.asked_at, level)
    placement = _place(draft, asking, level)
    if asking.queue not in draft.policy.queues:
        level = draft.rules.regions.due_at(placement.region, urgency, draft.at) - draft.at
    task = OpenTask(
        task_id=derived("task", case.post_id, case.rounds + 1, draft.cause),
        purpose=asking.purpose,
        revision=draft.file.revision,
        region=placement.region,
        asked_at=asking.asked_at,
        issued_at=draft.at,
        due_at=draft.at + level,
        priority=urgency,
        attempt=asking.attempt,
        out_of_language=placement.out_of_language,
        over_capacity=placement.over_capacity,
        queue=asking.queue,
        tried=asking.tried,
        passed=asking.passed,
    )
    draft.set(task=task, rounds=case.rounds + 1, keep_until=None)
    if replaces is not None:
        moved = _event(draft, replaces, TaskEventKind.MOVED)
        draft.tell_tools(replace(moved, region=task.region, next_task_id=task.task_id))
    draft.put(review_topic(task.region), _review_task(draft, task))
    draft.facts.append(
        Asked(
            region=task.region,
            language=draft.language.tag,
            purpose=task.purpose,
            out_of_language=task.out_of_language,
            over_capacity=task.over_capacity,
            complete=case.complete,
            anew=replaces is not None,
        )
    )


def _level(draft: Draft, asking: _Asking) -> dt.timedelta:
    """Within which time people should answer: the queue's, or the service level of the region where the post belongs.

    A newer policy may not have the queue of an open task any more: then the task goes where it would have gone without.
    """
    queue = draft.policy.queues.get(asking.queue or "")
    if queue is not None:
        return dt.timedelta(hours=queue.due_hours)
    home = draft.rules.regions.home(draft.language, draft.state.market)
    return dt.timedelta(hours=home.levels.hours(priority(draft.state, asking.purpose, dt.timedelta(0), dt.timedelta(hours=1))))


def _place(draft: Draft, asking: _Asking, level: dt.timedelta) -> Placement:
    regions, at = draft.rules.regions, draft.at
    queue = draft.policy.queues.get(asking.queue or "")
    if queue is not None:
        region = regions.by_name(queue.region)
        if region is not None and not region.closed(at) and regions.may_see(region, draft.state.market):
            return Placement(region.name, out_of_language=not region.speaks(draft.language), over_capacity=False)
    tried = (*asking.tried, *_without_people(draft, asking))
    return regions.place(Need(draft.language, draft.state.market, at, at + level, tried), draft.open_tasks)


def _without_people(draft: Draft, asking: _Asking) -> tuple[str, ...]:
    """Regions where everybody on the roster is barred: there it would only wait, so others come first."""
    barred_here, roster = {*draft.state.barred, *asking.passed}, draft.rules.roster
    known = [reviewer for name in barred_here if (reviewer := roster.reviewer(name)) is not None]
    regions = {region for reviewer in known for region in reviewer.regions}
    left = {region for reviewer in roster.reviewers if reviewer.id not in barred_here for region in reviewer.regions} if regions else set()
    return tuple(sorted(regions - left))


def _review_task(draft: Draft, task: OpenTask) -> ReviewTask:
    file = draft.file
    return ReviewTask(
        task_id=task.task_id,
        case_id=case_id(file.post_id),
        post=file.post,
        context=file.context,
        language=draft.language,
        region=task.region,
        out_of_language=task.out_of_language,
        priority=task.priority,
        attempt=task.attempt,
        created_at=task.issued_at,
        due_at=task.due_at,
        labels=draft.state.labels,
        unassessed=file.unassessed,
        barred_reviewers=barred(draft),
        statement=file.statement if draft.state.appeal else None,
        queue=task.queue,
        highlights=file.highlights,
        highlighted_by=file.highlighted_by,
    )


def _event(draft: Draft, task: OpenTask, kind: TaskEventKind) -> TaskEvent:
    return TaskEvent(event_id=draft.new_id("task-event"), task_id=task.task_id, post_id=draft.state.post_id, kind=kind, at=draft.at)
