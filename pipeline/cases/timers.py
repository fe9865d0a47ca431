"""What time alone changes. Timers are events like any other: their time is when they were due, not when somebody looked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from msgspec.structs import replace

from pipeline.cases.draft import Draft
from pipeline.cases.facts import Leaving
from pipeline.cases.tasks import ask_others, end_claim
from pipeline.cases.waiting import forget, give_up_old
from schemas.cases import CaseState


def next_due(case: CaseState, waits: dt.timedelta, enforcement: dt.timedelta) -> dt.datetime | None:
    """When time changes something of a case next. `waits`: how long an event waits for its post; `enforcement`: the platform's time."""
    return min(_times(case, waits, enforcement), default=None)


def _times(case: CaseState, waits: dt.timedelta, enforcement: dt.timedelta) -> Iterator[dt.datetime]:
    if case.waiting:
        yield min(event.at for event in case.waiting) + waits
    if case.task is not None:
        claimed_until = case.task.claimed_until
        yield case.task.due_at if claimed_until is None else claimed_until
    if case.standing is not None and case.standing.unconfirmed_since is not None and not case.standing.overdue:
        yield case.standing.unconfirmed_since + enforcement
    if case.keep_until is not None:
        yield case.keep_until


def passed(draft: Draft) -> None:
    """All that is due at the draft's time."""
    people, at = draft.policy.people, draft.at
    give_up_old(draft, at - people.waiting)
    standing = draft.state.standing
    if standing is not None and standing.unconfirmed_since is not None and standing.unconfirmed_since + people.enforcement <= at:
        draft.set(standing=replace(standing, overdue=True))
    task = draft.state.task
    if task is not None and task.claimed_until is not None and task.claimed_until <= at:
        end_claim(draft)
    task = draft.state.task
    if task is not None and task.claimed_until is None and task.due_at <= at:
        ask_others(draft, Leaving.TIMED_OUT)
    if draft.state.keep_until is not None and draft.state.keep_until <= at:
        forget(draft)
