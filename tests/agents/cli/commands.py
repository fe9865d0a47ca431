"""Runs a command of `sluice` as a person would, within this process."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from agents.cli.main import application

APP = application()


def sluice(*arguments: str, stdin: str | bytes | None = None, **settings: object) -> Result:
    """The command's result; `settings` are given in the environment. An exception that reaches the user fails the test."""
    environment = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
    result = CliRunner().invoke(APP, list(arguments), input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
