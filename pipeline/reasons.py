"""Which of a decision's reasons decided: one place for the notice to the author and for the statement of reasons."""

from __future__ import annotations

from schemas.records import Automation, Decision, Reason

CARRIED_OVER = "person-before-edit"
"""Rule of a first reason: a person decided before the post was edited, and the machine does not loosen it."""


def carried_over(decision: Decision) -> bool:
    """Whether it holds because a person decided so before an edit."""
    return decision.automation is Automation.PARTIAL and bool(decision.reasons) and decision.reasons[0].rule == CARRIED_OVER


def decisive(decision: Decision) -> Reason | None:
    """The reason under whose label it was decided; None without one. What stands behind it only reached a threshold."""
    if carried_over(decision):
        return decision.reasons[0] if decision.reasons[0].label else None
    return next((reason for reason in decision.reasons if reason.label), None)
