"""The command `sluice`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from agents.cli.common import out

COMMANDS = (
    *("demo", "worker", "topics", "publish", "tail", "review", "score", "evaluate", "calibrate", "dead-letters", "erase", "model"),
    *("policy", "statements", "doctor", "train"),
)
"""As the help lists them. Each is a module of this package: with a Typer `app`, or with a function of its name."""


def application(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """`sluice` with these of its commands, whose modules are imported."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Moderate posts that flow through Kafka: nothing lost, every decision explained, people where the machine should not decide.",
    )
    app.callback()(_options)
    for name in commands:
        attribute = name.replace("-", "_")
        module = importlib.import_module(f"agents.cli.{attribute}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command()(getattr(module, attribute))
    return app


def _show_version(asked: bool) -> None:
    if asked:
        out.print(f"sluice {version('sluice-moderation')}", highlight=False)
        raise typer.Exit


def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Options of `sluice` itself."""


def main() -> None:
    """Entry point. Where the command comes first, as it does but for options of `sluice` itself, the others are not imported."""
    named = [name for name in sys.argv[1:2] if name in COMMANDS]
    application(named or COMMANDS)()
