"""What happens to posts in the chaos of cases: six kinds of lives, each a chain in which every event answers what came of the one before.

So the events of a post have one order, whatever happens to the workers, and what comes of them can be compared to the byte. Times are
taken from the records that are answered, never from a clock.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.cases import CaseEventKind
from schemas.people import Appeal, Appellant, Channel, Enforcement, Notice, NoticeKind, Outcome, Report, Verdict
from schemas.records import Action, Automation, Decision, Record, ReviewTask
from schemas.topics import APPEALS, CASES, ENFORCEMENTS, REPORTS, VERDICTS, Topic
from tests.pipeline.cases.world import case_event

SECOND = dt.timedelta(seconds=1)
SPEAKER, OTHER_SPEAKER, STRANGER = "simulated-nl-1", "simulated-nl-2", "simulated-en-1"


class Sent(NamedTuple):
    """An event, and when it happens."""

    topic: Topic
    record: Record
    at: dt.datetime


class Step(NamedTuple):
    """What is waited for, and what is said to it."""

    when: Callable[[Record], bool]
    then: Callable[[Any], Sent]


@dataclass
class Life:
    """A post's chain: how it begins, and the steps that are left."""

    first: Sent
    steps: list[Step]

    def answer(self, record: Record) -> Sent | None:
        """What is said to a record, if it is the one that is waited for."""
        if self.steps and self.steps[0].when(record):
            return self.steps.pop(0).then(record)
        return None


def lives(count: int, start: dt.datetime) -> dict[str, Life]:
    """By post id. Of each kind a sixth."""
    kinds = itertools.cycle((_allowed, _appealed, _automatic, _confirmed, _edited, _audited))
    found = {}
    for number, kind in enumerate(itertools.islice(kinds, count)):
        post = f"p{number:06d}"
        found[post] = kind(post, start + dt.timedelta(milliseconds=number))
    return found


def _allowed(post: str, at: dt.datetime) -> Life:
    """A person allows it."""
    return Life(_opened(post, at), [Step(_task, lambda task: _verdict(task, SPEAKER, Outcome.ALLOW))])


def _appealed(post: str, at: dt.datetime) -> Life:
    """A person removes it, the author appeals, another person restores it, the platform confirms."""
    return Life(
        _opened(post, at),
        [
            Step(_task, lambda task: _verdict(task, SPEAKER, Outcome.REMOVE)),
            Step(_decided(Action.REMOVE), _appeal),
            Step(_on_appeal, lambda task: _verdict(task, OTHER_SPEAKER, Outcome.ALLOW)),
            Step(_decided(Action.RESTORE), _enforce),
        ],
    )


def _automatic(post: str, at: dt.datetime) -> Life:
    """The machine removes it, the author appeals, a person upholds it."""
    removed = case_event(post, action=Action.REMOVE, automation=Automation.FULL)
    return Life(
        Sent(CASES, removed, at),
        [
            Step(_notice(NoticeKind.RESTRICTED), _appeal),
            Step(_on_appeal, lambda task: _verdict(task, SPEAKER, Outcome.REMOVE)),
        ],
    )


def _confirmed(post: str, at: dt.datetime) -> Life:
    """Somebody reports it too; a reviewer who does not speak the language limits it, one who does removes it."""
    return Life(
        _opened(post, at),
        [
            Step(_task, _report),
            Step(_notice(NoticeKind.RECEIPT), lambda notice: _verdict_on(notice, STRANGER)),
            Step(_barred, lambda task: _verdict(task, OTHER_SPEAKER, Outcome.REMOVE)),
            Step(_decided(Action.REMOVE), _enforce),
        ],
    )


def _edited(post: str, at: dt.datetime) -> Life:
    """Its author edits it while it waits; a person limits the second revision."""
    return Life(
        _opened(post, at),
        [
            Step(_task, lambda task: Sent(CASES, case_event(post, 2, CaseEventKind.EDITED), task.created_at + SECOND)),
            Step(_second_revision, lambda task: _verdict(task, SPEAKER, Outcome.LIMIT)),
            Step(_decided(Action.LIMIT), _enforce),
        ],
    )


def _audited(post: str, at: dt.datetime) -> Life:
    """The machine allows it, and a person who checks removes it."""
    return Life(
        Sent(CASES, case_event(post, audit=True), at),
        [
            Step(_task, lambda task: _verdict(task, SPEAKER, Outcome.REMOVE)),
            Step(_decided(Action.REMOVE), _enforce),
        ],
    )


# What is waited for --------------------------------------------------------------------------------------------------


def _task(record: Record) -> bool:
    return isinstance(record, ReviewTask)


def _on_appeal(record: Record) -> bool:
    return isinstance(record, ReviewTask) and record.statement is not None


def _barred(record: Record) -> bool:
    return isinstance(record, ReviewTask) and STRANGER in record.barred_reviewers


def _second_revision(record: Record) -> bool:
    return isinstance(record, ReviewTask) and record.post.revision == 2


def _decided(action: Action) -> Callable[[Record], bool]:
    return lambda record: isinstance(record, Decision) and record.action is action and not record.pending


def _notice(kind: NoticeKind) -> Callable[[Record], bool]:
    return lambda record: isinstance(record, Notice) and record.kind is kind


# What is said --------------------------------------------------------------------------------------------------------


def _opened(post: str, at: dt.datetime) -> Sent:
    return Sent(CASES, case_event(post), at)


def _verdict(task: ReviewTask, reviewer: str, outcome: Outcome) -> Sent:
    at = task.created_at + SECOND
    verdict = Verdict(
        verdict_id=f"v-{task.task_id}", task_id=task.task_id, post_id=task.post.post_id, revision=task.post.revision, reviewer=reviewer,
        outcome=outcome, decided_at=at, context_digest=task.context.digest,
    )  # fmt: skip
    return Sent(VERDICTS, verdict, at)


def _verdict_on(notice: Notice, reviewer: str) -> Sent:
    """On the task that the report is about; its id is that of the report."""
    at = notice.at + SECOND
    task_id = (notice.about or "").removeprefix("r-")
    verdict = Verdict(
        verdict_id=f"v-{task_id}", task_id=task_id, post_id=notice.post_id, revision=1, reviewer=reviewer, outcome=Outcome.REMOVE,
        decided_at=at,
    )  # fmt: skip
    return Sent(VERDICTS, verdict, at)


def _report(task: ReviewTask) -> Sent:
    at = task.created_at + SECOND
    post = task.post.post_id
    report = Report(report_id=f"r-{task.task_id}", post_id=post, reporter_key=f"key-{post}", channel=Channel.USER, reported_at=at)
    return Sent(REPORTS, report, at)


def _appeal(about: Decision | Notice) -> Sent:
    at = (about.decided_at if isinstance(about, Decision) else about.at) + SECOND
    appeal = Appeal(
        appeal_id=f"a-{about.decision_id}", decision_id=about.decision_id or "", post_id=about.post_id, appellant=Appellant.AUTHOR,
        filed_at=at, statement="it is a quotation",
    )  # fmt: skip
    return Sent(APPEALS, appeal, at)


def _enforce(decision: Decision) -> Sent:
    at = decision.decided_at + SECOND
    done = Enforcement(decision_id=decision.decision_id, post_id=decision.post_id, action=decision.action, applied_at=at)
    return Sent(ENFORCEMENTS, done, at)
