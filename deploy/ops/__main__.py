"""Writes what is made here: rules, console pages, dashboards. Part of `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.grafana import build
from deploy.ops import consoles
from deploy.ops.alerts import alerting
from deploy.ops.objectives import Objectives, read_objectives
from deploy.ops.pages import pages
from deploy.ops.recording import recording
from deploy.ops.rules import Windows, render

DEPLOY = Path(__file__).parents[1]


def documents(goals: Objectives, windows: Windows) -> dict[Path, str]:
    """Every file made here: its path from `deploy`, and its content."""
    shown = pages(goals, windows)
    return {
        Path("prometheus/rules/recording.yml"): render(recording(goals, windows), goals.runbooks),
        Path("prometheus/rules/alerts.yml"): render(alerting(goals, windows), goals.runbooks),
        **{Path(f"prometheus/consoles/{page.name}.html"): consoles.render(page, shown) for page in shown},
        **{Path(f"grafana/dashboards/{page.name}.json"): build.render(page) for page in shown},
    }


def main() -> None:
    """The command."""
    for path, content in documents(read_objectives(), Windows()).items():
        (DEPLOY / path).write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote deploy/{path}\n")


if __name__ == "__main__":
    main()
