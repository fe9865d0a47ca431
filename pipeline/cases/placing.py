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


def left(draft: Draft, besides: str) -> Staff:
    """Where somebody other than `besides` may decide."""
    return _staff(draft, (*barred(draft), besides))


def level_of(draft: Draft, purpose: Purpose, queue: Queue | None) -> dt.timedelta:
    """Within which time people should answer: the queue's, or the service level of the region where the post belongs."""
    if queue is not None:
        return dt.timedelta(hours=queue.due_hours)
    home = draft.rules.regions.home(draft.language, draft.state.market)
    return dt.timedelta(hours=home.levels.hours(priority(draft.state, purpose, dt.timedelta(0), dt.timedelta(hours=1))))


def place(draft: Draft, queue: Queue | None, tried: tuple[str, ...], due_at: dt.datetime, *, speaker: bool) -> Placement:
    """The region of a task. A named queue's has it first, unless it needs a `speaker` whom that region does not have."""
    out = barred(draft)
    staff = _staff(draft, out) if out else None
    if queue is not None and _queue_takes(draft, queue, staff, speaker=speaker):
        return Placement(queue.region, out_of_language=not _spoken(draft, queue.region, staff), over_capacity=False)
    return draft.rules.regions.place(Need(draft.language, draft.state.market, draft.at, due_at, tried, staff), draft.load)


def _queue_takes(draft: Draft, queue: Queue, staff: Staff | None, *, speaker: bool) -> bool:
    regions, market = draft.rules.regions, draft.state.market
    region = regions.by_name(queue.region)
    if region is None or region.closed(draft.at) or not regions.may_see(region, market):
        return False
    if staff is None:
        return True
    return queue.region in (staff.speaking if speaker and staff.speaking else staff.at_all)


def _spoken(draft: Draft, name: str, staff: Staff | None) -> bool:
    region = draft.rules.regions.by_name(name)
    return name in staff.speaking if staff else region is not None and region.speaks(draft.language)


def _staff(draft: Draft, out: tuple[str, ...]) -> Staff:
    """Where nobody is left who speaks the language that a reviewer has seen, those count who speak the one that the machine found."""
    people = [reviewer for reviewer in draft.rules.roster.reviewers if reviewer.id not in out]
    speaking: frozenset[str] = frozenset()
    for language in dict.fromkeys((draft.language, draft.file.language)):
        speaking = speaking or _regions_of(draft, [reviewer for reviewer in people if reviewer.speaks(language)])
    return Staff(_regions_of(draft, people), speaking)


def _regions_of(draft: Draft, reviewers: list[Reviewer]) -> frozenset[str]:
    """Those of their regions that work and may see the post."""
    regions, market = draft.rules.regions, draft.state.market
    found = (regions.by_name(name) for name in {name for reviewer in reviewers for name in reviewer.regions})
    return frozenset(region.name for region in found if region and not region.closed(draft.at) and regions.may_see(region, market))
