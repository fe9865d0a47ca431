"""The records on the topics. Limits are enforced at decode (schemas.wire); an absent field is left out, never null.

Times are RFC 3339 with an offset; probabilities lie in [0, 1]; ids are opaque. Unknown fields are ignored, so a producer can be ahead of
us.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from typing import Annotated

import msgspec
from msgspec import Meta

MAX_TEXT_BYTES = 64 * 1024
"""UTF-8 bytes of a post's text."""

MAX_HIGHLIGHTS = 12
"""Words that a review task points out."""

# `$(?!\n)`: Python's `$` also matches before a final newline; the JSON Schema dialect reads the same pattern.
ID, MARKET = r"[A-Za-z0-9._:-]{1,200}", r"[A-Z]{2}"
ID_FORM, MARKET_FORM = "1 to 200 of A-Z a-z 0-9 - . _ :", "two capital letters, such as NL"
Id = Annotated[str, Meta(max_length=200, pattern=rf"^{ID}$(?!\n)", description="1-200 of [A-Za-z0-9._:-]")]
Time = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339 with an offset")]
Market = Annotated[str, Meta(pattern=rf"^{MARKET}$(?!\n)", description="ISO 3166-1 alpha-2")]
Probability = Annotated[float, Meta(ge=0, le=1)]
Revision = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of everything that travels. Records hold no cycles, so they are kept from the garbage collector (gc=False)."""


class PostKind(enum.Enum):
    """What happened to a post; also of a post in a conversation."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"


class Action(enum.Enum):
    """What the platform does with a post, from none to most severe; `restore` undoes an earlier restriction."""

    ALLOW = "allow"
    LIMIT = "limit"
    REMOVE = "remove"
    RESTORE = "restore"


RESTRICTS = frozenset({Action.LIMIT, Action.REMOVE})
"""Actions that take something from the author."""


class Automation(enum.Enum):
    """Who decided: the machine alone, the machine or an earlier person until a person has looked, a person."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Unassessed(enum.Enum):
    """Why a post, or part of it, was not assessed by the machine."""

    NO_LANGUAGE = "no_language"  # nothing linguistic in it: emoji, links or digits alone
    LANGUAGE_UNKNOWN = "language_unknown"  # text, but no language is sure enough
    LANGUAGE_UNSUPPORTED = "language_unsupported"  # the model was not made for the language
    NO_CALIBRATION = "no_calibration"  # the bundle has no calibration, or the policy no evidence, for the language
    TOO_LONG = "too_long"  # longer than the model reads: only its first part was scored
    MEDIA = "media"  # images, video and sound are not scored
    STAGE_ERROR = "stage_error"  # a stage failed on this post alone


class Media(Record, frozen=True, kw_only=True, gc=False):
    """Something attached to a post. Not scored."""

    type: Annotated[str, Meta(min_length=1, max_length=100)]
    url: Annotated[str, Meta(min_length=1, max_length=2048)]


# A post is decoded at every hop, and each pattern is a call from C into `re`. So its own are in the schemas alone, and Post checks
# them with one: the fields in lines, of which a field with a line break makes one too many.
PostedId = Annotated[str, Meta(description="1-200 of [A-Za-z0-9._:-]", extra_json_schema={"maxLength": 200, "pattern": rf"^{ID}$(?!\n)"})]
PostedMarket = Annotated[str, Meta(description="ISO 3166-1 alpha-2", extra_json_schema={"pattern": rf"^{MARKET}$(?!\n)"})]
_all_fit = re.compile(rf"{ID}\n{ID}\n{ID}\n{ID}\n{MARKET}").fullmatch


class Post(Record, frozen=True, kw_only=True, gc=False):
    """The producer's contract: one event in the life of a post.

    `revision` grows with each edit and with a deletion: a deletion under a used revision is ignored by consumers. `author_id` is a
    pseudonym; it reaches no reviewer. `reach` counts views so far. `deleted` needs no text; `created` and `edited` need text or media.
    """

    post_id: PostedId
    revision: Revision
    kind: PostKind
    conversation_id: PostedId
    author_id: PostedId
    market: PostedMarket
    created_at: Time
    parent_id: PostedId | None = None
    language_hint: Annotated[str, Meta(max_length=1000, description="BCP 47; a weak prior. What is no tag is ignored")] | None = None
    text: str | None = None
    media: Annotated[tuple[Media, ...], Meta(max_length=32)] = ()
    reach: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0

    def __post_init__(self) -> None:
        parent = "-" if self.parent_id is None else self.parent_id
        if not _all_fit(f"{self.post_id}\n{self.conversation_id}\n{self.author_id}\n{parent}\n{self.market}"):
            raise ValueError(self._what_does_not_fit())
        text = self.text
        if text is None:
            if self.kind is not PostKind.DELETED and not self.media:
                raise ValueError(f"a post of kind {self.kind.value!r} needs `text` or `media`")
        elif len(text) * 4 > MAX_TEXT_BYTES and len(text.encode()) > MAX_TEXT_BYTES:
            raise ValueError(f"`text` has {len(text.encode())} bytes of UTF-8; at most {MAX_TEXT_BYTES} are allowed")

    def _what_does_not_fit(self) -> str:
        for field in ("post_id", "conversation_id", "author_id", "parent_id"):
            value = getattr(self, field)
            if value is not None and not re.fullmatch(ID, value):
                return f"`{field}` must be {ID_FORM}"
        return f"`market` must be {MARKET_FORM}"


class Language(Record, frozen=True, kw_only=True, gc=False):
    """The language of a text: `tag` is BCP 47, `und` (nothing linguistic) or `other` (outside the closed set).

    `confidence` is calibrated: of posts with 0.9, nine in ten have this tag, or one of `alternatives` that it cannot be told apart from
    (ms and id).
    """

    tag: str
    confidence: Probability
    alternatives: tuple[str, ...] = ()


class LanguagePost(Record, frozen=True, kw_only=True, gc=False):
    """A post with its language. `received_at` is the broker's append time on the incoming topic, carried on."""

    post: Post
    received_at: Time
    language: Language
    unassessed: tuple[Unassessed, ...] = ()


