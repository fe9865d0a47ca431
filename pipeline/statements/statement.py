"""From a decision to its statement of reasons. Pure; docs/statements.md says what each field is made of, and why."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import re
from typing import TypeVar

from pipeline.policy.policy import ContentType, SourceType
from pipeline.policy.rules import Category, Ground
from pipeline.reasons import UNSCORED, carried_over, decisive, suspected
from pipeline.statements import record
from pipeline.statements.codes import COUNTRIES, PART_OF, content_language
from pipeline.statements.record import AutomatedDecision, DecisionGround, StatementOfReasons, Visibility, YesNo
from schemas.records import RESTRICTS, Action, Automation, Decision, PostKind, Reason

LIMIT_IS = Visibility.DEMOTED
"""What `limit` does to a post, unless the platform says that it does something else."""

DECIDED_BY = {
    Automation.FULL: "The decision was taken by automated means alone.",
    Automation.PARTIAL: "The decision was taken by automated means and holds until a person has looked at the content.",
    Automation.NONE: "The decision was taken by a person.",
}
LOOKS_AGAIN = "The decision was taken by a person and holds until another person has looked at the content."
DECIDED_BEFORE = (
    "A person decided before the content was edited. The decision holds for the edited content until a person has looked at it."
)
SUSPECTED_BEFORE = (
    "A person restricted the content before it was edited, until another person had looked at it. "
    "That holds for the edited content until a person has looked at it."
)
AGAINST = {
    (True, False): "This is illegal on the ground",
    (True, True): "This would be illegal on the ground",
    (False, False): "This is not allowed by the clause",
    (False, True): "This would not be allowed by the clause",
}
"""By whether it is the law, and only suspected."""

NO_CLAUSE = "Terms and conditions"
"""Where a decision names no clause."""

_PUID = re.compile(r"[A-Za-z0-9_-]{1,500}")
Word = TypeVar("Word", bound=enum.Enum)


class Scope(enum.Enum):
    """Where a decision takes effect."""

    EEA = "eea"  # wherever the post can be seen, so in all of the European Economic Area
    MARKET = "market"  # in the post's market only


def statement_of(decision: Decision, scope: Scope = Scope.EEA, limit_is: Visibility = LIMIT_IS) -> StatementOfReasons | None:
    """The statement that a decision needs. None if it restricts nothing: an allowed post, one that its author had
    deleted by then, or nothing within the European Economic Area.
    """
    market = PART_OF.get(decision.market, decision.market)
    territory = COUNTRIES if scope is Scope.EEA else tuple(country for country in COUNTRIES if country == market)
    if decision.action not in RESTRICTS or decision.kind is PostKind.DELETED or not territory:
        return None
    clause = (decision.clause or NO_CLAUSE)[: record.MAX_GROUND]
    explanation = _explanation(decision, clause)[: record.MAX_EXPLANATION]
    unjudged = _unjudged(decision)
    illegal = decision.ground == Ground.LAW.value and not unjudged
    said = decision.content_types or (decision.content_type,)
    content_types = tuple(dict.fromkeys(_one_of(ContentType, each, ContentType.OTHER) for each in said))
    source = _one_of(SourceType, decision.source_type, SourceType.VOLUNTARY)
    return StatementOfReasons(
        puid=puid(decision.decision_id),
        decision_visibility=(Visibility.REMOVED if decision.action is Action.REMOVE else limit_is,),
        decision_ground=DecisionGround.ILLEGAL if illegal else DecisionGround.INCOMPATIBLE,
        illegal_content_legal_ground=clause if illegal else None,
        illegal_content_explanation=explanation if illegal else None,
        incompatible_content_ground=None if illegal else clause,
        incompatible_content_explanation=None if illegal else explanation,
        category=_one_of(Category, decision.category, Category.OTHER_TERMS),
        content_type=content_types,
        content_type_other="Content of a type that was not named" if ContentType.OTHER in content_types else None,
        content_language=content_language(decision.language),
        content_date=_content_date(decision),
        application_date=_within(_day(decision.decided_at), record.FIRST_APPLICATION),
        territorial_scope=territory,
        decision_facts=_facts(decision)[: record.MAX_FACTS],
        source_type=source,
        automated_detection=YesNo.YES if source is SourceType.VOLUNTARY and not _undetected(decision) else YesNo.NO,
        automated_decision=_automated(decision),
    )


def puid(decision_id: str) -> str:
    """The decision's id. One with signs that the database does not take (ours have none) is hashed: SHA-256, 32 hexadecimal digits."""
    return decision_id if _PUID.fullmatch(decision_id) else hashlib.sha256(decision_id.encode()).hexdigest()[:32]


