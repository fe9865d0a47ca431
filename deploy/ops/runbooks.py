"""docs/runbooks/README.md: which alert has which page, and who may run its commands. The pages themselves are written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.ops.rules import Alert

FOLDER = Path("docs/runbooks")
ON_CALL, NOBODY, REGION, STAGE = "on-call", "", "review-REGION", "STAGE"
ROLES: Mapping[str, str] = {
    "doctor": ON_CALL,
    "topics check": ON_CALL,
    "tail": ON_CALL,
    "dead-letters list": ON_CALL,
    "dead-letters show": ON_CALL,
    "policy check": NOBODY,
    "policy explain": NOBODY,
    "model check": NOBODY,
    "score": NOBODY,
    "topics rights": NOBODY,
    "topics create": "operator",
    "dead-letters requeue": "repair",
    "review": REGION,
    "worker": STAGE,
}
"""The commands of the pages, and the role of docs/security.md that each needs. `REGION` and `STAGE` are those that it is about."""

REMARKS = {
    ON_CALL: "looks, and changes nothing",
    NOBODY: "asks no Kafka",
    "operator": "makes topics",
    "repair": "for the hours of a repair; also `kafka-consumer-groups.sh --reset-offsets`",
    REGION: "of the region of the task",
    STAGE: "the stage's own role, on the host where it runs",
}
PAGE = """\
# Runbooks

Made from `deploy/ops/alerts.py` and `deploy/ops/runbooks.py` by `python -m deploy.ops`; do not edit.

A page for each alert: what it means, what users feel, the first three commands, what to do, how to undo. The limits stand in
`deploy/objectives.toml`; `flow.least` on a page is the key `least` of its table `[flow]`. `page` wakes somebody, `ticket` can wait for the
morning.

| alert | wakes | page |
|---|---|---|
{alerts}
## Who may run what

Where Kafka asks who you are, a command needs a login with the right [role](../security.md#rights-on-kafka): nearly all of them `on-call`.
Keep a settings file for each login (`SLUICE_CONFIG=on-call.toml sluice doctor`), with its password in a file of its own.

| role | commands | |
|---|---|---|
{roles}"""


def contents(alerts: Iterable[Alert], root: Path) -> str:
    """The page. An alert with several rules stands once."""
    found = {alert.alert: alert for alert in alerts}
    return PAGE.format(
        alerts="".join(f"| `{each.alert}` | {each.severity} | {_link(each, root)} |\n" for each in found.values()),
        roles="".join(f"| {f'`{role}`' if role else 'none'} | {_commands(role)} | {remark} |\n" for role, remark in REMARKS.items()),
    )


def _link(alert: Alert, root: Path) -> str:
    title = (root / FOLDER / f"{alert.runbook}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return f"[{title}]({alert.runbook}.md)"


def _commands(role: str) -> str:
    return ", ".join(f"`sluice {command}`" for command, needed in ROLES.items() if needed == role)
