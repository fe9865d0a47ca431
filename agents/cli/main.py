"""The command `sluice`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from agents.cli import (
    calibrate,
    dead_letters,
    demo,
    doctor,
    erase,
    evaluate,
    model,
    policy,
    publish,
    review,
    score,
    statements,
    tail,
    topics,
    train,
    worker,
)
from agents.cli.common import out

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Moderate posts that flow through Kafka: nothing lost, every decision explained, people where the machine should not decide.",
)
app.command()(demo.demo)
app.command()(worker.worker)
app.add_typer(topics.app, name="topics")
app.command()(publish.publish)
app.command()(tail.tail)
app.command()(review.review)
app.command()(score.score)
app.command()(evaluate.evaluate)
app.command()(calibrate.calibrate)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(erase.erase)
app.add_typer(model.app, name="model")
app.add_typer(policy.app, name="policy")
app.add_typer(statements.app, name="statements")
app.command()(doctor.doctor)
app.command()(train.train)


def _show_version(asked: bool) -> None:
    if asked:
        out.print(f"sluice {version('sluice-moderation')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Options of `sluice` itself."""


def main() -> None:
    """Entry point."""
    app()
