"""docs/runbooks/README.md: which alert has which page. The pages themselves are written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deploy.ops.rules import Alert

FOLDER = Path("docs/runbooks")
PAGE = """\
# Runbooks

Made from `deploy/ops/alerts.py` by `python -m deploy.ops`; do not edit.

A page for each alert: what it means, what users feel, the first three commands, what to do, how to undo. The limits stand in
`deploy/objectives.toml`; `flow.least` on a page is the key `least` of its table `[flow]`. `page` wakes somebody, `ticket` can wait for the
morning.

| alert | wakes | page |
|---|---|---|
{rows}"""


def contents(alerts: Iterable[Alert], root: Path) -> str:
    """The page. An alert with several rules stands once."""
    found = {alert.alert: alert for alert in alerts}
    return PAGE.format(rows="".join(f"| `{each.alert}` | {each.severity} | {_link(each, root)} |\n" for each in found.values()))


def _link(alert: Alert, root: Path) -> str:
    title = (root / FOLDER / f"{alert.runbook}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return f"[{title}]({alert.runbook}.md)"
