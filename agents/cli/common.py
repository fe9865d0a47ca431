"""What every command shares: the broker option, settings, and how errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from agents.edge.failures import ExitCode, StopWorker
from agents.settings import Settings, load
from pipeline.config import ConfigError

USAGE = 2
"""Exit code of a wrong command line, as of the parser of the command line."""

OF_THE_COMMAND_LINE = "command line:"
"""How sentences on a wrong command line begin; others are on settings and files that they name."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and SIGINT's number."""

Broker = Annotated[str | None, typer.Option("--broker", metavar="HOST:PORT", help="Kafka's bootstrap servers [env: SLUICE_BROKER]")]

out = Console()
"""Standard output."""

err = Console(stderr=True)
"""For progress and errors, so that standard output can be piped."""


def on_terminal(console: Console) -> bool:
    """Whether somebody reads along. Rich also says so of a file or a pipe, where FORCE_COLOR is set."""
    return console.file.isatty()


class UnreadableFileError(Exception):
    """A file of posts or rows, which only the command line names, cannot be read. The message says which and why."""


@contextmanager
def clear_errors() -> Iterator[None]:
    """A fault that the user can mend is a sentence and an exit code, never a traceback."""
    try:
        yield
    except UnreadableFileError as error:
        _fail(str(error), USAGE)
    except ConfigError as error:
        usage = all(line.startswith(OF_THE_COMMAND_LINE) for line in str(error).splitlines())
        _fail(str(error), USAGE if usage else ExitCode.CONFIG)
    except StopWorker as error:
        _fail(str(error), error.code)


def settings_for(broker: str | None) -> Settings:
    """Settings with the command line's broker."""
    return load(broker=broker)


def _fail(message: str, code: int) -> None:
    err.print(message, style="red", markup=False, highlight=False, soft_wrap=not on_terminal(err))
    sys.exit(code)
