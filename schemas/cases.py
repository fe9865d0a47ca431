"""Records of the cases stage: what opens a case, its state, and its file."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta

from schemas.people import Appellant, Channel
from schemas.records import (
    MAX_HIGHLIGHTS,
    Action,
    Context,
    Decision,
    Highlight,
    Id,
    Language,
    Reason,
    Record,
    ReviewPost,
    Revision,
    Time,
    Unassessed,
)


class CaseEventKind(enum.Enum):
    """What routing hands over."""

    OPENED = "opened"  # a post that people must look at, that the machine has restricted, or that was drawn for the audit
    EDITED = "edited"  # a new revision: `proposal` is what the machine would do; the cases stage decides
    DELETED = "deleted"  # by its author


class CaseEvent(Record, frozen=True, kw_only=True, gc=False):
    """What routing found. `weight`: how grave, 0 to 100. `audit`: drawn by hash for the sample that checks the machine.

    `proposal` is already published, as sequence 0, except for an edit. `stratum`: the label that the model finds likeliest, by which audits
    are counted.
    """

    event_id: Id
    kind: CaseEventKind
    proposal: Decision
    post: ReviewPost
    context: Context
    language: Language
    weight: Annotated[float, Meta(ge=0, le=100)]
    audit: bool = False
    stratum: str | None = None
    highlights: Annotated[tuple[Highlight, ...], Meta(max_length=MAX_HIGHLIGHTS)] = ()
    highlighted_by: str | None = None


class Purpose(enum.Enum):
    """Why people look at a post. Shown to nobody who decides: all tasks look alike."""

    REVIEW = "review"  # the machine must not decide alone
    AUDIT = "audit"  # the machine has decided; a sample is checked
    REPORT = "report"
    CONFIRM = "confirm"  # somebody would restrict it who does not speak the language, or was not shown the conversation
    APPEAL = "appeal"
    QUEUE = "queue"  # escalated to a named queue


class OpenTask(Record, frozen=True, kw_only=True, gc=False):
    """The one live task of an open case. `attempt`: 1, and one more with each time-out since it was asked for. `tried`: the regions that
    had it before. `nobody_left`: when it was issued, everybody who could see it had decided or handed it on. `labels`:
    what it says is suspected.
    """

    task_id: Id
    purpose: Purpose
    revision: Revision
    region: str
    asked_at: Time
    issued_at: Time
    due_at: Time
    priority: int
    attempt: int = 1
    out_of_language: bool = False
    over_capacity: bool = False
    queue: str | None = None
    tried: tuple[str, ...] = ()
    nobody_left: bool = False
    labels: tuple[str, ...] = ()
    claimed_by: Id | None = None
    claimed_until: Time | None = None


class Reporter(Record, frozen=True, kw_only=True, gc=False):
    """A report that waits for its outcome, or whose outcome may still be appealed against: told at `answered_at`, that the post is
    `restricted` or is not. `appealed`: against that outcome; `appeal_id`: with an appeal that the outcome of the open one answers.
    `gone`: told no more than that the author had deleted the post.
    """

    report_id: Id
    reporter_key: Id
    channel: Channel
    answered_at: Time | None = None
    restricted: bool = False
    appealed: bool = False
    appeal_id: Id | None = None
    gone: bool = False

    @property
    def answered(self) -> bool:
        """Whether the outcome was told."""
        return self.answered_at is not None


class OpenAppeal(Record, frozen=True, kw_only=True, gc=False):
    """An appeal that waits for its outcome. `action`: of the decision appealed against."""

    appeal_id: Id
    decision_id: Id
    action: Action
    appellant: Appellant
    report_id: Id | None = None


class Standing(Record, frozen=True, kw_only=True, gc=False):
    """The decision in force: what is needed of it to judge what comes next.

    `awaits`: an earlier decision to undo a restriction, which the platform has not confirmed; this one only allows. `upheld`: on the appeal
    of a reporter, by another person. `read`: by somebody who could read the post.
    """

    decision_id: Id
    action: Action
    by_person: bool
    pending: bool
    decided_at: Time
    unconfirmed_since: Time | None = None
    overdue: bool = False
    awaits: Id | None = None
    upheld: bool = False
    read: bool = False


class Decided(Record, frozen=True, kw_only=True, gc=False):
    """A decision of people, and who had a hand in it."""

    decision_id: Id
    by: tuple[Id, ...]


class Waiting(Record, frozen=True, kw_only=True, gc=False):
    """An event that was faster than the post it is about, with the topic it came from."""

    topic: str
    at: Time
    value: str


class CaseState(Record, frozen=True, kw_only=True, gc=False):
    """All that is known of a post with a case, without its content, which is in its CaseFile. Not `known`: events wait for it.

    (`revision`, `sequence`) is that of the last decision. `applied` are the ids of the events that were applied last, oldest first.
    `due_at`: when time alone changes something. `standing`: the decision in force; `floor`: what a person decided last, which the machine
    does not loosen, with its label, who had a hand in it, and in the same on the text before, and whether it was only to hold until another
    person had looked (`floor_label`, `floor_by`, `floor_pending`); `earlier`: ids of the decisions before; `decided`: those of people;
    `appealed`: those that the author has appealed against; `source`: what led to the restriction that holds; `was_restricted`: by any
    decision in the file. `barred` have decided on this revision and `passed` have handed it on, so neither may decide it; `excused` stay
    out of the case for good (a conflict, their wellbeing). `reported`: labels that reports name and nobody has answered, for an edit
    changes `labels`. `adverse`: verdicts that would restrict it and wait for one who speaks the language. `joined`: the author's appeal,
    while the one of a reporter is open (`appeal`): one outcome answers both. `audited`: what the machine decided, while people check it.
    `rounds` counts its tasks.

    `erased_at`: its content was erased then, and there is no file; what is left lets a late event see that. A newer revision is a case with
    a file again. `erase_when_closed`: it is to be erased once what people need the text for is decided; a newer revision cancels that.
    """

    post_id: Id
    revision: Revision
    sequence: Annotated[int, Meta(ge=0)] = 0
    applied: tuple[str, ...] = ()
    due_at: Time | None = None
    known: bool = False
    deleted: bool = False
    language: Language | None = None
    market: str = ""
    stratum: str | None = None
    labels: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    weight: float = 0
    reach: int = 0
    complete: bool = False
    digest: str = ""
    standing: Standing | None = None
    floor: Action | None = None
    floor_label: str | None = None
    floor_by: tuple[Id, ...] = ()
    floor_pending: bool = False
    source: str | None = None
    was_restricted: bool = False
    earlier: tuple[Id, ...] = ()
    decided: tuple[Decided, ...] = ()
    appealed: tuple[Id, ...] = ()
    task: OpenTask | None = None
    rounds: int = 0
    audited: Action | None = None
    adverse: int = 0
    barred: tuple[Id, ...] = ()
    passed: tuple[Id, ...] = ()
    excused: tuple[Id, ...] = ()
    reporters: tuple[Reporter, ...] = ()
    appeal: OpenAppeal | None = None
    joined: OpenAppeal | None = None
    waiting: tuple[Waiting, ...] = ()
    keep_until: Time | None = None
    erased_at: Time | None = None
    erase_when_closed: bool = False


class CaseFile(Record, frozen=True, kw_only=True, gc=False):
    """A post as it was judged, with its conversation and all decisions on it, kept until the window for appeals is over.

    `statement`: of the appeal that is open, and of the author's that joined it.
    """

    post_id: Id
    case_id: Id
    revision: Revision
    post: ReviewPost
    context: Context
    language: Language
    reasons: tuple[Reason, ...] = ()
    unassessed: tuple[Unassessed, ...] = ()
    highlights: Annotated[tuple[Highlight, ...], Meta(max_length=MAX_HIGHLIGHTS)] = ()
    highlighted_by: str | None = None
    decisions: tuple[Decision, ...] = ()
    statement: str | None = None


class AuditCount(Record, frozen=True, kw_only=True, gc=False):
    """Audited decisions of the machine in a language, by the label found likeliest: checked, and of those corrected by people."""

    language: str
    label: str
    checked: int
    wrong: int


class AuditCounts(Record, frozen=True, kw_only=True, gc=False):
    """Of a partition."""

    counts: tuple[AuditCount, ...] = ()
