"""What is counted of cases, beside the records that leave: one class for each thing that happens."""

from __future__ import annotations

import enum
from typing import NamedTuple

from schemas.cases import Purpose
from schemas.people import CannotJudge, Outcome
from schemas.records import Action


class Asked(NamedTuple):
    """A task was issued. `anew`: it stands for one that was moved, timed out or handed on."""

    region: str
    language: str
    purpose: Purpose
    out_of_language: bool
    over_capacity: bool
    complete: bool
    anew: bool


class Leaving(enum.Enum):
    """How a task ended."""

    DECIDED = "decided"
    ESCALATED = "escalated"
    HANDED_ON = "handed_on"  # cannot_judge
    TIMED_OUT = "timed_out"
    REGION_CLOSED = "region_closed"
    WITHDRAWN = "withdrawn"


class Left(NamedTuple):
    """A task ended. `seconds` since it was issued; `waited` since people were first asked; `in_time`: before it was due; `views`: the
    post's reach when people were asked.
    """

    region: str
    language: str
    how: Leaving
    seconds: float
    waited: float
    in_time: bool
    views: int


class Judged(NamedTuple):
    """A verdict counted. `shown`: its digest is that of what was sent; `full`: it may restrict in full."""

    region: str
    language: str
    outcome: Outcome
    shown: bool
    full: bool
    tool: str
    cannot_judge: CannotJudge | None


class Refused(NamedTuple):
    """A verdict, appeal or report did not count. `what`: verdict, appeal or report."""

    what: str
    reason: str


class Overturned(NamedTuple):
    """A person undid a decision. `by_machine`: it was the machine's. `on_appeal`: somebody had to ask."""

    language: str
    by_machine: bool
    on_appeal: bool


class Audited(NamedTuple):
    """People checked a decision of the machine, that they could not tell from any other task."""

    language: str
    label: str
    decided: Action
    wrong: bool


class Confirmed(NamedTuple):
    """The platform carried out a decision, `seconds` after it was made."""

    seconds: float


class Expired(NamedTuple):
    """An event waited in vain for its post."""

    topic: str


class Erasing(enum.Enum):
    """What became of a request to erase."""

    DONE = "done"
    WAITS = "waits"  # until people have decided; DONE follows
    OVERTAKEN = "overtaken"  # it waited, and the author changed the post: the new text is another case
    NOTHING = "nothing"  # is kept of the post


class Erased(NamedTuple):
    """Somebody asked for the erasure of a post, or one that had to wait is done."""

    result: Erasing


Fact = Asked | Left | Judged | Refused | Overturned | Audited | Confirmed | Expired | Erased
