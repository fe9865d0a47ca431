"""What a page of a dashboard is made of. Grafana and the console pages show the same: the pages stand in deploy/ops/pages.py."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

WIDTH = 24
"""Of a row, in Grafana's columns."""


class Kind(enum.Enum):
    """How a panel shows its queries."""

    STAT = "stat"  # the newest value of each, large
    LINES = "lines"  # over time
    TABLE = "table"  # the newest values: a column per query, a row per set of labels


class Unit(enum.Enum):
    """Of a value; the words are Grafana's."""

    COUNT = "short"
    RATE = "reqps"
    SECONDS = "s"
    HOURS = "h"
    SHARE = "percentunit"
    BYTES = "bytes"


@dataclass(frozen=True)
class Limit:
    """From `value` on (with `below`: under it) something is not well."""

    value: float
    below: bool = False


@dataclass(frozen=True)
class Query:
    """An expression and its name, in which `{label}` stands for the label's value. `unit` and `limit` are a table column's own."""

    expr: str
    name: str
    unit: Unit | None = None
    limit: Limit | None = None


@dataclass(frozen=True)
class Panel:
    """One picture. `text` says what it means and what to do; `width` of 24."""

    title: str
    kind: Kind
    unit: Unit
    queries: Sequence[Query]
    text: str
    limit: Limit | None = None
    width: int = 8


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a question."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Page:
    """A dashboard. `name` is its file's and its address."""

    name: str
    title: str
    text: str
    rows: Sequence[Row]

    @property
    def panels(self) -> Iterator[Panel]:
        """All of them, in order."""
        for row in self.rows:
            yield from row.panels


def stat(title: str, unit: Unit, expr: str, text: str, limit: Limit | None = None) -> Panel:
    """One number."""
    return Panel(title, Kind.STAT, unit, (Query(expr, title),), text, limit)


def side_by_side(*panels: Panel) -> tuple[Panel, ...]:
    """Of equal width."""
    return tuple(replace(panel, width=WIDTH // len(panels)) for panel in panels)


def lines(title: str, unit: Unit, text: str, *queries: tuple[str, str], limit: Limit | None = None, width: int = 8) -> Panel:
    """Curves: expression and name of each."""
    return Panel(title, Kind.LINES, unit, tuple(Query(expr, name) for expr, name in queries), text, limit, width)


def table(title: str, text: str, *columns: Query, width: int = WIDTH) -> Panel:
    """Columns that share their labels."""
    return Panel(title, Kind.TABLE, Unit.COUNT, columns, text, width=width)
