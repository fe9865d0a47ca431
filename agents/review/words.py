"""What a reviewer says, as records. Pure: ids and times come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.policy.policy import Policy
from schemas.people import CannotJudge, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import ReviewTask

TOOL = "sluice-review"
"""How verdicts and metrics name this tool."""


class Answer(NamedTuple):
    """What a reviewer has chosen."""

    outcome: Outcome
    label: str | None = None
    cannot_judge: CannotJudge | None = None
    language_seen: str | None = None


def task_event(task: ReviewTask, kind: TaskEventKind, reviewer: str, event_id: str, at: dt.datetime) -> TaskEvent:
    """A claim or release. It has no `reason`: by that the cases stage knows its own."""
    return TaskEvent(event_id=event_id, task_id=task.task_id, post_id=task.post.post_id, kind=kind, at=at, reviewer=reviewer)


def verdict(task: ReviewTask, answer: Answer, digest: str | None, reviewer: str, verdict_id: str, at: dt.datetime) -> Verdict:  # noqa: PLR0913, PLR0917 - a verdict is made of these
    """`digest`: of the conversation that was on the screen; None if not all of it was."""
    return Verdict(
        verdict_id=verdict_id,
        task_id=task.task_id,
        post_id=task.post.post_id,
        revision=task.post.revision,
        reviewer=reviewer,
        outcome=answer.outcome,
        decided_at=at,
        label=answer.label,
        cannot_judge=answer.cannot_judge,
        language_seen=answer.language_seen,
        context_digest=digest,
        tool=TOOL,
    )


def labels_for(task: ReviewTask, policy: Policy, outcome: Outcome) -> Sequence[str]:
    """The labels that a verdict may name: the task's first, then the policy's, gravest first. An escalation needs one with a queue."""
    others = sorted(policy.labels, key=lambda name: -policy.labels[name].severity)
    known = [name for name in dict.fromkeys((*task.labels, *others)) if name in policy.labels]
    return [name for name in known if outcome is not Outcome.ESCALATE or policy.queue_of(name) is not None]
