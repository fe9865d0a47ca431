"""What a person, or the machine's proposal on an edit, changes: the decision, who is told, and how long the case is kept."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from pipeline.cases.draft import Draft
from pipeline.cases.facts import Overturned
from pipeline.cases.grounds import grounds, source_type
from pipeline.ids import case_id, decision_id
from pipeline.reasons import CARRIED_OVER, SUSPECTED_BEFORE, decisive
from schemas.cases import Decided, Standing
from schemas.people import Addressee, Appellant, Notice, NoticeKind
from schemas.records import RESTRICTS, Action, Automation, Decision, PostKind, Reason
from schemas.topics import DECISIONS

MAX_DECISIONS = 20
"""Kept in a case file: the first, which says what the machine found, and the newest."""

MAX_EARLIER = 20
"""Ids of decisions that are no longer in force, so that an appeal against one can be told from one against a stranger's."""

SEVERITY = {Action.ALLOW: 0, Action.RESTORE: 0, Action.LIMIT: 1, Action.REMOVE: 2}

NO_MODEL = "none"
"""Model version of a post that no model has seen: it was reported with a copy."""


class Ruling(NamedTuple):
    """What a person decided. `rule`: by what, in a reason. `label`: what is violated, if anything. `pending`: people look again."""

    action: Action
    rule: str
    label: str | None = None
    pending: bool = False


def decide(draft: Draft, ruling: Ruling) -> Decision:
    """The next decision of the post, with the notices that follow from it. A restriction that is undone becomes `restore`."""
    before = draft.state.standing
    undone = draft.restricted and ruling.action is Action.ALLOW
    action = Action.RESTORE if undone else ruling.action
    sequence = draft.state.sequence + 1
    draft.set(sequence=sequence)
    decision = _decision(draft, ruling, action, before.decision_id if before and undone else None)
    _publish(draft, decision, by_person=True)
    keep_floor(draft, decision.action, ruling.label, pending=ruling.pending)
    if undone and before:
        draft.facts.append(Overturned(draft.language.tag, by_machine=not before.by_person, on_appeal=draft.state.appeal is not None))
    return decision


def keep_floor(draft: Draft, action: Action, label: str | None, *, pending: bool = False) -> None:
    """What a person decided, which an edit does not loosen, and who had a hand in it: they do not answer an appeal against it. Neither does
    who decided the same on the text before: an appeal against that is one against what stands.
    """
    case, restricts = draft.state, action in RESTRICTS
    by = (*case.barred, *case.passed)
    goes_on = case.floor_by if case.floor is not None and (case.floor in RESTRICTS) == restricts else ()
    floor_by = tuple(dict.fromkeys((*goes_on, *by)))
    draft.set(floor=action, floor_label=label if restricts else None, floor_by=floor_by, floor_pending=pending)
    _note_deciders(draft, by)


def _note_deciders(draft: Draft, by: tuple[str, ...]) -> None:
    """Of the decision in force, for when it no longer is and somebody appeals against it."""
    case = draft.state
    if case.standing is not None:
        now = Decided(decision_id=case.standing.decision_id, by=tuple(dict.fromkeys(by)))
        before = (each for each in case.decided if each.decision_id != now.decision_id)
        draft.set(decided=(*before, now)[-MAX_EARLIER:])


def decide_proposal(draft: Draft, proposal: Decision, *, by_person: bool) -> Decision:
    """The machine's proposal on a new revision becomes a decision, or (`by_person`) what a person said of the one before holds on."""
    decision = next_of(draft, proposal)
    draft.set(sequence=decision.sequence)
    if draft.restricted and decision.action is Action.ALLOW and draft.state.standing:
        decision = replace(decision, action=Action.RESTORE, supersedes=draft.state.standing.decision_id)
    elif decision.action in RESTRICTS:  # what led to the restriction goes on to be its source
        decision = replace(decision, source_type=draft.state.source or decision.source_type)
    _publish(draft, decision, by_person=by_person)
    if by_person:
        _note_deciders(draft, draft.state.floor_by)
    return decision


def next_of(draft: Draft, proposal: Decision) -> Decision:
    """The proposal as the decision that follows; its cause is the event that brought it."""
    sequence = max(draft.state.sequence, proposal.sequence) + 1
    made = decision_id(proposal.post_id, proposal.revision, sequence, draft.cause)
    return replace(proposal, decision_id=made, sequence=sequence, cause=draft.cause, decided_at=draft.at)


def carried_over(draft: Draft, proposal: Decision) -> Decision:
    """The proposal, with what a person said of the revision before: the machine does not loosen it, people look again. What that person
    only suspected stays suspected.
    """
    floor, label = draft.state.floor, draft.state.floor_label
    ground, clause, category = grounds(draft, label)
    return replace(
        proposal,
        action=floor or proposal.action,
        automation=Automation.PARTIAL,
        pending=True,
        reasons=(Reason(rule=SUSPECTED_BEFORE if draft.state.floor_pending else CARRIED_OVER, label=label), *proposal.reasons),
        ground=ground,
        clause=clause,
        category=category,
    )


def accept(draft: Draft, decision: Decision) -> None:
    """A decision that is published already is in force: the machine's, as sequence 0."""
    _in_force(draft, decision, by_person=False)