class ScoredPost(Record, frozen=True, kw_only=True, gc=False):
    """A post with its calibrated probability per label; `scores` is empty where nothing was scored."""

    post: Post
    received_at: Time
    language: Language
    model_version: str
    scores: dict[str, Probability] = {}
    unassessed: tuple[Unassessed, ...] = ()


class Reason(Record, frozen=True, kw_only=True, gc=False):
    """Why: the rule of the policy, and for a scored label the probability and the threshold it passed."""

    rule: str
    label: str | None = None
    probability: Probability | None = None
    threshold: Probability | None = None


class Decision(Record, frozen=True, kw_only=True, gc=False):
    """What the platform does with a revision of a post. Apply only one with a greater (revision, sequence) than what you have.

    The same post, policy and model give the same `decision_id`: a duplicate is recognised by it. With `pending`, a person will look, and
    `action` holds until then.
    `cause` names what made it: policy and model version for sequence 0, an event's id for later ones. `restore` undoes the restriction
    `supersedes`. A `deleted` post is passed on with `allow`: nothing to enforce. With a `case_id`, people look at it or can be asked to.
    `content_types`: all that the post is, by its text and media. `content_type` is what the policy says of posts as such.
    """

    decision_id: Id
    post_id: Id
    revision: Revision
    sequence: Annotated[int, Meta(ge=0)]
    kind: PostKind
    cause: str
    action: Action
    automation: Automation
    language: str
    market: Market
    policy_version: str
    model_version: str
    content_type: str
    content_date: Time
    source_type: str
    received_at: Time
    decided_at: Time
    pending: bool = False
    reasons: tuple[Reason, ...] = ()
    unassessed: tuple[Unassessed, ...] = ()
    ground: str | None = None
    clause: str | None = None
    category: str | None = None
    supersedes: Id | None = None
    case_id: Id | None = None
    content_types: tuple[str, ...] = ()


class ContextPost(Record, frozen=True, kw_only=True, gc=False):
    """A post of the conversation as a reviewer sees it: `speaker` is A, B, C... in order of appearance. `cut`: the text was shortened."""

    post_id: Id
    speaker: str
    created_at: Time
    kind: PostKind
    text: str = ""
    cut: bool = False
    media: int = 0


class Context(Record, frozen=True, kw_only=True, gc=False):
    """The conversation before a post, oldest first. `missing` lists ids that it refers to and that could not be found, and posts of which
    nobody knows what they answer; then it is not `complete`.

    `digest` is the SHA-256 of what is shown (pipeline.routing.context); a verdict repeats it to prove what its reviewer saw.
    """

    complete: bool
    digest: str
    thread: tuple[ContextPost, ...] = ()
    missing: tuple[str, ...] = ()


class ReviewPost(Record, frozen=True, kw_only=True, gc=False):
    """The post to be judged, without its author."""

    post_id: Id
    revision: Revision
    kind: PostKind
    speaker: str
    market: Market
    created_at: Time
    text: str = ""
    media: tuple[Media, ...] = ()
    reach: int = 0
    parent_id: Id | None = None


class Highlight(Record, frozen=True, kw_only=True, gc=False):
    """A word that speaks for a label: without it, the label's probability is lower by `drop`.

    It stands from `start` up to, not including, `end` of the post's text, counted in Unicode characters (code points; neither bytes nor
    UTF-16 units).
    """

    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=1)]
    label: str
    drop: Probability


class ReviewTask(Record, frozen=True, kw_only=True, gc=False):
    """A post that a person decides, with its conversation. Carries neither author nor reporter, and does not tell why people are asked:
    a sample of the machine's own decisions looks like any other task, and nobody judges by the machine's number.

    `labels`: what it may violate, likeliest first. `out_of_language`: nobody who speaks it could be found. `priority`: 0 (can wait) to 100.
    The task must be done by `due_at`. `barred_reviewers` have decided on the post before. `statement` is the appellant's, where an appeal
    is decided. `queue`: the named queue that it was escalated to. `highlights`: words that made the machine ask, as the model
    `highlighted_by` sees it; a hint where to look, no judgement.
    """

    task_id: Id
    case_id: Id
    post: ReviewPost
    context: Context
    language: Language
    region: str
    out_of_language: bool
    priority: Annotated[int, Meta(ge=0, le=100)]
    attempt: Annotated[int, Meta(ge=1)]
    created_at: Time
    due_at: Time
    labels: tuple[str, ...] = ()
    unassessed: tuple[Unassessed, ...] = ()
    barred_reviewers: tuple[Id, ...] = ()
    statement: str | None = None
    queue: str | None = None
    highlights: Annotated[tuple[Highlight, ...], Meta(max_length=MAX_HIGHLIGHTS)] = ()
    highlighted_by: str | None = None
