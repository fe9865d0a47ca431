"""What is told of the decision in force to those who asked about it, above all to those who reported."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.cases.draft import Draft
from pipeline.cases.grounds import told_grounds
from schemas.cases import Reporter
from schemas.people import Addressee, Notice, NoticeKind
from schemas.records import Automation

REVERSED = "a person has looked again and came to another decision"
AUTHOR_DELETED = "the author has deleted the post"


def answer_reporters(draft: Draft, reason: str | None = None) -> None:
    """Tells every reporter who waits what became of the post."""
    answered: list[Reporter] = []
    for reporter in draft.state.reporters:
        if not reporter.answered:
            tell_reporter(draft, reporter, reason)
        answered.append(reporter if reporter.answered else _as_told(draft, reporter, reason))
    _keep(draft, answered)


def may_appeal(draft: Draft, reporter: Reporter) -> bool:
    """Whether one who was told that nothing is done can still appeal against that."""
    open_still = reporter.answered_at is not None and draft.at <= draft.appeals_end(reporter.answered_at)
    return open_still and not reporter.restricted and not reporter.appealed


def ask_again(draft: Draft) -> None:
    """The author has brought the post back: who was told no more than that it was deleted waits again."""
    reporters = draft.state.reporters
    _keep(draft, [replace(each, answered_at=None, gone=False) if each.gone and not each.appealed else each for each in reporters])


def _as_told(draft: Draft, reporter: Reporter, reason: str | None = None) -> Reporter:
    """Once the outcome is told, as it stands."""
    gone = reason == AUTHOR_DELETED
    return replace(reporter, answered_at=draft.at, restricted=draft.restricted, appealed=False, gone=gone)


def _keep(draft: Draft, reporters: list[Reporter]) -> None:
    waits = any(not each.answered or each.gone for each in reporters)
    draft.set(reporters=tuple(reporters), reported=draft.state.reported if waits else ())


def tell_of_reversal(draft: Draft) -> None:
    """People have decided otherwise than who reported was told: they are told anew, with a new time to appeal. Who has appealed is told
    the outcome of that.
    """
    appealed = draft.state.appeal.report_id if draft.state.appeal else None
    told: list[Reporter] = []
    for reporter in draft.state.reporters:
        otherwise = reporter.answered and reporter.restricted != draft.restricted
        if otherwise and reporter.report_id != appealed and reporter.appeal_id is None:
            tell_reporter(draft, reporter, REVERSED)
        told.append(_as_told(draft, reporter) if otherwise else reporter)
    _keep(draft, told)


def tell_reporter(draft: Draft, reporter: Reporter, reason: str | None = None) -> None:
    """The outcome of one report, with redress: who reported may appeal where nothing was done."""
    told = what_holds(draft, NoticeKind.OUTCOME, Addressee.REPORTER, reporter.report_id, reason)
    until = None if draft.restricted or draft.state.standing is None else draft.appeal_until(draft.at)
    draft.notify(replace(told, reporter_key=reporter.reporter_key, appeal_until=until))


def what_holds(draft: Draft, kind: NoticeKind, to: Addressee, about: str, reason: str | None) -> Notice:
    """A notice that says which decision is in force, who made it and what it rests on."""
    standing = draft.state.standing
    ground, clause, category = told_grounds(draft)
    return Notice(
        notice_id=draft.new_id("notice"),
        kind=kind,
        to=to,
        post_id=draft.state.post_id,
        at=draft.at,
        revision=draft.state.revision,
        about=about,
        decision_id=standing.decision_id if standing else None,
        action=standing.action if standing else None,
        automation=(Automation.NONE if standing.by_person else Automation.FULL) if standing else None,
        ground=ground,
        clause=clause,
        category=category,
        reason=reason,
    )
