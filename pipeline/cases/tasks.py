"""The one live task of a case: asked for, moved, withdrawn, claimed, timed out."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.cases.draft import Draft
from pipeline.cases.facts import Asked, Leaving, Left
from pipeline.cases.placing import barred, level_of, place
from pipeline.cases.priority import priority
from pipeline.ids import case_id, derived
from pipeline.policy.region import band
from schemas.cases import OpenTask, Purpose
from schemas.people import TaskEvent, TaskEventKind
from schemas.records import ReviewTask
from schemas.topics import review_topic

CLAIM_OVER = "the claim has run out"
CLAIM_REFUSED = "the claim does not count"
AFTER_A_VERDICT = frozenset({Leaving.DECIDED, Leaving.ESCALATED})


class _Asking(NamedTuple):
    """What people are asked, and how often they were. `due_by`: the task may be due earlier, not later. `speaker`: somebody who could not
    read it has answered.
    """

    purpose: Purpose
    asked_at: dt.datetime
    attempt: int = 1
    tried: tuple[str, ...] = ()
    queue: str | None = None
    due_by: dt.datetime | None = None
    speaker: bool = False


def ask(draft: Draft, purpose: Purpose, *, queue: str | None = None) -> None:
    """Asks people. A task that is still open is replaced: what it was asked for waits on, so its age and its time stay."""
    old = draft.state.task
    asking = _Asking(purpose, draft.at, queue=queue)
    if old is not None:
        late = old.due_at <= draft.at  # somebody has claimed it
        due_by = None if late else old.due_at
        asking = asking._replace(asked_at=old.asked_at, attempt=old.attempt + late, tried=old.tried, due_by=due_by)
    task = _task(draft, asking)
    if old is not None:
        leave(draft, Leaving.WITHDRAWN)
    _issue(draft, task, old)


def graver(draft: Draft, seen: str | None = None) -> bool:
    """Whether something graver is suspected by now than what the open task says, and than what its reviewer has `seen`."""
    looked_at = draft.task.labels if seen is None else (*draft.task.labels, seen)
    return draft.severity(draft.state.labels) > draft.severity(looked_at)


def outgrown(draft: Draft) -> bool:
    """Whether reports have made the case graver than its open task says, or more urgent by a band of the service level."""
    task = draft.task
    urgency = priority(draft.state, task.purpose, task.issued_at - task.asked_at, level_of(draft, task.purpose, None))
    return task.purpose is not Purpose.QUEUE and (graver(draft) or band(urgency) > band(task.priority))


def renew(draft: Draft) -> None:
    """The open task is issued anew, with what is suspected by now."""
    task = draft.task
    ask(draft, Purpose.REPORT if task.purpose is Purpose.AUDIT else task.purpose, queue=task.queue)


def ask_others(draft: Draft, how: Leaving, *, speaker: bool = False) -> None:
    """Hands the open task on: to the next region, where there is one. Its age still counts from when people were first asked.

    A task that nobody may decide waits where it is until somebody may: to issue it again would only fill the topic.
    """
    old = draft.task
    tried = old.tried if how is Leaving.HANDED_ON else (*(name for name in old.tried if name != old.region), old.region)
    attempt = old.attempt + (how is Leaving.TIMED_OUT)
    asking = _Asking(old.purpose, old.asked_at, attempt, tried, old.queue, speaker=speaker)
    task = _task(draft, asking)
    if how is Leaving.TIMED_OUT and old.nobody_left and task.nobody_left:
        draft.set(task=replace(old, due_at=task.due_at))
        return
    leave(draft, how)
    _issue(draft, task, old)


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
        _unclaim(draft, task)


def end_claim(draft: Draft) -> None:
    """The claim has run out."""
    task = draft.task
    draft.tell_tools(replace(_event(draft, task, TaskEventKind.RELEASED), reviewer=task.claimed_by, reason=CLAIM_OVER))
    _unclaim(draft, task)


def _unclaim(draft: Draft, task: OpenTask) -> None:
    """Nobody works on it any more; what was reported meanwhile is on the next one."""
    draft.set(task=replace(task, claimed_by=None, claimed_until=None))
    if outgrown(draft):
        renew(draft)


def _task(draft: Draft, asking: _Asking) -> OpenTask:
    """The task to come. A newer policy may not have the queue of an open one any more: it goes where it would have gone without."""
    case, queue = draft.state, draft.policy.queues.get(asking.queue or "")
    level = level_of(draft, asking.purpose, queue)
    urgency = priority(case, asking.purpose, draft.at - asking.asked_at, level)
    speaker = asking.speaker or case.adverse > 0
    placement = place(draft, queue, asking.tried, draft.at + level, speaker=speaker)
    due_at = draft.at + level if queue is not None else draft.rules.regions.due_at(placement.region, urgency, draft.at)
    return OpenTask(
        task_id=derived("task", case.post_id, case.rounds + 1, draft.cause),
        purpose=asking.purpose,
        revision=draft.file.revision,
        region=placement.region,
        asked_at=asking.asked_at,
        issued_at=draft.at,
        due_at=min(due_at, asking.due_by or due_at),
        priority=urgency,
        attempt=asking.attempt,
        out_of_language=placement.out_of_language,
        over_capacity=placement.over_capacity,
        queue=asking.queue,
        tried=asking.tried,
        nobody_left=placement.nobody_left,
        labels=case.labels,
    )


def _issue(draft: Draft, task: OpenTask, replaces: OpenTask | None) -> None:
    draft.set(task=task, rounds=draft.state.rounds + 1, keep_until=None)
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
            complete=draft.state.complete,
            anew=replaces is not None,
        )
    )


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
