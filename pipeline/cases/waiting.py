"""Events on a post, or on a revision of it, that is not known yet: the topics have no order among them, so one may be faster than what it
is about.
"""

from __future__ import annotations

import datetime as dt

from pipeline.cases.draft import Draft
from pipeline.cases.facts import Expired, Refused
from pipeline.cases.rules import Event
from schemas.cases import Waiting
from schemas.people import Addressee, Appeal, Appellant, Notice, NoticeKind, Report
from schemas.records import Record
from schemas.topics import CASE_INPUTS
from schemas.wire import decoder, encode

MAX_WAITING = 50
"""Events kept for one post: more are nothing but a flood, and are answered at once."""

MAX_WAITING_CHARACTERS = 150_000
"""Of all their JSON. In the state's JSON each takes four bytes at most.

A state that fits into no record would end the worker, again and again.
"""

UNKNOWN = "the post is not known, and no copy of it was sent"

NOT_COME = "the revision that was reported has not come"

NO_DECISION = "there is no such decision on this post"

ERASED = "what was kept of the post was erased"

_DECODERS = {topic.name: decoder(topic.record) for topic in CASE_INPUTS if topic.record}


def wait(draft: Draft, event: Event) -> None:
    """Keeps the event until what it is about is known, or until the policy's time for that is over."""
    if room(draft, event):
        draft.set(waiting=(*draft.state.waiting, _kept(event)))
    else:
        _give_up(draft, event.topic, event.record, _in_vain(draft, event.record))


def room(draft: Draft, event: Event) -> bool:
    """Whether one more can wait."""
    waiting = draft.state.waiting
    characters = sum(len(each.value) for each in (*waiting, _kept(event)))
    return len(waiting) < MAX_WAITING and characters <= MAX_WAITING_CHARACTERS


def _in_vain(draft: Draft, record: Record) -> str:
    if not draft.state.known:
        return UNKNOWN
    return NO_DECISION if isinstance(record, Appeal) else NOT_COME


def waiting_events(draft: Draft) -> list[Event]:
    """What waited, oldest first; it waits no longer."""
    events = still_waiting(draft)
    draft.set(waiting=())
    return events


def still_waiting(draft: Draft) -> list[Event]:
    """What waits, oldest first."""
    return [Event(kept.topic, _DECODERS[kept.topic](kept.value.encode()), kept.at) for kept in draft.state.waiting]


def give_up_waiting(draft: Draft, reason: str | None = None) -> None:
    """Whoever waits for an answer gets one. Of a post that is not known nothing is kept then."""
    for event in waiting_events(draft):
        _give_up(draft, event.topic, event.record, reason or _in_vain(draft, event.record))
    draft.forgotten = not draft.state.known


def forget(draft: Draft) -> None:
    """The case is over, and whoever still waits gets an answer."""
    give_up_waiting(draft)
    draft.forgotten = True


def give_up_old(draft: Draft, since: dt.datetime) -> None:
    """Whoever has waited since then, or longer, gets an answer; the others wait on."""
    events = waiting_events(draft)
    draft.set(waiting=tuple(_kept(event) for event in events if event.at > since))
    for event in events:
        if event.at <= since:
            _give_up(draft, event.topic, event.record, _in_vain(draft, event.record))


def _kept(event: Event) -> Waiting:
    return Waiting(topic=event.topic, at=event.at, value=encode(event.record).decode())


def _give_up(draft: Draft, topic: str, record: Record, reason: str) -> None:
    draft.facts.append(Expired(topic))
    if isinstance(record, Report | Appeal):
        refuse(draft, record, reason)


def refuse(draft: Draft, request: Report | Appeal, reason: str) -> None:
    """Tells whoever sent it why it cannot be dealt with."""
    draft.facts.append(Refused(type(request).__name__.lower(), reason))
    key: str | None
    if isinstance(request, Report):
        to, about, key = Addressee.REPORTER, request.report_id, request.reporter_key
    else:
        reporters = {reporter.report_id: reporter.reporter_key for reporter in draft.state.reporters}
        by_author = request.appellant is Appellant.AUTHOR
        to, about = Addressee.AUTHOR if by_author else Addressee.REPORTER, request.appeal_id
        key = None if by_author else reporters.get(request.report_id or "")
    draft.notify(
        Notice(
            notice_id=draft.new_id("notice"),
            kind=NoticeKind.REFUSED,
            to=to,
            post_id=draft.state.post_id,
            at=draft.at,
            about=about,
            reporter_key=key,
            reason=reason,
        )
    )