def _one_of(kind: type[Word], value: str | None, otherwise: Word) -> Word:
    """The database's word for a value; where it has none, `otherwise`: one wrong statement would refuse the whole request."""
    return next((each for each in kind if each.value == value), otherwise)


def _unjudged(decision: Decision) -> bool:
    """Whether a machine restricts what it could not assess: it has detected nothing, and holds nothing against the content."""
    return decision.automation is not Automation.NONE and not carried_over(decision) and decisive(decision) is None


def _undetected(decision: Decision) -> bool:
    """Whether the machine has found nothing in the content: no model has looked at it, also where a person has decided since."""
    by_person = decision.automation is Automation.NONE or carried_over(decision)
    return _unjudged(decision) or (by_person and not UNSCORED.isdisjoint(decision.unassessed))


def _automated(decision: Decision) -> AutomatedDecision:
    """Of the decision that is stated. That a person will look is no part of it: until then none has taken part, and what that person
    decides has a statement of its own.
    """
    if decision.automation is Automation.NONE:
        return AutomatedDecision.NOT
    return AutomatedDecision.PARTIALLY if carried_over(decision) else AutomatedDecision.FULLY


def _explanation(decision: Decision, clause: str) -> str:
    if _unjudged(decision):
        until = "is held until it can be assessed" if decision.pending else "is restricted for that reason"
        return f"The content could not be assessed by automated means and {until}. Clause: {clause}."
    return f"{_found(decision)}. {AGAINST[decision.ground == Ground.LAW.value, suspected(decision)]}: {clause}."


def _found(decision: Decision) -> str:
    reason = decisive(decision)
    if carried_over(decision) and suspected(decision):
        label = f"the content to be: {reason.label}" if reason else "a violation"
        return f"Before the content was edited, a person suspected {label}"
    if carried_over(decision):
        return "A person restricted the content before it was edited" + (f", as: {reason.label}" if reason else "")
    if decision.pending:
        return f"The content is suspected to be: {reason.label}" if reason else "A person suspects a violation"
    return f"The content was found to be: {reason.label}" if reason else "A person found a violation"


def _facts(decision: Decision) -> str:
    """Of what the machine measured, and by which rules; nothing of the text, and no id of a post or a person."""
    said = [_decided_by(decision)]
    language = content_language(decision.language)
    said.append(f"Language of the content: {language}." if language else "The language of the content was not recognised.")
    said.append(f"Rules: policy {decision.policy_version}.")
    reason = decisive(decision)
    if reason and reason.probability is not None:
        said.append(f"Probability: estimated by the model {decision.model_version}.")
    if reason:
        said.append(f"Label {reason.label}{_measured(reason)}.")
    if decision.unassessed:
        said.append(f"Not assessed by automated means, or only in part: {', '.join(each.value for each in decision.unassessed)}.")
    return " ".join(said)


def _decided_by(decision: Decision) -> str:
    if carried_over(decision):
        return SUSPECTED_BEFORE if suspected(decision) else DECIDED_BEFORE
    return LOOKS_AGAIN if decision.automation is Automation.NONE and decision.pending else DECIDED_BY[decision.automation]


def _measured(reason: Reason) -> str:
    """The rule's id is left out: whoever decides may write what it likes there."""
    probability = "" if reason.probability is None else f": probability {reason.probability:.2f}"
    return probability + ("" if reason.threshold is None else f", threshold {reason.threshold:.2f}")


def _content_date(decision: Decision) -> dt.date:
    """As the producer says, if that can be: not before the database's first day, and not after the post was received."""
    received = _within(_day(decision.received_at), record.FIRST_CONTENT)
    created = _day(decision.content_date)
    return created if record.FIRST_CONTENT <= created <= received else received


def _within(day: dt.date, first: dt.date) -> dt.date:
    return min(max(day, first), record.LAST)


def _day(time: dt.datetime) -> dt.date:
    """In UTC. Times at the ends of the calendar have no UTC."""
    try:
        return time.astimezone(dt.UTC).date()
    except OverflowError:
        return time.date()
