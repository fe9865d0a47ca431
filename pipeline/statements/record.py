"""What the DSA transparency database accepts (schema of July 2025): limits are enforced at decode, as for every record here.

https://transparency.dsa.ec.europa.eu/page/api-documentation has the rules.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated

from msgspec import Meta

from pipeline.policy.policy import ContentType, SourceType
from pipeline.policy.rules import Category
from pipeline.statements.codes import COUNTRIES, LANGUAGES
from schemas.records import Record

MAX_STATEMENTS = 100
"""Of one request, which is taken as a whole or not at all."""

MAX_FACTS, MAX_EXPLANATION, MAX_GROUND = 5000, 2000, 500
"""Characters."""

FIRST_CONTENT, FIRST_APPLICATION, LAST = dt.date(2000, 1, 1), dt.date(2020, 1, 1), dt.date(2038, 1, 1)
"""Days that the database takes for `content_date` (from the first) and `application_date` (from the second), both up to the last."""


class Visibility(enum.Enum):
    """What was done to the content."""

    REMOVED = "DECISION_VISIBILITY_CONTENT_REMOVED"
    DISABLED = "DECISION_VISIBILITY_CONTENT_DISABLED"
    DEMOTED = "DECISION_VISIBILITY_CONTENT_DEMOTED"
    AGE_RESTRICTED = "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED"
    INTERACTION_RESTRICTED = "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED"
    LABELLED = "DECISION_VISIBILITY_CONTENT_LABELLED"


class DecisionGround(enum.Enum):
    """The law, or the platform's own terms."""

    ILLEGAL = "DECISION_GROUND_ILLEGAL_CONTENT"
    INCOMPATIBLE = "DECISION_GROUND_INCOMPATIBLE_CONTENT"


class AutomatedDecision(enum.Enum):
    """How much of the decision was a machine's."""

    FULLY = "AUTOMATED_DECISION_FULLY"
    PARTIALLY = "AUTOMATED_DECISION_PARTIALLY"
    NOT = "AUTOMATED_DECISION_NOT_AUTOMATED"


class YesNo(enum.Enum):
    """The database's words."""

    YES = "Yes"
    NO = "No"


Ground = Annotated[str, Meta(min_length=1, max_length=MAX_GROUND)]
Explanation = Annotated[str, Meta(min_length=1, max_length=MAX_EXPLANATION)]


class StatementOfReasons(Record, frozen=True, kw_only=True, gc=False):
    """One statement. `puid` names it among all of the platform, for ever."""

    puid: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,500}$(?!\n)")]
    decision_visibility: Annotated[tuple[Visibility, ...], Meta(min_length=1)]
    decision_ground: DecisionGround
    category: Category
    content_type: Annotated[tuple[ContentType, ...], Meta(min_length=1)]
    content_date: dt.date
    application_date: dt.date
    territorial_scope: Annotated[tuple[str, ...], Meta(min_length=1)]
    decision_facts: Annotated[str, Meta(min_length=1, max_length=MAX_FACTS)]
    source_type: SourceType
    automated_detection: YesNo
    automated_decision: AutomatedDecision
    illegal_content_legal_ground: Ground | None = None
    illegal_content_explanation: Explanation | None = None
    incompatible_content_ground: Ground | None = None
    incompatible_content_explanation: Explanation | None = None
    content_type_other: Ground | None = None
    content_language: str | None = None

    def __post_init__(self) -> None:
        illegal = (self.illegal_content_legal_ground, self.illegal_content_explanation)
        incompatible = (self.incompatible_content_ground, self.incompatible_content_explanation)
        needed, other = (illegal, incompatible) if self.decision_ground is DecisionGround.ILLEGAL else (incompatible, illegal)
        if None in needed or any(other):
            raise ValueError("ground and explanation must be those of `decision_ground`, and no others")
        if not set(self.territorial_scope) <= set(COUNTRIES):
            raise ValueError("`territorial_scope` may name countries of the European Economic Area")
        if self.content_language is not None and self.content_language not in LANGUAGES:
            raise ValueError("`content_language` must be a code of ISO 639-1 in capitals")
        if (ContentType.OTHER in self.content_type) != (self.content_type_other is not None):
            raise ValueError("`content_type_other` says what the content type `other` is")
        if not (FIRST_CONTENT <= self.content_date <= LAST and FIRST_APPLICATION <= self.application_date <= LAST):
            raise ValueError(f"`content_date` must lie from {FIRST_CONTENT}, `application_date` from {FIRST_APPLICATION} to {LAST}")


class Request(Record, frozen=True, kw_only=True, gc=False):
    """The body of a request to the database's endpoint for several statements."""

    statements: Annotated[tuple[StatementOfReasons, ...], Meta(min_length=1, max_length=MAX_STATEMENTS)]

    def __post_init__(self) -> None:
        if len({each.puid for each in self.statements}) < len(self.statements):
            raise ValueError("a `puid` may stand once")
