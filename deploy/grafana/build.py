"""Dashboards for Grafana, of the pages in deploy/ops/pages.py, built with Grafana's own library."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, ReduceDataOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, GraphTresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.ops.panels import Kind, Limit, Page, Panel, Query

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
GOOD, BAD = "green", "red"
ROW_HEIGHT = {Kind.STAT: 4, Kind.LINES: 8, Kind.TABLE: 9}
Builder = stat.Panel | table.Panel | timeseries.Panel


def render(page: Page) -> str:
    """The dashboard's JSON."""
    made = (
        dashboard.Dashboard(page.title)
        .uid(f"sluice-{page.name}")
        .description(page.text)
        .tags(["sluice"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("source").type("prometheus").label("Prometheus"))
        .link(dashboard.DashboardLink("Sluice").type(DashboardLinkType.DASHBOARDS).tags(["sluice"]).keep_time(True))
    )
    for row in page.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(_panel(panel))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _panel(panel: Panel) -> Builder:
    made = {Kind.STAT: _stat, Kind.LINES: _lines, Kind.TABLE: _table}[panel.kind](panel)
    made.title(panel.title).description(panel.text).datasource(SOURCE).span(panel.width).height(ROW_HEIGHT[panel.kind])
    return made


def _stat(panel: Panel) -> Builder:
    made = stat.Panel().unit(panel.unit.value).graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.VALUE)
    made.reduce_options(ReduceDataOptions().calcs(["lastNotNull"])).thresholds(_thresholds(panel.limit))
    return _with_queries(made, panel.queries)


def _lines(panel: Panel) -> Builder:
    made = timeseries.Panel().unit(panel.unit.value).fill_opacity(5)
    if panel.limit:
        dashed = GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        made.thresholds(_thresholds(panel.limit)).thresholds_style(dashed)
    return _with_queries(made, panel.queries)


def _table(panel: Panel) -> Builder:
    """The queries' newest values side by side; columns that no one named (time, what a merge leaves over) are left out."""
    made = table.Panel()
    for place, query in enumerate(panel.queries):
        ref = _ref(place)
        made.with_target(_query(query).instant().format(PromQueryFormat.TABLE).ref_id(ref))
        properties = [DynamicConfigValue("displayName", query.name), DynamicConfigValue("unit", (query.unit or panel.unit).value)]
        if query.limit:
            properties += [
                DynamicConfigValue("thresholds", _thresholds(query.limit).build()),
                DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ]
        made.override_by_name(f"Value #{ref}" if len(panel.queries) > 1 else "Value", properties)
    made.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": {"Time": True, "__name__": True}}))
    return made


def _with_queries(made: stat.Panel | timeseries.Panel, queries: Sequence[Query]) -> Builder:
    for place, query in enumerate(queries):
        made.with_target(_query(query).ref_id(_ref(place)))
    return made


def _query(query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expr).legend_format(re.sub(r"\{(\w+)\}", r"{{\1}}", query.name)).datasource(SOURCE)


def _ref(place: int) -> str:
    return chr(ord("A") + place)


def _thresholds(limit: Limit | None) -> dashboard.ThresholdsConfig:
    """Red from the limit on, or below it."""
    steps = [Threshold(value=None, color=GOOD)]
    if limit:
        first, second = (BAD, GOOD) if limit.below else (GOOD, BAD)
        steps = [Threshold(value=None, color=first), Threshold(value=limit.value, color=second)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
