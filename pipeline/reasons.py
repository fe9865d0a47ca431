"""Which of a decision's reasons it rests on, and whether a model had a part in it."""

from __future__ import annotations

from schemas.records import Automation, Decision, Reason, Unassessed

CARRIED_OVER = "person-before-edit"
"""Rule of a decision that a person took on the text before, and that the machine did not loosen."""

SUSPECTED_BEFORE = "person-suspected-before-edit"
"""The same of a restriction that held only until another person had looked."""

UNSCORED = frozenset({Unassessed.NO_LANGUAGE, Unassessed.LANGUAGE_UNKNOWN, Unassessed.LANGUAGE_UNSUPPORTED, Unassessed.STAGE_ERROR})
"""Any of these says why a text has no scores."""


def carried_over(decision: Decision) -> bool:
    """Whether it is a person's decision on the text before an edit, confirmed or only suspected."""
    rule = decision.reasons[0].rule if decision.reasons else None
    return decision.automation is Automation.PARTIAL and rule in {CARRIED_OVER, SUSPECTED_BEFORE}


def suspected(decision: Decision) -> bool:
    """Whether nobody has found yet what it restricts for: it holds until a person has looked, and is not what one had found before."""
    found_before = carried_over(decision) and decision.reasons[0].rule == CARRIED_OVER
    return decision.pending and not found_before


def decisive(decision: Decision) -> Reason | None:
    """The reason under whose label it was decided. What stands behind it only reached a threshold."""
    if carried_over(decision):
        return decision.reasons[0] if decision.reasons[0].label else None
    return next((reason for reason in decision.reasons if reason.label), None)
