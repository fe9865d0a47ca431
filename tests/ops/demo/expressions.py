"""Every expression of rules, dashboards and console pages, asked of the Prometheus that is running."""

from __future__ import annotations

from rich.console import Console

from agents.series import most
from agents.settings import Settings
from deploy.ops.objectives import Objectives
from deploy.ops.pages import pages
from deploy.ops.recording import recording
from deploy.ops.rules import Record, Windows
from tests.ops.demo.watch import Watch

EMPTY_WHEN_ALL_IS_WELL = (
    "Firing", "Dead letters and stage errors", "Why records are dead letters", "Spoken by no region", "Restarts", "Handed on", "Refused",
    "Waited in vain, and erased", "Moved to their partition", "Overturned", "Open, by language",
)  # fmt: skip
"""Panels that show only what is not as it should be, or what nobody in the town does."""


def examine(watch: Watch, goals: Objectives, windows: Windows, out: Console) -> bool:
    """Whether none errs, and none is empty that has something to show."""
    asked = {
        **{f"{page.name}: {panel.title}: {query.name}": query.expr for page in pages(goals, windows) for panel in page.panels
           for query in panel.queries if panel.title not in EMPTY_WHEN_ALL_IS_WELL},
        **{rule.record: rule.expr for group in recording(goals, windows) for rule in group.rules if isinstance(rule, Record)},
    }  # fmt: skip
    empty = [place for place, expr in asked.items() if not watch.ask(expr)]
    out.print(f"{len(asked)} expressions asked, none errs; empty: {', '.join(empty) or 'none'}")
    counted = {each["metric"]["instance"]: float(each["value"][1]) for each in watch.ask('scrape_samples_scraped{job="sluice"}')}
    out.print(f"series per process: {', '.join(f'{series:.0f}' for series in sorted(counted.values()))}")
    return not empty and max(counted.values()) <= max(most(stage, Settings.model_construct()) for stage in ("routing", "cases"))
