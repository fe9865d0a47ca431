"""Pieces of a line that several records share."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from rich.text import Text

from agents.cli.show import visible
from schemas.records import Action, Language, Reason, Unassessed


class Filter(enum.Enum):
    """What records can be chosen by."""

    LANGUAGE = "language"
    ACTION = "action"
    MARKET = "market"
    POST = "post"


Part = tuple[str | Text, str]
"""Text and its style; a Text has its own. Nothing is shown for an empty one."""

ACTION_STYLES = {Action.ALLOW: "green", Action.LIMIT: "yellow", Action.REMOVE: "red", Action.RESTORE: "cyan"}


def action(what: Action) -> Part:
    """In its colour, as wide as the longest."""
    return f"{what.value:7}", f"bold {ACTION_STYLES[what]}"


def revised(post_id: str, revision: int | None) -> Part:
    """A post's id, with the revision from the second on."""
    return post_id if revision in {None, 1} else f"{post_id} r{revision}", ""


def tags(language: Language) -> Part:
    """The language's tag, and those that it could be as well."""
    return visible("|".join((language.tag, *language.alternatives))), "bold cyan"


def why(reasons: Iterable[Reason], gaps: tuple[Unassessed, ...]) -> list[Part]:
    """Labels with their probability, each once, and what was not assessed."""
    return [*((visible(text), "magenta") for text in dict.fromkeys(map(_reason, reasons))), unassessed(gaps)]


def unassessed(gaps: tuple[Unassessed, ...]) -> Part:
    """What was not assessed."""
    return " ".join(gap.value for gap in gaps), "yellow"


def _reason(reason: Reason) -> str:
    if reason.label is None or reason.probability is None:
        return reason.rule
    return f"{reason.label} {reason.probability:.2f}" + (f" over {reason.threshold:.2f}" if reason.threshold is not None else "")
