"""One event on one case: the state to come and what leaves. docs/cases.md draws the states."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.cases.appeals import appealed
from pipeline.cases.draft import Draft, Surroundings
from pipeline.cases.erasures import end_for_erasure, erase, forget_content
from pipeline.cases.facts import Confirmed, Fact, Leaving
from pipeline.cases.opening import deleted, edited, opened
from pipeline.cases.reports import reported
from pipeline.cases.rules import Event
from pipeline.cases.tasks import ask_others, claim, release
from pipeline.cases.timers import next_due, passed
from pipeline.cases.verdicts import judged
from pipeline.cases.waiting import wait, waiting_events
from pipeline.stage import Output
from schemas.cases import CaseEvent, CaseEventKind, CaseFile, CaseState
from schemas.people import Appeal, Appellant, Enforcement, Erasure, Report, TaskEvent, TaskEventKind, Verdict
from schemas.records import Action, Record

MAX_APPLIED = 64
"""Event ids remembered per case. An input that is read again is skipped by its position; these are for what was written twice."""

_ROUTED = {CaseEventKind.OPENED: opened, CaseEventKind.EDITED: edited, CaseEventKind.DELETED: deleted}


class Change(NamedTuple):
    """`state`: None, nothing of the post is kept. `file`: None, it has not changed, or (`state.erased_at`) there is none any more."""

    state: CaseState | None
    file: CaseFile | None
    outputs: list[Output]
    facts: list[Fact]


def apply(post_id: str, case: CaseState | None, event: Event, surroundings: Surroundings) -> Change:
    """Applies an event. One that was applied before changes nothing, and neither do those that the stage itself has written."""
    cause = event_id(event.record)
    if (case is not None and cause in case.applied) or _own(event.record):
        return Change(case, None, [], [])
    draft = Draft(case or CaseState(post_id=post_id, revision=1), cause, event.at, surroundings)
    _dispatch(draft, event)
    if draft.state.known and draft.state.waiting:
        for earlier in waiting_events(draft):
            _dispatch(draft, earlier)
    if draft.state == case and not (draft.outputs or draft.facts or draft.file_changed):
        return Change(case, None, [], [])  # not remembered: it may find its match when it comes again, and takes no other's place
    return _finish(draft, (cause,))


def time_passed(case: CaseState, at: dt.datetime, surroundings: Surroundings) -> Change:
    """A timer: `at` is when it was due."""
    cause = f"due:{case.post_id}:{at.isoformat()}"
    draft = Draft(case, cause, at, surroundings)
    passed(draft)
    return _finish(draft)


def region_closed(case: CaseState, at: dt.datetime, surroundings: Surroundings) -> Change:
    """The region of the open task works no more."""
    cause = f"closed:{case.task.task_id if case.task else None}"
    draft = Draft(case, cause, at, surroundings)
    ask_others(draft, Leaving.REGION_CLOSED)
    return _finish(draft)


def event_id(record: Record) -> str:
    """What makes an event the same when it comes twice. Whoever may write to one topic suppresses nothing on another."""
    match record:
        case CaseEvent():
            found = record.event_id
        case TaskEvent():
            found = f"task-event:{record.event_id}"
        case Verdict():
            found = f"verdict:{record.verdict_id}"
        case Appeal():
            found = f"appeal:{record.appeal_id}"
        case Report():
            found = f"report:{record.report_id}"
        case Enforcement():
            found = f"enforced:{record.decision_id}"
        case Erasure():
            found = f"erasure:{record.erasure_id}"
        case _:
            raise TypeError(f"{type(record).__name__} is no input of the cases stage")
    return found


def _own(record: Record) -> bool:
    return isinstance(record, TaskEvent) and (record.kind in {TaskEventKind.WITHDRAWN, TaskEventKind.MOVED} or record.reason is not None)


def _dispatch(draft: Draft, event: Event) -> None:
    record = event.record
    match record:
        case CaseEvent():
            _ROUTED[record.kind](draft, record)
        case Report():
            reported(draft, record, event.at)
        case Enforcement():
            _enforced(draft, record, event)
        case Verdict():
            judged(draft, record)
        case TaskEvent():
            (claim if record.kind is TaskEventKind.CLAIMED else release)(draft, record)
        case Erasure():
            erase(draft)
        case Appeal():
            by_author = record.appellant is Appellant.AUTHOR
            if not draft.state.known or (by_author and _undecided(draft)):
                wait(draft, event)
            else:
                appealed(draft, record)


def _undecided(draft: Draft) -> bool:
    """What opened the case is a reporter's copy, which may be faster than the machine's decision."""
    return draft.state.standing is None and draft.state.erased_at is None


def _enforced(draft: Draft, enforcement: Enforcement, event: Event) -> None:
    """The platform has done what was decided. Only what changes something is waited for. It may be faster than what opens the case."""
    standing = draft.state.standing
    if not draft.state.known or _undecided(draft):
        if enforcement.action is not Action.ALLOW:
            wait(draft, event)
    elif standing and standing.unconfirmed_since and enforcement.decision_id == (standing.awaits or standing.decision_id):
        draft.facts.append(Confirmed((draft.at - standing.unconfirmed_since).total_seconds()))
        draft.set(standing=replace(standing, unconfirmed_since=None, overdue=False, awaits=None))


def _finish(draft: Draft, applied: tuple[str, ...] = ()) -> Change:
    """`applied`: the id of an event that may come twice. Time does not."""
    nothing_known = not draft.state.known and not draft.state.waiting
    if draft.forgotten or nothing_known:
        return Change(None, None, draft.outputs, draft.facts)
    end_for_erasure(draft)
    if draft.state.erase_when_closed and draft.state.task is None:
        forget_content(draft)
    people = draft.policy.people
    draft.set(applied=(*draft.state.applied, *applied)[-MAX_APPLIED:], due_at=next_due(draft.state, people.waiting, people.enforcement))
    changed = draft.file_changed and draft.state.erased_at is None
    return Change(draft.state, draft.file if changed else None, draft.outputs, draft.facts)
