"""Appeals: another person looks, never one who decided before, never the machine."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.cases.decisions import SEVERITY, heard
from pipeline.cases.draft import Draft
from pipeline.cases.outcomes import what_holds
from pipeline.cases.tasks import ask
from pipeline.cases.waiting import ERASED, refuse
from schemas.cases import OpenAppeal, Purpose
from schemas.people import Addressee, Appeal, Appellant, NoticeKind

MAX_APPEALED = 20
"""Decisions remembered as appealed against: no case comes near it."""

UPHELD = "another person has looked and came to the same decision"
OTHER_RULE = "another person has looked and came to the same decision, under another rule"
KNOWN = "another person has looked already, since somebody else had complained, and came to the same decision"
CHANGED = "another person has looked and came to another decision"


def appealed(draft: Draft, appeal: Appeal) -> None:
    """Asks another person; the appellant gets a receipt, or the reason why it cannot be dealt with."""
    reason = _objection(draft, appeal)
    if reason is not None:
        refuse(draft, appeal, reason)
        return
    case, standing = draft.state, draft.state.standing
    if standing is None:  # _objection has said so
        return
    against = standing.decision_id
    opened = OpenAppeal(
        appeal_id=appeal.appeal_id, decision_id=against, action=standing.action, appellant=appeal.appellant, report_id=appeal.report_id
    )  # fmt: skip
    _tell(draft, opened, NoticeKind.RECEIPT, None)
    if appeal.appellant is Appellant.AUTHOR:
        draft.set(appealed=tuple(dict.fromkeys((*case.appealed, appeal.decision_id, against)))[-MAX_APPEALED:])
    else:
        draft.set(reporters=tuple(replace(each, appealed=each.appealed or each.report_id == appeal.report_id) for each in case.reporters))
        if standing.upheld:
            _tell(draft, opened, NoticeKind.OUTCOME, KNOWN)
            return
    deciders = next((each.by for each in case.decided if each.decision_id == appeal.decision_id), ())
    draft.set(appeal=opened, barred=tuple(dict.fromkeys((*case.barred, *case.floor_by, *deciders))))  # also who decided before an edit
    draft.file = replace(draft.file, statement=appeal.statement or None)
    task = case.task
    if task is not None and task.purpose is Purpose.QUEUE:
        ask(draft, Purpose.QUEUE, queue=task.queue)
    else:
        ask(draft, Purpose.APPEAL)


def answer_appeal(draft: Draft, *, same_reasons: bool) -> None:
    """Tells the appellant the outcome, if an appeal is open. `same_reasons`: it rests on the rule that the decision before rested on.

    Each side is heard once: what was decided on an author's appeal that author does not appeal against again, unless it is graver.
    """
    appeal, standing = draft.state.appeal, draft.state.standing
    if appeal is None or standing is None:
        return
    upheld = SEVERITY[appeal.action] == SEVERITY[standing.action]
    _tell(draft, appeal, NoticeKind.OUTCOME, CHANGED if not upheld else UPHELD if same_reasons else OTHER_RULE)
    if heard(draft, standing.action):
        draft.set(appealed=(*draft.state.appealed, standing.decision_id)[-MAX_APPEALED:])
    if upheld and appeal.appellant is Appellant.REPORTER:
        draft.set(standing=replace(standing, upheld=True))
    draft.set(appeal=None)
    draft.file = replace(draft.file, statement=None)


def give_up_appeal(draft: Draft, reason: str) -> None:
    """An open appeal that nobody can answer any more: the appellant is told why."""
    appeal = draft.state.appeal
    if appeal is not None:
        _tell(draft, appeal, NoticeKind.OUTCOME, reason)
        draft.set(appeal=None)
        draft.file = replace(draft.file, statement=None)


def _objection(draft: Draft, appeal: Appeal) -> str | None:
    """Why an appeal cannot be dealt with. One against an earlier decision is against what stands in its place: a restriction still, or for
    who reported none still.
    """
    case, standing = draft.state, draft.state.standing
    told = {each.report_id: each.answered_at for each in case.reporters if each.answered_at}
    by_author = appeal.appellant is Appellant.AUTHOR
    known = standing is not None and appeal.decision_id in {standing.decision_id, *case.earlier}
    if standing is None or not (known or (not by_author and appeal.report_id in told)):
        return "there is no such decision on this post"
    if case.erased_at is not None:
        return ERASED
    since = standing.decided_at if by_author else told.get(appeal.report_id or "")
    appealed = {appeal.decision_id, standing.decision_id} & set(case.appealed)
    again = bool(appealed) if by_author else any(each.appealed and each.report_id == appeal.report_id for each in case.reporters)
    objections = (
        (again, "this decision is or was appealed against already"),
        (case.appeal is not None, "another appeal on this post is open"),
        (since is not None and draft.at > draft.appeals_end(since), "the time for appeals is over"),
        (by_author and not draft.restricted, "the decision does not restrict the post"),
        (not by_author and draft.restricted, "the post is restricted already"),
        (since is None, "there is no such report with an outcome"),
    )
    return next((words for holds, words in objections if holds), None)


def _tell(draft: Draft, appeal: OpenAppeal, kind: NoticeKind, reason: str | None) -> None:
    if appeal.appellant is Appellant.AUTHOR:
        draft.notify(what_holds(draft, kind, Addressee.AUTHOR, appeal.appeal_id, reason))
        return
    keys = {reporter.report_id: reporter.reporter_key for reporter in draft.state.reporters}
    told = what_holds(draft, kind, Addressee.REPORTER, appeal.appeal_id, reason)
    draft.notify(replace(told, reporter_key=keys.get(appeal.report_id or "")))
