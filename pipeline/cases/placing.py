"""Where a task goes, by when it is due, and who is left to decide it."""

from __future__ import annotations

import datetime as dt

from pipeline.cases.draft import Draft
from pipeline.cases.priority import priority
from pipeline.policy.people import Queue
from pipeline.policy.regions import Need, Placement, Staff
from pipeline.policy.roster import Reviewer
from schemas.cases import Purpose


def barred(draft: Draft) -> tuple[str, ...]:
    """Reviewers who may not decide: they have decided on this revision or handed it on, or stay out of the case."""
    case = draft.state
    return tuple(dict.fromkeys((*case.barred, *case.passed, *case.excused)))


def speaker_left(draft: Draft, besides: str) -> bool:
    """Whether somebody other than `besides` may decide who speaks the language, in a region that may see the post."""
    return bool(_staff(draft, (*barred(draft), besides)).speaking)


def level_of(draft: Draft, purpose: Purpose, queue: Queue | None) -> dt.timedelta:
    """Within which time people should answer: the queue's, or the service level of the region where the post belongs."""
    if queue is not None:
        return dt.timedelta(hours=queue.due_hours)
    home = draft.rules.regions.home(draft.language, draft.state.market)
    return dt.timedelta(hours=home.levels.hours(priority(draft.state, purpose, dt.timedelta(0), dt.timedelta(hours=1))))


def place(draft: Draft, queue: Queue | None, tried: tuple[str, ...], due_at: dt.datetime) -> Placement:
    """The region of a task. A named queue's has it first; what somebody there could not decide in full goes to people who speak it."""
    out = barred(draft)
    staff = _staff(draft, out) if out else None
    if queue is not None and _queue_takes(draft, queue, staff):
        return Placement(queue.region, out_of_language=not _spoken(draft, queue.region, staff), over_capacity=False)
    return draft.rules.regions.place(Need(draft.language, draft.state.market, draft.at, due_at, tried, staff), draft.open_tasks)


def _queue_takes(draft: Draft, queue: Queue, staff: Staff | None) -> bool:
    regions, market = draft.rules.regions, draft.state.market
    region = regions.by_name(queue.region)
    if region is None or region.closed(draft.at) or not regions.may_see(region, market):
        return False
    if staff is None:
        return True
    needs_a_speaker = draft.state.adverse > 0 and bool(staff.speaking)
    return queue.region in (staff.speaking if needs_a_speaker else staff.at_all)


def _spoken(draft: Draft, name: str, staff: Staff | None) -> bool:
    region = draft.rules.regions.by_name(name)
    return name in staff.speaking if staff else region is not None and region.speaks(draft.language)


def _staff(draft: Draft, out: tuple[str, ...]) -> Staff:
    left = [reviewer for reviewer in draft.rules.roster.reviewers if reviewer.id not in out]
    return Staff(_regions_of(draft, left), _regions_of(draft, [reviewer for reviewer in left if reviewer.speaks(draft.language)]))


def _regions_of(draft: Draft, reviewers: list[Reviewer]) -> frozenset[str]:
    """Those of their regions that work and may see the post."""
    regions, market = draft.rules.regions, draft.state.market
    found = (regions.by_name(name) for name in {name for reviewer in reviewers for name in reviewer.regions})
    return frozenset(region.name for region in found if region and not region.closed(draft.at) and regions.may_see(region, market))
