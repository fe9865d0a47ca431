"""Appeals: another person looks, never one who decided before, never the machine."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.cases.decisions import SEVERITY, heard
from pipeline.cases.draft import Draft
from pipeline.cases.outcomes import what_holds
from pipeline.cases.tasks import ask
from pipeline.cases.waiting import ERASED, NO_DECISION, refuse
from schemas.cases import OpenAppeal, Purpose
from schemas.people import Addressee, Appeal, Appellant, NoticeKind
from schemas.records import Action

MAX_APPEALED = 20
"""Decisions remembered as appealed against: no case comes near it."""

UPHELD = "another person has looked and came to the same decision"
OTHER_RULE = "another person has looked and came to the same decision, under another rule"
KNOWN = "another person has looked already, since somebody else had complained, and came to the same decision"
UNREAD = "nobody is left who can decide it: what people decided before stands"
CHANGED = "another person has looked and came to another decision"


def appealed(draft: Draft, appeal: Appeal) -> None:
    """Asks another person; the appellant gets a receipt, or the reason why it cannot be dealt with.

    Where somebody else's appeal is open, another person is asked already: the outcome answers both. What the author says goes to that
    person, too. What a reporter says does not, so that nobody is interrupted for it.
    """
    reason = _objection(draft, appeal)
    if reason is not None:
        refuse(draft, appeal, reason)
        return
    case, standing = draft.state, draft.state.standing
    if standing is None:  # _objection has said so
        return
    by_author, first = appeal.appellant is Appellant.AUTHOR, case.appeal is None
    against = standing.decision_id
    opened = OpenAppeal(
        appeal_id=appeal.appeal_id, decision_id=against, action=standing.action, appellant=appeal.appellant, report_id=appeal.report_id
    )  # fmt: skip
    _tell(draft, opened, NoticeKind.RECEIPT, None)
    if by_author:
        draft.set(appealed=tuple(dict.fromkeys((*case.appealed, appeal.decision_id, against)))[-MAX_APPEALED:])
    elif standing.upheld:
        _note(draft, appeal, None)
        _tell(draft, opened, NoticeKind.OUTCOME, KNOWN)
        return
    else:
        _note(draft, appeal, None if first else appeal.appeal_id)
    deciders = next((each.by for each in case.decided if each.decision_id == appeal.decision_id), ())
    draft.set(barred=tuple(dict.fromkeys((*case.barred, *case.floor_by, *deciders))))  # also who decided before an edit
    if first:
        draft.set(appeal=opened)
        draft.file = replace(draft.file, statement=appeal.statement or None)
    elif by_author:
        draft.set(joined=opened)
        draft.file = replace(draft.file, statement="\n\n".join(filter(None, (draft.file.statement, appeal.statement))) or None)
    if first or by_author or draft.state.barred != case.barred:
        queue = case.task.queue if case.task is not None and case.task.purpose is Purpose.QUEUE else None
        ask(draft, Purpose.APPEAL if queue is None else Purpose.QUEUE, queue=queue)


def _note(draft: Draft, appeal: Appeal, waits: str | None) -> None:
    """A reporter is heard once on an outcome. `waits`: the appeal's id, if another one's outcome answers it."""
    heard_now = (
        replace(each, appealed=True, appeal_id=waits) if each.report_id == appeal.report_id else each for each in draft.state.reporters
    )
    draft.set(reporters=tuple(heard_now))


def _open(draft: Draft) -> list[OpenAppeal]:
    """All that wait for the same outcome."""
    case = draft.state
    found = [each for each in (case.appeal, case.joined) if each is not None]
    if case.appeal is not None:
        found += [
            replace(case.appeal, appeal_id=each.appeal_id, action=Action.ALLOW, appellant=Appellant.REPORTER, report_id=each.report_id)
            for each in case.reporters
            if each.appeal_id is not None
        ]
    return found


def answer_appeal(draft: Draft, *, same_reasons: bool, read: bool) -> None:
    """Tells the appellants the outcome, if an appeal is open. `same_reasons`: it rests on the rule that the decision before rested on.
    Not `read`: it stands since nobody is left who can read the post.

    Each side is heard once: what was decided on an author's appeal that author does not appeal against again, unless it is graver.
    """
    standing = draft.state.standing
    if draft.state.appeal is None or standing is None:
        return
    for appeal in _open(draft):
        upheld = SEVERITY[appeal.action] == SEVERITY[standing.action]
        reason = CHANGED if not upheld else UNREAD if not read else UPHELD if same_reasons else OTHER_RULE
        _tell(draft, appeal, NoticeKind.OUTCOME, reason)
        if read and upheld and appeal.appellant is Appellant.REPORTER:
            draft.set(standing=replace(standing, upheld=True))
    if heard(draft, standing.action):
        draft.set(appealed=(*draft.state.appealed, standing.decision_id)[-MAX_APPEALED:])
    _close(draft)


def give_up_appeal(draft: Draft, reason: str) -> None:
    """An open appeal that nobody can answer any more: the appellants are told why."""
    if draft.state.appeal is not None:
        for appeal in _open(draft):
            _tell(draft, appeal, NoticeKind.OUTCOME, reason)
        _close(draft)


def _close(draft: Draft) -> None:
    reporters = tuple(replace(each, appeal_id=None) if each.appeal_id else each for each in draft.state.reporters)
    draft.set(appeal=None, joined=None, reporters=reporters)
    draft.file = replace(draft.file, statement=None)


def _objection(draft: Draft, appeal: Appeal) -> str | None:
    """Why an appeal cannot be dealt with. One against an earlier decision is against what stands in its place: a restriction still, or for
    who reported none still.
    """
    case, standing = draft.state, draft.state.standing
    if case.erased_at is not None:  # and which decisions were earlier ones is not known any more
        return ERASED
    told = {each.report_id: each.answered_at for each in case.reporters if each.answered_at}
    by_author = appeal.appellant is Appellant.AUTHOR
    known = standing is not None and appeal.decision_id in {standing.decision_id, *case.earlier}
    if standing is None or not (known or (not by_author and appeal.report_id in told)):
        return NO_DECISION
    since = standing.decided_at if by_author else told.get(appeal.report_id or "")
    appealed = {appeal.decision_id, standing.decision_id} & set(case.appealed)
    own = any(each.appellant is Appellant.AUTHOR for each in _open(draft))
    again = own or bool(appealed) if by_author else any(each.appealed and each.report_id == appeal.report_id for each in case.reporters)
    objections = (
        (again, "this decision is or was appealed against already"),
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
