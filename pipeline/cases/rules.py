"""What the machine of cases goes by, and what reaches it from outside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple, Protocol

from pipeline.policy.policy import PolicySet
from pipeline.policy.regions import Regions
from pipeline.policy.roster import Roster
from schemas.cases import CaseFile
from schemas.records import Record

OpenTasks = Callable[[str], int]
"""Open tasks of a region that somebody may decide, in one partition."""


class Rules(NamedTuple):
    """Configuration: policy versions, regions, who reviews."""

    policies: PolicySet
    regions: Regions
    roster: Roster


class Event(NamedTuple):
    """A record of one of the inputs. `topic` is its name without prefix, `at` the broker's time of it."""

    topic: str
    record: Record
    at: dt.datetime


class Files(Protocol):
    """Where case files are read back from."""

    def read(self, post_id: str) -> CaseFile | None:
        """The newest file of a post; None if it has none."""
        ...
