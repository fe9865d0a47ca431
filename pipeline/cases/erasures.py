"""Erasure: what was written goes, and what late events need stays, so that none of them opens the case again."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.cases.appeals import give_up_appeal
from pipeline.cases.decisions import close
from pipeline.cases.draft import Draft
from pipeline.cases.facts import Erased, Erasing
from pipeline.cases.outcomes import answer_reporters
from pipeline.cases.tasks import withdraw
from pipeline.cases.waiting import ERASED, give_up_waiting
from schemas.cases import CaseState, Purpose


def erase(draft: Draft) -> None:
    """At once, except under an open appeal, in a named queue, or where the post is restricted until people have looked: they need the text,
    so it goes when they have decided.

    What waits for a post that is not known is refused; a post of which nothing is known leaves no trace.
    """
    case = draft.state
    if not case.known:
        give_up_waiting(draft, ERASED)
    if not case.known or case.erased_at is not None:
        draft.facts.append(Erased(Erasing.NOTHING))
        return
    draft.set(erase_when_closed=True)
    if case.task is None or case.task.nobody_left:  # `end_for_erasure` sees to that
        return
    held = draft.restricted and case.standing is not None and case.standing.pending
    if held or case.appeal is not None or case.task.purpose is Purpose.QUEUE:
        draft.facts.append(Erased(Erasing.WAITS))
    else:
        _end(draft)


def end_for_erasure(draft: Draft) -> None:
    """What waited for people to decide waits no longer where nobody is left who could."""
    task = draft.state.task
    if draft.state.erase_when_closed and task is not None and task.nobody_left:
        _end(draft)


def _end(draft: Draft) -> None:
    withdraw(draft, ERASED)
    answer_reporters(draft, ERASED)
    give_up_appeal(draft, ERASED)
    close(draft)


def forget_content(draft: Draft) -> None:
    """Of a closed case that is to be erased: its state shrinks, and its file is to get a tombstone.

    The decision in force carries no content: the platform still has to confirm it, and the machine does not loosen it on an edit. Who
    decided it, or stays out of the case, does not answer an appeal against what is carried over to a newer revision.
    """
    give_up_waiting(draft, ERASED)
    case = draft.state
    draft.facts.append(Erased(Erasing.DONE))
    draft.state = CaseState(
        post_id=case.post_id,
        revision=case.revision,
        sequence=case.sequence,
        applied=case.applied,
        known=True,
        deleted=case.deleted,
        standing=replace(case.standing, read=False) if case.standing else None,  # of the text that is gone
        floor=case.floor,
        floor_by=case.floor_by,
        floor_label=case.floor_label,
        floor_pending=case.floor_pending,
        source=case.source,
        excused=case.excused,
        keep_until=case.keep_until,
        erased_at=draft.at,
    )
