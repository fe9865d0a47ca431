"""A reviewer's word: whether it counts, and what follows."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from pipeline.cases.appeals import answer_appeal
from pipeline.cases.decisions import SEVERITY, Ruling, close, decide, keep_floor
from pipeline.cases.draft import Draft
from pipeline.cases.facts import Audited, Judged, Leaving, Refused
from pipeline.cases.grounds import same_rule
from pipeline.cases.outcomes import answer_reporters, tell_of_reversal
from pipeline.cases.placing import barred, left
from pipeline.cases.tasks import ask, ask_others, graver, leave, renew
from pipeline.policy.region import carried
from pipeline.policy.roster import Reviewer
from pipeline.policy.rules import Interim
from schemas.cases import OpenTask, Purpose, Standing
from schemas.people import Addressee, CannotJudge, Notice, NoticeKind, Outcome, Verdict
from schemas.records import RESTRICTS, Action, Language

UNKNOWN_REVIEWER = "not on the roster"
STALE = "the task is no longer open"
OUTGROWN = "the post was reported meanwhile for something graver: it is asked again"
BY_PERSON = "person"
UNCONFIRMED = "person-unconfirmed"
ESCALATED = "escalated"

MAX_UNCONFIRMED = 2
"""Verdicts that would restrict, none of them from a speaker with the conversation; then the limit stays, and can be appealed against."""

SURE = 0.9
"""Confidence of the language identification above which a reviewer's word does not change the language."""

SEEN = 0.8
"""Confidence of a language that a reviewer sees: the next one may see another."""

FOR_GOOD = frozenset({CannotJudge.CONFLICT, CannotJudge.WELLBEING})
"""Who hands a post on for these is not asked about it again, whatever its author changes."""

_ACTIONS = {Outcome.ALLOW: Action.ALLOW, Outcome.LIMIT: Action.LIMIT, Outcome.REMOVE: Action.REMOVE}


class _Standpoint(NamedTuple):
    """From where a verdict was given. `speaks` the language; was `shown` what was sent; `full`: may restrict by itself."""

    speaks: bool
    shown: bool
    full: bool


def judged(draft: Draft, verdict: Verdict) -> None:
    """Applies a verdict. One on a task that is no longer open is answered and changes nothing; so is one that may not be given."""
    task = draft.state.task
    if task is None or task.task_id != verdict.task_id:
        draft.facts.append(Refused("verdict", "stale"))
        _answer(draft, verdict, NoticeKind.VERDICT_STALE, STALE)
        return
    reviewer = draft.rules.roster.reviewer(verdict.reviewer)
    reason = _objection(draft, task, reviewer, verdict)
    if reason is not None or reviewer is None:
        draft.facts.append(Refused("verdict", reason or UNKNOWN_REVIEWER))
        _answer(draft, verdict, NoticeKind.VERDICT_REFUSED, reason or UNKNOWN_REVIEWER)
        return
    if graver(draft, verdict.label) and _loosens(draft, verdict):
        draft.facts.append(Refused("verdict", "stale"))
        _answer(draft, verdict, NoticeKind.VERDICT_STALE, OUTGROWN)
        renew(draft)
        return
    seen = _language_seen(draft, verdict)
    speaks = reviewer.speaks(draft.language) and (seen is None or reviewer.speaks(seen))
    if seen is not None and (draft.language.confidence < SURE or verdict.cannot_judge is CannotJudge.LANGUAGE):
        draft.set(language=seen)
    label = _label(task, verdict)
    standpoint = _standpoint(draft, verdict, label, speaks=speaks)
    draft.facts.append(
        Judged(
            region=task.region,
            language=draft.language.tag,
            outcome=verdict.outcome,
            shown=standpoint.shown,
            full=standpoint.full,
            tool=verdict.tool or "none",
            cannot_judge=verdict.cannot_judge,
        )
    )
    unread = _unread(draft, verdict, standpoint) and (bool(left(draft, verdict.reviewer).speaking) or graver(draft, label))
    if verdict.outcome is Outcome.CANNOT_JUDGE or unread:
        _keep_out(draft, verdict)
        ask_others(draft, Leaving.HANDED_ON, speaker=unread)
    elif verdict.outcome is Outcome.ESCALATE and (queue := draft.policy.queue_of(label)):
        _escalate(draft, verdict, label, queue)
    elif _ACTIONS[verdict.outcome] in RESTRICTS and not standpoint.full:
        _only_limit(draft, task, verdict, standpoint, label)
    elif verdict.outcome is Outcome.LIMIT and graver(draft, label):
        _hold(draft, task, verdict, Ruling(Action.LIMIT, rule=BY_PERSON, label=label, pending=True), Purpose.REPORT)
    else:
        _settle(draft, verdict.reviewer, standpoint, _ACTIONS[verdict.outcome], label)


