"""Reports: many on one post are one case, and however many there are, people decide."""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from pipeline.cases.decisions import close
from pipeline.cases.draft import GRAVE, Draft
from pipeline.cases.outcomes import AUTHOR_DELETED, answer_reporters, may_appeal
from pipeline.cases.rules import Event
from pipeline.cases.tasks import ask, outgrown, renew
from pipeline.cases.waiting import ERASED, refuse, room, still_waiting, wait
from pipeline.ids import case_id
from pipeline.policy.region import OTHER_LANGUAGE, carried
from pipeline.routing.context import alone
from pipeline.routing.decide import review_post
from schemas.cases import CaseFile, CaseState, Purpose, Reporter
from schemas.people import Addressee, Notice, NoticeKind, Report
from schemas.records import Action, Language, Post, PostKind
from schemas.topics import REPORTS

MAX_REPORTERS = 100
"""Who wait for the outcome at the same time; with flaggers and authorities twice as many. Beside them as many of those who were told it
and cannot appeal as there is room for.
"""

MAX_HEARD = 300
"""Who wait for the outcome, or were told it and may still appeal; with flaggers and authorities 100 more. A report takes 800 bytes of the
state at most, and a state has to fit into a record. Nobody loses an appeal to who comes later: who finds no place is told at once that no
outcome is sent, and people look all the same.
"""

MAX_OF_ONE = 3
"""Reports of one reporter on a post that wait for its outcome, and as many that were answered: nobody fills the places of others."""

OFTEN = "your earlier reports on this post wait for its outcome"
ENOUGH = "so many have reported this post that no further outcome is sent"


def reported(draft: Draft, report: Report, at: dt.datetime) -> None:
    """Receipt at once; people look, unless a person has looked at this revision already for what is as grave, or it is removed or gone.

    A report on a revision that routing has not handed over yet waits for it: what was decided on the text before says nothing of it.
    """
    case = draft.state
    anew = not case.known or case.erased_at is not None
    copy = _usable_copy(case, report) if anew else None
    if copy is not None:
        _take_copy(draft, report, copy)
    elif not case.known:
        wait(draft, Event(REPORTS.name, report, at))
        return
    elif anew:
        refuse(draft, report, ERASED)
        return
    elif (early := _early(draft, report, at)) is not None:
        wait(draft, early)
        return
    reporter = Reporter(report_id=report.report_id, reporter_key=report.reporter_key, channel=report.channel)
    graver = _take_label(draft, report.label)
    others = _others(draft, report)
    if (refusal := _no_room(report, others)) is not None:
        refuse(draft, report, refusal)
    else:
        draft.set(reporters=(*others, reporter))
        _receipt(draft, report)
    if anew:
        ask(draft, Purpose.REPORT)
    else:
        _ask(draft, reporter, graver=graver, told=refusal is None)


def _early(draft: Draft, report: Report, at: dt.datetime) -> Event | None:
    """The report as it can wait for the revision that its copy is of, without the copy's text; None where that is known, where this
    reporter has enough that wait, and where there is no room: then it is dealt with at once, and what it names is carried over.
    """
    copy = report.post_snapshot
    if copy is None or copy.revision <= draft.state.revision:
        return None
    waiting = [each.record for each in still_waiting(draft)]
    own = sum(isinstance(each, Report) and each.reporter_key == report.reporter_key for each in waiting)
    event = Event(REPORTS.name, replace(report, post_snapshot=replace(copy, text="", media=())), at)
    return event if own < MAX_OF_ONE and room(draft, event) else None


def _no_room(report: Report, others: tuple[Reporter, ...]) -> str | None:
    """Why one who reports cannot wait for the outcome, too."""
    waiting = [each for each in others if not each.answered]
    own = sum(each.reporter_key == report.reporter_key for each in waiting)
    more = MAX_REPORTERS if report.channel in GRAVE else 0
    full = len(waiting) >= MAX_REPORTERS + more or len(others) >= MAX_HEARD + more
    return OFTEN if own >= MAX_OF_ONE else ENOUGH if full else None


