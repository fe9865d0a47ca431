"""How many series a process can have: every label has a bound, and Prometheus refuses more than the documented number."""

from __future__ import annotations

import yaml

from agents.series import SERVED, WORKER, declared, most, sizes
from agents.settings import Settings
from pipeline.flow import STAGES
from tests.support.java import ROOT

DEFAULTS = Settings.model_construct()


def test_every_metric_with_labels_belongs_to_a_process_and_every_label_has_a_bound() -> None:
    labelled = {metric for metric in declared() if metric._labelnames}
    assert {metric for metrics in SERVED.values() for metric in metrics} == labelled
    assert {label for metric in labelled for label in metric._labelnames} == sizes(DEFAULTS).keys()


def test_the_cost_of_a_worker_is_bounded() -> None:
    cost = {process: most(process, DEFAULTS) for process in (*STAGES, WORKER)}
    limits = {"language": 300, "scoring": 1_000, "routing": 7_000, "cases": 12_000, WORKER: 100}
    assert all(cost[process] <= limits[process] for process in cost), cost


def test_prometheus_refuses_a_process_that_has_more_than_it_can_have() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert max(most(process, DEFAULTS) for process in STAGES) < job["sample_limit"] < 2 * max(most(process, DEFAULTS) for process in STAGES)
