"""`sluice doctor`."""

from __future__ import annotations

import datetime as dt

import typer
from rich.table import Table
from rich.text import Text

from agents.cli.common import Broker, clear_errors, on_terminal, out, settings_for
from agents.cli.show import say, visible
from agents.doctor import Finding, Level, examine

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
NAME_WIDTH = 15


def doctor(broker: Broker = None) -> None:
    """Check that everything is there and runs.

    Model, policy, regions, broker, topics and their settings, the stages and how far behind they are, dead letters of the last hour:
    a line for each, with what to do about it. OK: as it should be. WARN: somebody should look. FAIL: the pipeline does not work, or
    not as promised; then the exit code is 1.
    """
    worst_is_fail = False
    with clear_errors():
        for finding in examine(settings_for(broker), dt.datetime.now(dt.UTC)):
            _show(finding)
            worst_is_fail |= finding.level is Level.FAIL
    if worst_is_fail:
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    level, sentence = Text(f"{finding.level.value:5}", STYLES[finding.level]), Text(visible(finding.sentence))
    if not on_terminal(out):
        say(Text.assemble(level, f" {finding.name:{NAME_WIDTH}} ", sentence))
        return
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(width=len(level))
    row.add_column(width=NAME_WIDTH)
    row.add_column(overflow="fold")
    row.add_row(level, finding.name, sentence)
    out.print(row)
