"""From a scored post to what is published: a decision and, where people may have to look, what opens a case. Pure.

An edit is only proposed: the cases stage, which knows what people said of the post before, decides it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.ids import case_id, decision_id, draw
from pipeline.policy.policy import Policy
from pipeline.routing.context import Snapshot
from pipeline.routing.highlights import Explain, Explanation
from pipeline.routing.judge import Judgement, judge, stratum
from pipeline.stage import Output
from schemas.cases import CaseEvent, CaseEventKind
from schemas.records import RESTRICTS, Decision, Post, PostKind, ReviewPost, ScoredPost
from schemas.topics import CASES, DECISIONS

SEQUENCE = 0
"""Routing decides first; whatever decides later on the same revision counts on from here."""

_EVENTS = {PostKind.CREATED: CaseEventKind.OPENED, PostKind.EDITED: CaseEventKind.EDITED, PostKind.DELETED: CaseEventKind.DELETED}


class Sight(NamedTuple):
    """Where what a reviewer sees comes from. Neither is asked unless a case may need it."""

    show: Callable[[], Snapshot]
    explain: Explain


def decide(scored: ScoredPost, policy: Policy, sight: Sight, now: dt.datetime) -> list[Output]:
    """A Decision, except on an edit; a CaseEvent where people must look, the machine restricts, the audit asks, or a case may exist.

    `now` is written down and decides nothing.
    """
    judgement = judge(scored, policy)
    likeliest = stratum(scored, policy)
    audit = drawn_for_audit(scored, policy, judgement, likeliest)
    kind = event_kind(scored.post)
    created = kind is CaseEventKind.OPENED
    people = judgement.pending or judgement.action in RESTRICTS or audit
    decision = _decision(scored, policy, judgement, now, cased=people or not created)
    outputs = [] if kind is CaseEventKind.EDITED else [Output(DECISIONS, decision)]
    if created and not people:
        return outputs
    suspected = tuple(dict.fromkeys(reason.label for reason in judgement.reasons if reason.label))
    if judgement.pending:
        suspected = policy.gravest_first(suspected)
    labels = suspected or ((likeliest,) if likeliest else ())
    explanation = sight.explain(scored, labels) if people else Explanation()
    snapshot = sight.show()
    event = CaseEvent(
        event_id=decision.decision_id,
        kind=kind,
        proposal=decision,
        post=review_post(scored.post, snapshot.speaker),
        context=snapshot.context,
        language=scored.language,
        weight=weight_shown(policy, judgement, labels) if audit else judgement.weight,
        audit=audit,
        stratum=likeliest,
        highlights=explanation.highlights,
        highlighted_by=explanation.model_version,
    )
    return [*outputs, Output(CASES, event)]


def event_kind(post: Post) -> CaseEventKind:
    """A post that is `created` with a later revision (sent anew, undeleted) is an edit: people may have decided on the one before."""
    kind = _EVENTS[post.kind]
    return CaseEventKind.EDITED if kind is CaseEventKind.OPENED and post.revision > 1 else kind


def weight_shown(policy: Policy, judgement: Judgement, labels: Sequence[str]) -> float:
    """Of an audit: as grave as a suspicion of the first label that its task shows. A weight that only audits have would tell them apart."""
    return max(judgement.weight, float(policy.labels[labels[0]].severity) if labels else 0.0)


def drawn_for_audit(scored: ScoredPost, policy: Policy, judgement: Judgement, likeliest: str | None) -> bool:
    """Whether people check this decision of the machine. By a hash, so that a replay draws the same."""
    if policy.audit is None or judgement.pending or scored.post.kind is PostKind.DELETED:
        return False
    label = next((reason.label for reason in judgement.reasons if reason.label), likeliest)
    share = policy.audit.share(scored.language.tag, scored.post.market, label, judgement.action)
    return draw(f"audit:{policy.audit.seed}", f"{scored.post.post_id}:{scored.post.revision}") < share


def cause_of(policy_id: str, model_version: str) -> str:
    """What made a decision of the machine. The policy's id holds no blank, so the first blank is where the model's version begins."""
    return f"{policy_id} {model_version}"


def _decision(scored: ScoredPost, policy: Policy, judgement: Judgement, now: dt.datetime, *, cased: bool) -> Decision:
    post = scored.post
    cause = cause_of(policy.id, scored.model_version)
    ground, clause, category = judgement.grounds or (None, None, None)
    return Decision(
        decision_id=decision_id(post.post_id, post.revision, SEQUENCE, cause),
        post_id=post.post_id,
        revision=post.revision,
        sequence=SEQUENCE,
        kind=post.kind,
        cause=cause,
        action=judgement.action,
        automation=judgement.automation,
        language=scored.language.tag,
        market=post.market,
        policy_version=policy.id,
        model_version=scored.model_version,
        content_type=policy.statement.content_type.value,
        content_types=policy.statement.content_types(post.text, post.media),
        content_date=post.created_at,
        source_type=policy.statement.source_type.value,
        received_at=scored.received_at,
        decided_at=now,
        pending=judgement.pending,
        reasons=judgement.reasons,
        unassessed=judgement.unassessed,
        ground=ground,
        clause=clause,
        category=category,
        case_id=case_id(post.post_id) if cased else None,
    )


def review_post(post: Post, speaker: str) -> ReviewPost:
    """A post as reviewers see it, without its author."""
    return ReviewPost(
        post_id=post.post_id,
        revision=post.revision,
        kind=post.kind,
        speaker=speaker,
        market=post.market,
        created_at=post.created_at,
        text=post.text or "",
        media=post.media,
        reach=post.reach,
        parent_id=post.parent_id,
    )
