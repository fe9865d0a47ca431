"""`sluice model check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from agents.cli.common import clear_errors, err
from agents.cli.show import say, table, visible

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at a model bundle.")

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with bundle.toml, model.onnx and tokenizer.json.")]


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own."""


@app.command()
def check(directory: Directory) -> None:
    """Check a bundle before it is used.

    Description, hashes, that every text gets scores, golden scores, and that scores do not depend on the others in a batch.

    Also for what `optimum` exports for sequence classification, once a bundle.toml is beside it. Exit code 1 if it is refused.
    """
    with clear_errors():
        from pipeline.scoring.check import check as findings_of

        findings = findings_of(directory)
    verdicts = {True: Text("ok", "green"), False: Text("refused", "red")}
    table(("check", "", "finding"), [(finding.name, verdicts[finding.ok], visible(finding.sentence)) for finding in findings])
    if not all(finding.ok for finding in findings):
        say(f"{directory} is refused: a worker would not start with it, or its scores could not be relied on", err)
        raise typer.Exit(1)