def _unread(draft: Draft, verdict: Verdict, standpoint: _Standpoint) -> bool:
    """Whether somebody who cannot read the post allows it, or would restrict what people who could have allowed."""
    standing = draft.state.standing
    allowed = standing is not None and standing.read and not draft.restricted
    adverse = _ACTIONS.get(verdict.outcome) in RESTRICTS and not standpoint.full
    return not standpoint.speaks and (verdict.outcome is Outcome.ALLOW or (adverse and allowed))


def _loosens(draft: Draft, verdict: Verdict) -> bool:
    """Whether a verdict leaves less of what holds: with something graver reported meanwhile it would be closed unseen."""
    standing = draft.state.standing
    removed = standing is not None and standing.action is Action.REMOVE
    return verdict.outcome is Outcome.ALLOW or (verdict.outcome is Outcome.LIMIT and removed)


def _label(task: OpenTask, verdict: Verdict) -> str | None:
    """What a verdict is about: without a word on it, the first that its task named, whatever was reported since."""
    return verdict.label or next(iter(task.labels), None)


def _keep_out(draft: Draft, verdict: Verdict) -> None:
    """Who hands a task on does not get it back."""
    case = draft.state
    if verdict.cannot_judge in FOR_GOOD:
        draft.set(excused=(*case.excused, verdict.reviewer))
    else:
        draft.set(passed=(*case.passed, verdict.reviewer))


def _objection(draft: Draft, task: OpenTask, reviewer: Reviewer | None, verdict: Verdict) -> str | None:
    """Why a verdict may not be given; the words go to the reviewer and into a count."""
    if reviewer is None:
        return UNKNOWN_REVIEWER
    label = _label(task, verdict)
    adverse, escalates = verdict.outcome in {Outcome.LIMIT, Outcome.REMOVE}, verdict.outcome is Outcome.ESCALATE
    objections = (
        (task.region not in reviewer.regions, "not on the roster of the task's region"),
        (verdict.reviewer in barred(draft), "has decided or handed on this post before"),
        (task.claimed_by not in {None, verdict.reviewer}, "another reviewer has claimed the task"),
        (verdict.revision != task.revision, "of another revision of the post"),
        (verdict.label is not None and verdict.label not in draft.policy.labels, "the policy has no such label"),
        (adverse and label is None, "a restriction needs a label"),
        (escalates and draft.policy.queue_of(label) is None, "the policy names no queue for the label"),
    )
    return next((words for holds, words in objections if holds), None)


def _standpoint(draft: Draft, verdict: Verdict, label: str | None, *, speaks: bool) -> _Standpoint:
    """`speaks`: the language that was known before and the one that the reviewer sees, so that to name another one opens nothing, and
    nobody decides in full what they say is in a language that they do not speak.
    """
    shown = verdict.context_digest == draft.state.digest
    evident = label is not None and label in draft.policy.labels and draft.policy.labels[label].self_evident
    return _Standpoint(speaks, shown, full=evident or (speaks and shown and draft.state.complete))


def _language_seen(draft: Draft, verdict: Verdict) -> Language | None:
    """The language that a reviewer sees, if it is another one. It becomes the post's where the machine was not sure, or where the post is
    handed on for its language; the next reviewer may see another one still.
    """
    known = draft.language
    if verdict.language_seen is None or (seen := carried(verdict.language_seen)) in {known.tag, *known.alternatives}:
        return None
    return Language(tag=seen, confidence=SEEN)


def _only_limit(draft: Draft, task: OpenTask, verdict: Verdict, standpoint: _Standpoint, label: str | None) -> None:
    """Restricts no more than to a limit, or than what holds already, until a speaker who was shown the conversation confirms.

    The last such verdict ends the case with a limit, unless something graver was reported meanwhile. A restriction that a person decided
    stands whatever they say, as it is and under its own label: they could not decide one in full, so they give it no other reason. Where
    nobody is left to confirm, whatever a person decided before stands; what people who could read the post allowed stands where nobody is
    left who can.
    """
    adverse = draft.state.adverse + 1
    standing = draft.state.standing
    decided = standing is not None and standing.by_person and not standing.pending
    aside = _unread(draft, verdict, standpoint)
    alone = not left(draft, verdict.reviewer).at_all
    last = alone or adverse >= MAX_UNCONFIRMED or (standpoint.speaks and standpoint.shown and draft.state.adverse > 0)
    if not aside and (not last or graver(draft, label)):
        draft.set(adverse=adverse)
        removed = standing is not None and standing.action is Action.REMOVE
        action = _ACTIONS[verdict.outcome] if removed else Action.LIMIT
        _hold(draft, task, verdict, Ruling(action, rule=UNCONFIRMED, label=label, pending=True), Purpose.CONFIRM)
    elif standing is not None and (aside or (decided and (draft.restricted or alone))):
        _stand(draft, verdict.reviewer, standing, read=draft.restricted and not aside)
    else:
        _settle(draft, verdict.reviewer, standpoint, Action.LIMIT, label)


