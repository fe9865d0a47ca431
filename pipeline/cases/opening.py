"""What routing hands over: a post that opens a case, an edit, a deletion."""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from pipeline.cases.appeals import give_up_appeal
from pipeline.cases.decisions import SEVERITY, accept, carried_over, close, decide_proposal, next_of
from pipeline.cases.draft import GRAVE, Draft
from pipeline.cases.facts import Erased, Erasing
from pipeline.cases.outcomes import AUTHOR_DELETED, answer_reporters, ask_again
from pipeline.cases.tasks import ask, withdraw
from pipeline.cases.waiting import give_up_waiting
from pipeline.ids import case_id
from schemas.cases import CaseEvent, CaseFile, Purpose
from schemas.records import RESTRICTS, Automation
from schemas.topics import DECISIONS

WAITS_ON = frozenset({Purpose.CONFIRM, Purpose.REPORT, Purpose.APPEAL, Purpose.QUEUE})
"""Somebody has asked for these or decided in them: an edit does not end them."""


def opened(draft: Draft, event: CaseEvent) -> None:
    """The machine has restricted the post, wants people to look, or was drawn for the audit."""
    if _seen(draft, event):
        return  # routing has said it twice, or an edit was faster
    task = draft.state.task
    _take(draft, event)
    draft.file = replace(draft.file, decisions=(*draft.file.decisions, event.proposal))
    accept(draft, event.proposal)
    if task is not None and _asked(draft):
        ask(draft, task.purpose, queue=task.queue)
    else:
        _ask_or_close(draft, event)


def edited(draft: Draft, event: CaseEvent) -> None:
    """A new revision. The machine's proposal counts, except that it never loosens what a person decided: then a person looks again.

    What waits for people waits on, with the new text. A post that nobody has ever asked about leaves no trace.
    """
    case = draft.state
    if _seen(draft, event):
        return
    proposal = event.proposal
    if not case.known and not case.waiting and not event.audit and not proposal.pending and proposal.action not in RESTRICTS:
        draft.put(DECISIONS, replace(next_of(draft, proposal), case_id=None))
        draft.forgotten = True
        return
    task = case.task
    if case.deleted:  # it is back
        _await_restriction(draft, draft.at)
        ask_again(draft)
    asked = _asked(draft)
    keeps = case.floor is not None and SEVERITY[proposal.action] < SEVERITY[case.floor]
    carried = carried_over(draft, proposal) if keeps else proposal
    _take(draft, event)
    pending = carried.pending or asked
    automation = Automation.PARTIAL if pending and carried.automation is Automation.FULL else carried.automation
    decide_proposal(draft, replace(carried, pending=pending, automation=automation), by_person=keeps)
    if asked:
        reported = Purpose.REPORT if any(not each.answered for each in draft.state.reporters) else Purpose.REVIEW
        goes_on = task is not None and task.purpose in WAITS_ON - {Purpose.CONFIRM}
        ask(draft, task.purpose if task and goes_on else reported, queue=task.queue if task else None)
    elif keeps:
        ask(draft, Purpose.REVIEW)
    else:
        _ask_or_close(draft, event)


def _seen(draft: Draft, event: CaseEvent) -> bool:
    """Whether this revision, or a newer one, is known from routing.

    A reporter's copy may be faster; what the machine finds counts all the same, unless somebody has decided meanwhile.
    """
    case = draft.state
    if not case.known or event.post.revision > case.revision:
        return False
    return event.post.revision < case.revision or case.deleted or case.erased_at is not None or bool(draft.decisions)


def _asked(draft: Draft) -> bool:
    """Whether somebody waits for an answer."""
    task = draft.state.task
    return (task is not None and task.purpose in WAITS_ON) or any(not each.answered for each in draft.state.reporters)


