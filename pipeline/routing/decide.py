"""From a scored post to what is published: a decision and, where a person must look, a task for a region. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from pipeline.policy.policy import Policy
from pipeline.policy.regions import Choice, Regions
from pipeline.routing.context import Snapshot
from pipeline.routing.highlights import Explain, Explanation
from pipeline.routing.judge import Judgement, judge, priority
from pipeline.stage import Output
from schemas.records import Decision, Post, ReviewPost, ReviewTask, ScoredPost
from schemas.topics import DECISIONS, review_topic

SEQUENCE = 0
"""Routing decides first; whatever decides later on the same revision counts on from here."""


class _Ruling(NamedTuple):
    """A judgement with its identity, and what it was made of."""

    id: str
    cause: str
    scored: ScoredPost
    policy: Policy
    judgement: Judgement
    now: dt.datetime


class Sight(NamedTuple):
    """Where what a reviewer sees comes from. Neither is asked unless a person must look."""

    show: Callable[[], Snapshot]
    explain: Explain


def decide(scored: ScoredPost, policy: Policy, regions: Regions, sight: Sight, now: dt.datetime) -> list[Output]:
    """A Decision, and a ReviewTask if a person must look. `now` is written down and decides nothing."""
    cause = cause_of(policy.id, scored.model_version)
    decided = decision_id(scored.post.post_id, scored.post.revision, SEQUENCE, cause)
    ruling = _Ruling(decided, cause, scored, policy, judge(scored, policy), now)
    if not ruling.judgement.pending:
        return [Output(DECISIONS, _decision(ruling, None))]
    labels = tuple(reason.label for reason in ruling.judgement.reasons if reason.label)
    task = _task(ruling, regions.choose(scored.language, scored.post.market), sight.show(), sight.explain(scored, labels))
    return [Output(DECISIONS, _decision(ruling, task)), Output(review_topic(task.region), task)]


def cause_of(policy_id: str, model_version: str) -> str:
    """What made a decision of sequence 0. The policy's id holds no blank, so the first blank is where the model's version begins."""
    return f"{policy_id} {model_version}"


def decision_id(post_id: str, revision: int, sequence: int, cause: str) -> str:
    """The first 32 hexadecimal digits of the SHA-256 of the JSON array [post_id, revision, sequence, cause].

    JSON without blanks, UTF-8. As an array, no two different quadruples are written the same.
    """
    return _hash([post_id, revision, sequence, cause])


def task_id(decided: str) -> str:
    """Of the task that a decision asks for."""
    return _hash(["task", decided])


def case_id(post_id: str) -> str:
    """Of all that ever happens to a post."""
    return _hash(["case", post_id])


def _hash(parts: Sequence[str | int]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _decision(ruling: _Ruling, task: ReviewTask | None) -> Decision:
    scored, policy, judgement = ruling.scored, ruling.policy, ruling.judgement
    post = scored.post
    ground, clause, category = judgement.grounds or (None, None, None)
    return Decision(
        decision_id=ruling.id,
        post_id=post.post_id,
        revision=post.revision,
        sequence=SEQUENCE,
        kind=post.kind,
        cause=ruling.cause,
        action=judgement.action,
        automation=judgement.automation,
        language=scored.language.tag,
        market=post.market,
        policy_version=policy.id,
        model_version=scored.model_version,
        content_type=policy.statement.content_type.value,
        content_date=post.created_at,
        source_type=policy.statement.source_type.value,
        received_at=scored.received_at,
        decided_at=ruling.now,
        pending=judgement.pending,
        reasons=judgement.reasons,
        unassessed=judgement.unassessed,
        ground=ground,
        clause=clause,
        category=category,
        region=task.region if task else None,
        task_id=task.task_id if task else None,
    )


def _task(ruling: _Ruling, choice: Choice, snapshot: Snapshot, explanation: Explanation) -> ReviewTask:
    scored, judgement = ruling.scored, ruling.judgement
    return ReviewTask(
        task_id=task_id(ruling.id),
        case_id=case_id(scored.post.post_id),
        decision_id=ruling.id,
        post=_review_post(scored.post, snapshot.speaker),
        context=snapshot.context,
        language=scored.language,
        region=choice.region,
        out_of_language=choice.out_of_language,
        priority=priority(scored.post, judgement.weight),
        interim_action=judgement.action,
        created_at=ruling.now,
        due_at=scored.received_at + dt.timedelta(hours=ruling.policy.review.due_hours),
        reasons=judgement.reasons,
        unassessed=judgement.unassessed,
        highlights=explanation.highlights,
        highlighted_by=explanation.model_version,
    )


def _review_post(post: Post, speaker: str) -> ReviewPost:
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