def _hold(draft: Draft, task: OpenTask, verdict: Verdict, ruling: Ruling, purpose: Purpose) -> None:
    """A restriction until somebody else has looked: for `purpose`, or for what an appeal or a queue asks. Nobody is answered yet, and what
    a person has restricted stays as it is.
    """
    standing = draft.state.standing
    restricts = standing is not None and standing.by_person and not standing.pending and draft.restricted
    draft.set(barred=(*draft.state.barred, verdict.reviewer))
    if ruling.label is not None:
        labels = (*draft.state.labels, ruling.label) if restricts else (ruling.label, *draft.state.labels)
        draft.set(labels=tuple(dict.fromkeys(labels)))
    leave(draft, Leaving.DECIDED)
    same = standing is not None and SEVERITY[standing.action] == SEVERITY[ruling.action]
    holds = same and standing is not None and (standing.by_person or ruling.rule == UNCONFIRMED)
    if not restricts and not holds:  # what holds already is not published again
        decide(draft, ruling)
    ask(draft, task.purpose if task.purpose in {Purpose.APPEAL, Purpose.QUEUE} else purpose, queue=task.queue)


def _escalate(draft: Draft, verdict: Verdict, label: str | None, queue_name: str) -> None:
    queue = draft.policy.queues[queue_name]
    draft.set(passed=(*draft.state.passed, verdict.reviewer))
    leave(draft, Leaving.ESCALATED)
    if label is not None:
        draft.set(labels=tuple(dict.fromkeys((label, *draft.state.labels))))
    if queue.interim is Interim.LIMIT and not draft.restricted and not draft.state.deleted:
        decide(draft, Ruling(Action.LIMIT, rule=ESCALATED, label=label, pending=True))
    ask(draft, Purpose.QUEUE, queue=queue_name)


def _settle(draft: Draft, reviewer: str, standpoint: _Standpoint, action: Action, label: str | None) -> None:
    """The verdict is the decision. A check of the machine that agrees with it changes nothing; one by somebody who cannot read the post
    says nothing of the machine.
    """
    case = draft.state
    leave(draft, Leaving.DECIDED)
    agrees = case.audited is not None and case.audited is action
    if case.audited is not None and standpoint.speaks:
        draft.facts.append(Audited(draft.language.tag, case.stratum or "none", case.audited, wrong=not agrees))
    draft.set(audited=None, barred=tuple(dict.fromkeys((*case.barred, reviewer))))
    if label is not None and action in RESTRICTS:
        draft.set(labels=tuple(dict.fromkeys((label, *case.labels))))
    standing = draft.state.standing
    was_read = standing is not None and standing.read and not draft.restricted and action is Action.ALLOW
    same = standing is not None and SEVERITY[standing.action] == SEVERITY[action] and not standing.pending
    same_reasons = action not in RESTRICTS or same_rule(draft, label)
    upheld = same and same_reasons and (agrees or case.appeal is not None)
    if upheld and standing is not None:
        _uphold(draft, standing, label)
    else:
        decide(draft, Ruling(action, rule=BY_PERSON, label=label))
    if (standpoint.speaks or was_read) and draft.state.standing is not None:
        draft.set(standing=replace(draft.state.standing, read=True))
    _told(draft, same_reasons=same_reasons)


def _stand(draft: Draft, reviewer: str, standing: Standing, *, read: bool) -> None:
    """What a person decided before is upheld: nothing new is published."""
    leave(draft, Leaving.DECIDED)
    draft.set(audited=None, barred=tuple(dict.fromkeys((*draft.state.barred, reviewer))))
    _uphold(draft, standing, draft.state.floor_label)
    _told(draft, same_reasons=True, read=read)


def _uphold(draft: Draft, standing: Standing, label: str | None) -> None:
    draft.set(standing=replace(standing, by_person=True))
    keep_floor(draft, standing.action, label)


def _told(draft: Draft, *, same_reasons: bool, read: bool = True) -> None:
    """Everybody who waits for what was decided."""
    tell_of_reversal(draft)
    answer_appeal(draft, same_reasons=same_reasons, read=read)
    answer_reporters(draft)
    close(draft)


def _answer(draft: Draft, verdict: Verdict, kind: NoticeKind, reason: str) -> None:
    draft.notify(
        Notice(
            notice_id=draft.new_id("notice"),
            kind=kind,
            to=Addressee.REVIEWER,
            post_id=draft.state.post_id,
            at=draft.at,
            revision=verdict.revision,
            about=verdict.verdict_id,
            reviewer=verdict.reviewer,
            reason=reason,
        )
    )