def deleted(draft: Draft, event: CaseEvent) -> None:
    """By its author: nobody has to look any more, except where the policy's queue says so, or an appeal is open."""
    case = draft.state
    if not case.known:
        give_up_waiting(draft, AUTHOR_DELETED)
        return
    if case.deleted or event.post.revision < case.revision:
        return
    sequence = case.sequence if event.post.revision == case.revision else 0
    draft.set(deleted=True, revision=event.post.revision, sequence=sequence)
    _await_restriction(draft, None)
    if case.erased_at is not None:
        return
    task = case.task
    if task is not None and not _outlives(draft):
        withdraw(draft, AUTHOR_DELETED)
    if draft.state.task is None:
        answer_reporters(draft, AUTHOR_DELETED)
        give_up_appeal(draft, AUTHOR_DELETED)
        draft.set(audited=None)
        close(draft)


def _await_restriction(draft: Draft, since: dt.datetime | None) -> None:
    """The platform need not restrict what is gone, and has to again (`since`) what comes back. What it has to undo, it has to undo for the
    author's account, too.
    """
    standing = draft.state.standing
    if standing is not None and draft.restricted:
        draft.set(standing=replace(standing, unconfirmed_since=since, overdue=False, awaits=None))


def _outlives(draft: Draft) -> bool:
    """An appeal, and what lies in a queue that keeps what was deleted, or was reported by a flagger or an authority and belongs in one.
    Not where nobody is left to decide it.
    """
    case = draft.state
    if case.task is None or case.task.nobody_left:
        return False
    grave = any(not each.answered and each.channel in GRAVE for each in case.reporters)
    names = {case.task.queue, *((draft.policy.queue_of(label) for label in case.labels) if grave else ())}
    queues = [draft.policy.queues.get(name or "") for name in names]
    return case.appeal is not None or any(queue is not None and queue.keeps_deleted for queue in queues)


def _take(draft: Draft, event: CaseEvent) -> None:
    """The case is about this revision from now on."""
    case = draft.state
    suspected = [reason.label for reason in event.proposal.reasons if reason.label]
    labels = draft.policy.gravest_first(suspected) if event.proposal.pending else tuple(dict.fromkeys(suspected))
    found = (case.floor_label,) if case.floor_label else ()  # what a person found comes first, what was reported last
    kept = draft.file if case.known and case.erased_at is None else None
    told = case.sequence if event.post.revision == case.revision else 0  # as a reporter's copy said
    overtaken = case.erase_when_closed and event.post.revision > case.revision  # it was asked of a text that is gone with this
    if overtaken:
        draft.facts.append(Erased(Erasing.OVERTAKEN))
    draft.set(
        known=True,
        deleted=False,
        revision=event.post.revision,
        sequence=max(told, event.proposal.sequence),
        language=event.language,
        market=event.post.market,
        stratum=event.stratum,
        labels=tuple(dict.fromkeys((*found, *(labels or ((event.stratum,) if event.stratum else ())), *case.reported))),
        weight=max(event.weight, float(draft.severity(case.reported))),
        reach=event.post.reach,
        complete=event.context.complete,
        digest=event.context.digest,
        barred=case.barred if case.appeal else (),
        passed=case.passed if event.post.revision == case.revision else (),
        adverse=0,
        audited=event.proposal.action if event.audit else None,
        erased_at=None,
        erase_when_closed=case.erase_when_closed and not overtaken,
    )
    draft.file = CaseFile(
        post_id=case.post_id,
        case_id=case_id(case.post_id),
        revision=event.post.revision,
        post=event.post,
        context=event.context,
        language=event.language,
        reasons=event.proposal.reasons,
        unassessed=event.proposal.unassessed,
        highlights=event.highlights,
        highlighted_by=event.highlighted_by,
        decisions=kept.decisions if kept else (),
        statement=kept.statement if kept else None,
    )


def _ask_or_close(draft: Draft, event: CaseEvent) -> None:
    if event.proposal.pending:
        ask(draft, Purpose.REVIEW)
    elif event.audit:
        ask(draft, Purpose.AUDIT)
    elif draft.state.task is not None:
        withdraw(draft, "its author has changed the post")
        close(draft)
    else:
        close(draft)