def _renew_outgrown(draft: Draft) -> None:
    """Who works on a task is not interrupted: see judged, and the end of a claim."""
    task = draft.state.task
    if task is not None and task.claimed_by is None and outgrown(draft):
        renew(draft)


def _take_label(draft: Draft, label: str | None) -> bool:
    """What is suspected grows by the label of a report. Whether it is graver than everything before."""
    case = draft.state
    if label is None or label not in draft.policy.labels:
        return False
    severity = draft.severity((label,))
    graver = severity > draft.severity(case.labels)
    draft.set(
        labels=tuple(dict.fromkeys((*case.labels, label))),
        reported=tuple(dict.fromkeys((*case.reported, label))),
        weight=max(case.weight, float(severity)),
    )
    return graver


def _usable_copy(case: CaseState, report: Report) -> Post | None:
    """The copy that opens a case: not of a deletion, and of a post that was erased only a newer revision."""
    copy = report.post_snapshot
    if copy is None or copy.kind is PostKind.DELETED:
        return None
    return copy if not case.known or (copy.revision > case.revision and not case.deleted) else None


def _ask(draft: Draft, reporter: Reporter, *, graver: bool, told: bool) -> None:
    """Not `told` of the outcome, a report is heard all the same."""
    case, standing = draft.state, draft.state.standing
    grave = reporter.channel in GRAVE
    if case.task is not None:
        first_grave = told and grave and not any(other.channel in GRAVE for other in case.reporters[:-1])
        if case.task.claimed_by is None and first_grave and case.task.purpose is not Purpose.QUEUE:
            renew(draft)
        else:
            _renew_outgrown(draft)
        return
    looked_at = standing is not None and standing.by_person and not standing.pending and not graver
    removed = standing is not None and standing.action is Action.REMOVE
    if case.deleted or (not grave and (looked_at or removed)):
        answer_reporters(draft, AUTHOR_DELETED if case.deleted else None)
        close(draft)
        return
    ask(draft, Purpose.REPORT)


def _others(draft: Draft, report: Report) -> tuple[Reporter, ...]:
    """Those who wait for an answer or may still appeal, and of the others as many as there is room for. Of the latter a new report replaces
    the old one; of the former only a person's oldest.
    """
    case = draft.state
    appealed = case.appeal.report_id if case.appeal else None
    told = [each.report_id for each in case.reporters if each.answered and each.reporter_key == report.reporter_key]
    replaced = told[:-MAX_OF_ONE]
    needed = {
        each.report_id
        for each in case.reporters
        if not each.answered or each.appeal_id or each.report_id == appealed or (may_appeal(draft, each) and each.report_id not in replaced)
    }
    kept = [each for each in case.reporters if each.report_id in needed or each.reporter_key != report.reporter_key]
    spare = max(0, len(kept) - (MAX_REPORTERS - 1))
    gone = {each.report_id for each in [each for each in kept if each.report_id not in needed][:spare]}
    return tuple(each for each in kept if each.report_id not in gone)


def _receipt(draft: Draft, report: Report) -> None:
    draft.notify(
        Notice(
            notice_id=draft.new_id("notice"),
            kind=NoticeKind.RECEIPT,
            to=Addressee.REPORTER,
            post_id=draft.state.post_id,
            at=draft.at,
            about=report.report_id,
            reporter_key=report.reporter_key,
        )
    )


def _take_copy(draft: Draft, report: Report, post: Post) -> None:
    """The machine has allowed the post and nobody has kept it: the reporter's platform sent a copy, without its conversation."""
    snapshot = alone(post)
    language = Language(tag=carried(report.language or OTHER_LANGUAGE), confidence=0.0)
    draft.set(
        known=True,
        revision=post.revision,
        sequence=report.sequence,
        language=language,
        market=post.market,
        reach=post.reach,
        complete=snapshot.context.complete,
        digest=snapshot.context.digest,
        erased_at=None,
    )
    draft.file = CaseFile(
        post_id=post.post_id,
        case_id=case_id(post.post_id),
        revision=post.revision,
        post=review_post(post, snapshot.speaker),
        context=snapshot.context,
        language=language,
    )
