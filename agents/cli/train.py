"""`sluice train`: make both tiers of a model from rows."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.common import clear_errors, err
from agents.cli.extras import extra
from agents.cli.show import say
from agents.settings import load
from pipeline.policy.policy import read_policies

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Rows in train/ and benign/, word lists in lexicons/.")]
Out = Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The accurate tier's bundle; the fast one's is `fast` beside it.")]
RecipePath = Annotated[Path | None, typer.Option("--recipe", metavar="FILE", help="Numbers of the training; default: the project's.")]
Start = Annotated[Path | None, typer.Option("--from", metavar="BUNDLE", help="Go on from this accurate tier, in place of the first run.")]
WorkFolder = Annotated[Path, typer.Option("--work", metavar="DIR", help="Where steps leave their results; the same folder goes on.")]
Beside = Annotated[list[Path] | None, typer.Option("--beside", metavar="BUNDLE", help="A bundle to measure too; may stand often.")]
Plots = Annotated[Path, typer.Option("--plots", metavar="DIR", help="Where the cards' plots go.")]
PolicyPath = Annotated[Path | None, typer.Option("--policy", metavar="FILE|DIR", help="Policy of the thresholds [env: SLUICE_POLICY].")]


def train(  # noqa: PLR0913, PLR0917 - a parameter is an option of the command line
    data: Data,
    out: Out,
    recipe: RecipePath = None,
    start: Start = None,
    work: WorkFolder = Path("build/train"),
    beside: Beside = None,
    plots: Plots = Path("build/train/plots"),
    policy: PolicyPath = None,
) -> None:
    """Train the accurate and the fast tier and write their bundles, each with a model card.

    An interrupted training goes on where it stopped: each step leaves its result in the work folder. docs/model/training.md.

    \b
    Example:
      sluice train --data data --out build/models/default
    """
    with clear_errors():
        with extra("train", "sluice train"):
            from pipeline.scoring.training import measure, steps
            from pipeline.scoring.training import recipe as recipes
        in_force = read_policies(load(policy=policy).policy).at(dt.datetime.now(dt.UTC))
        path = recipe or recipes.DEFAULT
        order = steps.Order(data, out, recipes.read_recipe(path), path.read_bytes(), shlex.join(["sluice", *sys.argv[1:]]), start)
        trained = steps.train(order, work, lambda sentence: say(sentence, err))
        measure.cards(trained, out, in_force, beside or [], plots)
        say(f"{out} and {out.parent / 'fast'}: two bundles, trained on {len(trained.rows.train)} rows")
