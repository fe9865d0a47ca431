"""`sluice score`: language and probabilities, without Kafka."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.cli.common import clear_errors, err
from agents.cli.files import STANDARD_INPUT, InputFile, opened
from agents.cli.show import counted, say
from agents.settings import load

Model = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Model bundle [env: SLUICE_MODEL]; by default the one that comes along.")
]


def score(file: InputFile = STANDARD_INPUT, model: Model = None) -> None:
    """Score texts, without Kafka.

    For each line, a JSON object with `text`, one line comes out, in order: language (tag, confidence) and scores, a probability per
    label. `id` and `post_id` are repeated, `language_hint` is weighed, if they are there. A line that is no such object becomes
    {"line", "error"} in its place, and the exit code is 1 at the end.

    \b
    Example:
      echo '{"text": "Wat een prachtige dag"}' | sluice score
    """
    faulty = 0
    with clear_errors(), opened(file) as lines:
        from pipeline.language.identify import Identifier
        from pipeline.scoring.check import load_verified
        from pipeline.scoring.offline import FaultyRow, score_rows

        settings = load(model=model)
        results = score_rows(lines, load_verified(settings.model, settings.scoring_threads), Identifier().identify)
        for result in results:
            faulty += isinstance(result, FaultyRow)
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
            sys.stdout.buffer.flush()
    if faulty:
        say(f"{counted(faulty, 'line')} could not be scored; the output says why", err)
        raise typer.Exit(1)
