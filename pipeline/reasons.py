"""Which of a decision's reasons it rests on, and whether a model had a part in it."""

from __future__ import annotations

from schemas.records import Automation, Decision, Reason, Unassessed

CARRIED_OVER = "person-before-edit"
"""Rule of a decision that a person took on the text before, and that the machine did not loosen."""

UNSCORED = frozenset({Unassessed.NO_LANGUAGE, Unassessed.LANGUAGE_UNKNOWN, Unassessed.LANGUAGE_UNSUPPORTED, Unassessed.STAGE_ERROR})
"""Any of these says why a text has no scores."""


def carried_over(decision: Decision) -> bool:
    """Whether it is a person's decision on the text before an edit."""
    return decision.automation is Automation.PARTIAL and bool(decision.reasons) and decision.reasons[0].rule == CARRIED_OVER


def decisive(decision: Decision) -> Reason | None:
    """The reason under whose label it was decided. What stands behind it only reached a threshold."""
    if carried_over(decision):
        return decision.reasons[0] if decision.reasons[0].label else None
    return next((reason for reason in decision.reasons if reason.label), None)
