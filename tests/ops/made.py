"""What deploy/ops makes of the objectives that are committed, for the tests here."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser

from deploy.ops.alerts import alerting
from deploy.ops.objectives import read_objectives
from deploy.ops.pages import pages
from deploy.ops.recording import recording
from deploy.ops.rules import Alert, Record, Windows

GOALS, WINDOWS = read_objectives(), Windows()
PAGES = pages(GOALS, WINDOWS)
RECORDS = [rule for group in recording(GOALS, WINDOWS) for rule in group.rules if isinstance(rule, Record)]
ALERTS = [rule for group in alerting(GOALS, WINDOWS) for rule in group.rules if isinstance(rule, Alert)]
SHOWN = {f"{page.name}: {panel.title}: {query.name}": query.expr for page in PAGES for panel in page.panels for query in panel.queries}
RULES = {**{rule.record: rule.expr for rule in RECORDS}, **{f"{rule.alert} {dict(rule.labels)}": rule.expr for rule in ALERTS}}


def selectors(expr: str) -> Iterator[promql_parser.VectorSelector]:
    """What an expression reads. ValueError if it cannot be parsed."""
    found: list[promql_parser.VectorSelector] = []

    def visit(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.VectorSelector):
            found.append(part)

    promql_parser.walk(promql_parser.parse(expr), visit)
    yield from found


def names(expr: str) -> set[str]:
    """Metrics that an expression reads."""
    return {str(each.name) for each in selectors(expr)}
