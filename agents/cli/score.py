"""`sluice score`: language and probabilities, without Kafka."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.cli.common import clear_errors, err
from agents.cli.files import STANDARD_INPUT, InputFile, lines_of, opened
from agents.cli.show import counted, say
from agents.settings import load
from pipeline.config import ConfigError

Model = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Model bundle [env: SLUICE_MODEL]; by default the one that comes along.")
]

OneText = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="This text, instead of a file.")]


def score(file: InputFile = STANDARD_INPUT, model: Model = None, text: OneText = None) -> None:
    """Score texts, without Kafka.

    For each line, a JSON object with `text`, one line comes out, in order: language (tag, confidence) and scores, a probability per
    label, with the version of the model that gave them. `id` and `post_id` are repeated, `language_hint` is weighed, if they are
    there. A line that is no such object becomes {"line", "error"} in its place, and the exit code is 1 at the end.

    \b
    Examples:
      sluice score --text "Wat een prachtige dag"
      echo '{"text": "Wat een prachtige dag"}' | sluice score
    """
    faulty = 0
    with clear_errors(), _input(file, text) as lines:
        from pipeline.language.identify import Identifier
        from pipeline.scoring.check import load_scorer
        from pipeline.scoring.offline import FaultyRow, score_rows

        settings = load(model=model)
        results = score_rows(lines, load_scorer(settings.model, settings.scoring_threads), Identifier().identify)
        for result in results:
            faulty += isinstance(result, FaultyRow)
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
            sys.stdout.buffer.flush()
    if faulty:
        say(f"{counted(faulty, 'line')} could not be scored; the output says why", err)
        raise typer.Exit(1)


@contextmanager
def _input(file: Path, text: str | None) -> Iterator[Iterable[bytes]]:
    """Rows as bytes: the one text, or those of a file."""
    if text is None:
        with opened(file, "texts") as lines:
            yield lines_of(lines)
    elif file != STANDARD_INPUT:
        raise ConfigError("command line: --text: a text or a file, not both")
    else:
        yield [_row(text)]


def _row(text: str) -> bytes:
    try:
        return msgspec.json.encode({"text": text})
    except UnicodeEncodeError as error:  # Python keeps such bytes of a command line as lone surrogates
        raise ConfigError("command line: --text: only UTF-8 is allowed") from error
