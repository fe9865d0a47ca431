"""What a rule is, and how files of rules are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploy.ops.objectives import seconds

HEAD = "# Made from deploy/objectives.toml by `python -m deploy.ops`; do not edit.\n"


@dataclass(frozen=True)
class Windows:
    """The spans over which rates and shares are taken. `scale` shortens all of them alike, for a trial that cannot last for a week."""

    scale: float = 1.0

    def seconds(self, duration: str) -> float:
        """The length of `duration` in this scale."""
        return seconds(duration) * self.scale

    def of(self, duration: str) -> str:
        """`duration` in this scale, in Prometheus' form."""
        return duration if self.scale == 1 else f"{max(1, round(self.seconds(duration) * 1000))}ms"

    @property
    def short(self) -> str:
        """For what is seen at once."""
        return self.of("5m")

    @property
    def quarter(self) -> str:
        """For restarts."""
        return self.of("15m")

    @property
    def hour(self) -> str:
        """For shares of the machine."""
        return self.of("1h")

    @property
    def six(self) -> str:
        """For shares of people."""
        return self.of("6h")

    @property
    def day(self) -> str:
        """For what has nights in it."""
        return self.of("1d")

    @property
    def week(self) -> str:
        """What is usual."""
        return self.of("7d")


@dataclass(frozen=True)
class Record:
    """A recording rule. The name says `labels:metric:what was done`; the windows in names are those of the usual scale."""

    record: str
    expr: str


@dataclass(frozen=True)
class Alert:
    """An alerting rule. `severity`: `page` wakes somebody, `ticket` can wait for the morning. `runbook`: a page of docs/runbooks."""

    alert: str
    expr: str
    severity: str
    summary: str
    runbook: str
    lasting: str = "0s"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, one after the other, each `interval`."""

    name: str
    interval: str
    rules: Sequence[Record | Alert]


def render(groups: Sequence[Group], runbooks: str) -> str:
    """A file of rules for Prometheus."""
    return _file(_content(groups, runbooks))


def resource(groups: Sequence[Group], runbooks: str) -> str:
    """The same for Prometheus' operator."""
    return _file(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "sluice", "labels": {"app.kubernetes.io/name": "sluice"}},
            "spec": _content(groups, runbooks),
        }
    )


def _file(content: Mapping[str, Any]) -> str:
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=1000, allow_unicode=True)


def _content(groups: Sequence[Group], runbooks: str) -> dict[str, Any]:
    return {
        "groups": [
            {"name": group.name, "interval": group.interval, "rules": [_rule(each, runbooks) for each in group.rules]} for group in groups
        ]
    }


def _rule(rule: Record | Alert, runbooks: str) -> dict[str, Any]:
    if isinstance(rule, Record):
        return {"record": rule.record, "expr": rule.expr}
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": rule.lasting,
        "labels": {"severity": rule.severity, **rule.labels},
        "annotations": {"summary": rule.summary, "runbook": f"{runbooks}/{rule.runbook}.md"},
    }
