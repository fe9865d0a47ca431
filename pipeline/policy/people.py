"""The part of a policy that is about people: queues, the audit sample, and how long what is kept and waited for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from pipeline.config import ConfigModel
from pipeline.policy.rules import Interim, LabelName, Named, ScopedRule
from schemas.records import Action

QueueName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


ToolName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class Queue(ConfigModel):
    """Where a reviewer can escalate to. `keeps_deleted`: the author's deletion does not close it. `interim`: what holds meanwhile."""

    region: str
    due_hours: float = Field(gt=0, le=24 * 30, allow_inf_nan=False)
    keeps_deleted: bool = False
    interim: Interim = Interim.LIMIT


OF_THE_MACHINE = frozenset({Action.ALLOW.value, Action.LIMIT.value, Action.REMOVE.value})
"""What the machine decides."""


class AuditRule(ScopedRule):
    """The share of the machine's decisions that people check. None named means all: languages, markets, labels, actions."""

    labels: Named[LabelName] = frozenset()
    actions: Named[Action] = frozenset()
    share: float = Field(ge=0, le=1, allow_inf_nan=False)

    @property
    def named(self) -> dict[str, frozenset[str]]:
        """What it is for, by key."""
        return {**self.named_scope, "labels": self.labels, "actions": frozenset(each.value for each in self.actions)}


class Audit(ConfigModel):
    """The sample that checks the machine: the first rule that fits a decision gives its share; chosen by a hash of seed and post."""

    seed: str = Field(min_length=1, max_length=64)
    rules: tuple[AuditRule, ...] = ()

    def share(self, language: str, market: str, label: str | None, action: Action) -> float:
        """Of the machine's decisions like this one; 0 where no rule fits."""
        for rule in self.rules:
            labels_fit = not rule.labels or label in rule.labels
            if labels_fit and (not rule.actions or action in rule.actions) and rule.covers(language, market):
                return rule.share
        return 0.0


class People(ConfigModel):
    """Times of the work with cases. `keep_days` after the last decision a case file with a restriction or a report is deleted,
    `keep_allowed_days` after it any other. `tools`: review tools that are counted by name.
    """

    tools: frozenset[ToolName] = frozenset({"sluice-review"})

    claim_minutes: Annotated[float, Field(gt=0, le=24 * 60, allow_inf_nan=False)] = 30
    enforcement_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60, allow_inf_nan=False)] = 60
    waiting_hours: Annotated[float, Field(gt=0, le=24, allow_inf_nan=False)] = 24
    appeal_days: Annotated[int, Field(ge=1, le=3650)] = 190  # six months are 184 days at most, and somebody has to be told
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 200
    keep_allowed_days: Annotated[int, Field(ge=8, le=3650)] = 14

    @property
    def claim(self) -> dt.timedelta:
        """How long a reviewer has a task alone."""
        return dt.timedelta(minutes=self.claim_minutes)

    @property
    def enforcement(self) -> dt.timedelta:
        """How soon the platform must have carried a decision out."""
        return dt.timedelta(minutes=self.enforcement_minutes)

    @property
    def waiting(self) -> dt.timedelta:
        """How long an event waits for its post."""
        return dt.timedelta(hours=self.waiting_hours)

    @property
    def appeals(self) -> dt.timedelta:
        """How long a decision can be appealed against."""
        return dt.timedelta(days=self.appeal_days)

    def kept(self, *, long: bool) -> dt.timedelta:
        """How long a case is kept after its last decision."""
        return dt.timedelta(days=self.keep_days if long else self.keep_allowed_days)
