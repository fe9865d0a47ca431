"""Every expression of rules, dashboards and console pages reads metrics that exist, and every metric that exists is read."""

from __future__ import annotations

import pytest
from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from agents.series import declared, most_of, sizes
from agents.settings import Settings
from tests.ops.made import ALERTS, RECORDS, RULES, SHOWN, names, selectors

EXPRESSIONS = {**RULES, **SHOWN}
FOREIGN = {"ALERTS", "up", "scrape_samples_scraped", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
"""Of Prometheus itself and of prometheus-client."""

UNUSED: dict[str, str] = {}
"""Metrics that no expression reads, and why not."""

HEAVY = 40
"""Series per process from which on dashboards read a recorded sum: 100 workers of four stages have 400 times as many."""

SELDOM = {
    "sluice_tasks_answered_total", "sluice_cases_asked_total", "sluice_verdicts_total", "sluice_cannot_judge_total", "sluice_refused_total",
}  # fmt: skip
"""Of the few processes of the cases stage, and of few values in traffic."""


def family(metric: MetricWrapperBase) -> str:
    """The name under which it is documented."""
    (described,) = metric.describe()
    return f"{described.name}_total" if described.type == "counter" else str(described.name)


METRICS = {
    name: metric
    for metric in declared()
    for name in ([f"{family(metric)}{end}" for end in ("_bucket", "_sum", "_count")] if isinstance(metric, Histogram) else [family(metric)])
}
RECORDED = {rule.record for rule in RECORDS}


@pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_it_reads_what_exists(expr: str) -> None:
    for selector in selectors(expr):
        name = str(selector.name)
        assert name in METRICS or name in RECORDED or name in FOREIGN
        if name in METRICS:
            given = {matcher.name for matcher in selector.matchers.matchers}
            assert given <= {*METRICS[name]._labelnames, "le"}, f"{name} has no label {given}"


def test_every_metric_is_read_or_has_a_reason_not_to_be() -> None:
    read = {family(METRICS[name]) for expr in EXPRESSIONS.values() for name in names(expr) if name in METRICS}
    assert {family(metric) for metric in declared()} - read == UNUSED.keys()


def test_every_recorded_series_is_read() -> None:
    assert {name for expr in EXPRESSIONS.values() for name in names(expr)} >= RECORDED


def test_rules_follow_each_other_in_the_order_in_which_they_need_each_other() -> None:
    before: set[str] = set()
    for rule in RECORDS:
        assert names(rule.expr) & RECORDED <= before, rule.record
        before.add(rule.record)


@pytest.mark.parametrize("expr", [*SHOWN.values(), *(alert.expr for alert in ALERTS)], ids=[*SHOWN, *(alert.alert for alert in ALERTS)])
def test_dashboards_and_alerts_stay_fast_with_many_workers(expr: str) -> None:
    values = sizes(Settings.model_construct())
    for name in names(expr) & METRICS.keys():
        metric = METRICS[name]
        assert most_of(metric, values) <= HEAVY or metric._type == "gauge" or name in SELDOM, f"{name}: read a recorded sum of it instead"
