"""Writes what is made here: rules, console pages, dashboards, the list of runbooks. Part of `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.grafana import build
from deploy.ops import consoles, runbooks
from deploy.ops.alerts import alerting
from deploy.ops.objectives import Objectives, read_objectives
from deploy.ops.pages import pages
from deploy.ops.recording import recording
from deploy.ops.rules import Alert, Windows, render, resource

ROOT = Path(__file__).parents[2]
RULES, CONSOLES, DASHBOARDS = Path("deploy/prometheus/rules"), Path("deploy/prometheus/consoles"), Path("deploy/grafana/dashboards")
KUBERNETES = Path("deploy/kubernetes/prometheus")


def documents(goals: Objectives, windows: Windows) -> dict[Path, str]:
    """Every file made here: its path from the repository's root, and its content."""
    shown, recorded, groups = pages(goals, windows), recording(goals, windows), alerting(goals, windows)
    alerts = [rule for group in groups for rule in group.rules if isinstance(rule, Alert)]
    return {
        RULES / "recording.yml": render(recorded, goals.runbooks),
        RULES / "alerts.yml": render(groups, goals.runbooks),
        KUBERNETES / "rules.yaml": resource([*recorded, *groups], goals.runbooks),
        **{CONSOLES / f"{page.name}.html": consoles.render(page, shown) for page in shown},
        **{DASHBOARDS / f"{page.name}.json": build.render(page) for page in shown},
        runbooks.FOLDER / "README.md": runbooks.contents(alerts, ROOT),
    }


def main() -> None:
    """The command."""
    for path, content in documents(read_objectives(), Windows()).items():
        (ROOT / path).write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
