"""What people, their tools and the platform say about posts, and what they are told. All of it is keyed by the post's id."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta

from schemas.records import Action, Automation, Id, Post, Record, Revision, Time

MAX_STATEMENT = 4000
"""Characters that an appeal or a report may say."""

Spoken = Annotated[
    str,
    Meta(max_length=35, pattern=r"^(?!und$|other$)[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)", description="BCP 47, a language that is spoken"),
]
Words = Annotated[str, Meta(max_length=200)]
Statement = Annotated[str, Meta(max_length=MAX_STATEMENT)]


class TaskEventKind(enum.Enum):
    """What happened to a review task. Tools claim and release; the cases stage withdraws and moves."""

    CLAIMED = "claimed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"  # nobody has to look any more
    MOVED = "moved"  # another task stands for it now, in another region or with another reviewer


class TaskEvent(Record, frozen=True, kw_only=True, gc=False):
    """A tool shows only tasks that are neither withdrawn nor moved nor claimed by another; a claim runs out by itself.

    `reviewer` claims or releases. `region` and `next_task_id`: where a moved task's post waits now.
    """

    event_id: Id
    task_id: Id
    post_id: Id
    kind: TaskEventKind
    at: Time
    reviewer: Id | None = None
    region: str | None = None
    next_task_id: Id | None = None
    reason: Words | None = None


class Outcome(enum.Enum):
    """What a reviewer says of a post."""

    ALLOW = "allow"
    LIMIT = "limit"
    REMOVE = "remove"
    ESCALATE = "escalate"  # to the queue that the policy names for the label
    CANNOT_JUDGE = "cannot_judge"


class CannotJudge(enum.Enum):
    """Why a reviewer hands a post on to others."""

    LANGUAGE = "language"
    CONTEXT = "context"  # the conversation is missing, or not enough of it
    EXPERTISE = "expertise"
    CONFLICT = "conflict"  # the reviewer knows somebody in it
    WELLBEING = "wellbeing"
    TOOL = "tool"  # it was not shown as it should be


class Verdict(Record, frozen=True, kw_only=True, gc=False):
    """A reviewer's word on a task. It takes full effect only from a speaker of the language who was shown the whole conversation.

    `context_digest` is that of the conversation which the tool showed (Context.digest as computed by the tool over what was on the screen).
    `label`: what of the policy is violated; needed to limit and remove where the task names no label. `language_seen`: BCP 47, where the
    reviewer finds another language than the task says; read as the tag that posts have, such as `pt` for `pt-BR`. `tool` names the
    review tool, for its own metrics.
    """

    verdict_id: Id
    task_id: Id
    post_id: Id
    revision: Revision
    reviewer: Id
    outcome: Outcome
    decided_at: Time
    label: Annotated[str, Meta(max_length=32)] | None = None
    cannot_judge: CannotJudge | None = None
    language_seen: Spoken | None = None
    context_digest: Annotated[str, Meta(max_length=64)] | None = None
    tool: Annotated[str, Meta(max_length=32, pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$(?!\n)")] | None = None

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.CANNOT_JUDGE) != (self.cannot_judge is not None):
            raise ValueError("`cannot_judge` says why, with the outcome `cannot_judge` and with no other")


class Appellant(enum.Enum):
    """Who appeals: the author against a restriction, a reporter against none."""

    AUTHOR = "author"
    REPORTER = "reporter"


class Appeal(Record, frozen=True, kw_only=True, gc=False):
    """Somebody asks that a decision be looked at again, by another person. A reporter says which report it was (`report_id`)."""

    appeal_id: Id
    decision_id: Id
    post_id: Id
    appellant: Appellant
    filed_at: Time
    statement: Statement = ""
    report_id: Id | None = None

    def __post_init__(self) -> None:
        if self.appellant is Appellant.REPORTER and self.report_id is None:
            raise ValueError("an appeal of a reporter needs `report_id`")


class Channel(enum.Enum):
    """Through what a report came."""

    USER = "user"
    TRUSTED_FLAGGER = "trusted_flagger"
    AUTHORITY = "authority"


class Report(Record, frozen=True, kw_only=True, gc=False):
    """Somebody says that a post breaks the rules. `reporter_key` is a pseudonym; it is shown to nobody, only the reporter's own notices
    carry it.

    `label`: what of the policy is meant. `post_snapshot` is needed where the machine has allowed the post without a person's look: then the
    pipeline keeps no copy of it. `language` and `sequence`: as the platform's newest decision on the post says (no language where that is
    `und` or `other`), so that it finds people who speak it, and what they decide counts as newer.
    """

    report_id: Id
    post_id: Id
    reporter_key: Id
    channel: Channel
    reported_at: Time
    label: Annotated[str, Meta(max_length=32)] | None = None
    explanation: Statement = ""
    language: Spoken | None = None
    sequence: Annotated[int, Meta(ge=0)] = 1
    post_snapshot: Post | None = None

    def __post_init__(self) -> None:
        if self.post_snapshot is not None and self.post_snapshot.post_id != self.post_id:
            raise ValueError("`post_snapshot` is of another post")


class Enforcement(Record, frozen=True, kw_only=True, gc=False):
    """The platform has done what a decision says. It is waited for where `action` is limit, remove or restore."""

    decision_id: Id
    post_id: Id
    action: Action
    applied_at: Time


class Erasure(Record, frozen=True, kw_only=True, gc=False):
    """What cases keep of a post is to go. `reason` is kept with the request alone: put no name in it."""

    erasure_id: Id
    post_id: Id
    requested_at: Time
    reason: Words | None = None


class Addressee(enum.Enum):
    """Who a notice is for. The platform knows the author of a post, and who stands behind a reporter's key."""

    AUTHOR = "author"
    REPORTER = "reporter"
    REVIEWER = "reviewer"


class NoticeKind(enum.Enum):
    """What a notice says."""

    RESTRICTED = "restricted"  # to the author: what was done, why, and how to appeal
    RESTORED = "restored"  # to the author
    RECEIPT = "receipt"  # to a reporter or an appellant: it has arrived
    OUTCOME = "outcome"  # to a reporter or an appellant: what was decided, and why
    REFUSED = "refused"  # to a reporter or an appellant: it cannot be dealt with, and why
    VERDICT_STALE = "verdict_stale"  # to a reviewer: the task was no longer open; the verdict changed nothing
    VERDICT_REFUSED = "verdict_refused"  # to a reviewer: why the verdict does not count


class Notice(Record, frozen=True, kw_only=True, gc=False):
    """To the author, to one reporter or to one reviewer; the platform or the tool delivers it.

    `about` is the id of the report, appeal or verdict that it answers. `appeal_until`: how long an appeal against `decision_id` is open. Of
    a restriction `labels` hold the one under which it was decided, `source_type` what led to it, and `pending` that people look at it
    again.
    """

    notice_id: Id
    kind: NoticeKind
    to: Addressee
    post_id: Id
    at: Time
    revision: Revision | None = None
    about: Id | None = None
    reporter_key: Id | None = None
    reviewer: Id | None = None
    decision_id: Id | None = None
    action: Action | None = None
    automation: Automation | None = None
    ground: str | None = None
    clause: str | None = None
    category: str | None = None
    labels: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    source_type: str | None = None
    pending: bool = False
    reason: Words | None = None
    appeal_until: Time | None = None