def close(draft: Draft) -> None:
    """No task is left. What was ever restricted, or was reported, is kept until nobody can appeal any more."""
    case = draft.state
    long = case.was_restricted or draft.restricted or bool(case.reporters)
    told = [case.standing.decided_at] if case.standing and draft.restricted else []
    told += [each.answered_at for each in case.reporters if each.answered_at]
    draft.set(keep_until=max((draft.at + draft.policy.people.kept(long=long), *map(draft.appeals_end, told))), adverse=0)


def _decision(draft: Draft, ruling: Ruling, action: Action, supersedes: str | None) -> Decision:
    case = draft.state
    machine = next((each for each in reversed(draft.file.decisions) if each.automation is not Automation.NONE), None)
    post = draft.file.post
    restricts = action in RESTRICTS
    ground, clause, category = grounds(draft, ruling.label) if restricts else (None, None, None)
    return Decision(
        decision_id=decision_id(case.post_id, case.revision, case.sequence, draft.cause),
        post_id=case.post_id,
        revision=case.revision,
        sequence=case.sequence,
        kind=PostKind.DELETED if case.deleted else post.kind,
        cause=draft.cause,
        action=action,
        automation=Automation.NONE,
        language=draft.language.tag,
        market=case.market,
        policy_version=draft.policy.id,
        model_version=machine.model_version if machine else NO_MODEL,
        content_type=draft.policy.statement.content_type.value,
        content_types=draft.policy.statement.content_types(post.text, post.media),
        content_date=post.created_at,
        source_type=draft.state.source or source_type(draft, ruling.label).value,
        received_at=machine.received_at if machine else draft.at,
        decided_at=draft.at,
        pending=ruling.pending,
        reasons=(Reason(rule=ruling.rule, label=ruling.label),) if restricts else (),
        unassessed=draft.file.unassessed,
        ground=ground,
        clause=clause,
        category=category,
        supersedes=supersedes,
        case_id=case_id(case.post_id),
    )


def _publish(draft: Draft, decision: Decision, *, by_person: bool) -> None:
    draft.put(DECISIONS, decision)
    kept = draft.file.decisions
    kept = (*kept[:1], *kept[1:][-(MAX_DECISIONS - 2) :], decision) if kept else (decision,)
    draft.file = replace(draft.file, decisions=kept)
    _in_force(draft, decision, by_person=by_person)


def _in_force(draft: Draft, decision: Decision, *, by_person: bool) -> None:
    case, before = draft.state, draft.state.standing
    changes = SEVERITY[decision.action] != SEVERITY[before.action if before else Action.ALLOW]
    waits_still = before is not None and before.unconfirmed_since is not None
    restricts = decision.action in RESTRICTS
    enforced = decision.action is Action.RESTORE or (restricts and not case.deleted and (changes or waits_still))
    earlier = (*case.earlier, before.decision_id)[-MAX_EARLIER:] if before else case.earlier
    standing = Standing(
        decision_id=decision.decision_id,
        action=decision.action,
        by_person=by_person,
        pending=decision.pending,
        decided_at=draft.at,
        unconfirmed_since=draft.at if enforced else None,
    )
    if before is not None and waits_still and decision.action is Action.ALLOW and before.action not in RESTRICTS:
        # To allow asks nothing of the platform, so what has to be undone is still to be confirmed.
        awaited = before.awaits or before.decision_id
        standing = replace(standing, unconfirmed_since=before.unconfirmed_since, overdue=before.overdue, awaits=awaited)
    draft.set(
        standing=standing,
        earlier=earlier,
        source=(case.source or decision.source_type) if restricts else None,
        was_restricted=case.was_restricted or restricts or decision.action is Action.RESTORE,
    )
    if (restricts and not case.deleted) or decision.action is Action.RESTORE:
        _tell_author(draft, decision)


def _tell_author(draft: Draft, decision: Decision) -> None:
    restricts, reason = decision.action in RESTRICTS, decisive(decision)
    draft.notify(
        Notice(
            notice_id=draft.new_id("notice"),
            kind=NoticeKind.RESTRICTED if restricts else NoticeKind.RESTORED,
            to=Addressee.AUTHOR,
            post_id=decision.post_id,
            at=draft.at,
            revision=decision.revision,
            decision_id=decision.decision_id,
            action=decision.action,
            automation=decision.automation,
            ground=decision.ground,
            clause=decision.clause,
            category=decision.category,
            labels=(reason.label,) if restricts and reason and reason.label else (),
            source_type=decision.source_type if restricts else None,
            pending=decision.pending,
            appeal_until=draft.appeal_until(draft.at) if restricts and not heard(draft, decision.action) else None,
        )
    )


def heard(draft: Draft, action: Action) -> bool:
    """Whether the author's open appeal answers for `action` too: what is decided on an appeal is not appealed against again, unless it is
    graver than what the author was heard on.
    """
    both = (draft.state.appeal, draft.state.joined)
    own = next((each for each in both if each is not None and each.appellant is Appellant.AUTHOR), None)
    return own is not None and SEVERITY[action] <= SEVERITY[own.action]
