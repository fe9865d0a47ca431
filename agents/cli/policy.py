"""`sluice policy check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from agents.cli.common import clear_errors
from agents.cli.show import counted, say, visible
from agents.settings import load
from pipeline.policy.check import Level, check_all
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from pipeline.policy.settled import check_settled
from pipeline.scoring.bundle import read_bundle

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at a policy.")

PolicyPath = Annotated[Path | None, typer.Argument(metavar="FILE|DIR", help="A policy, or a folder of its versions [env: SLUICE_POLICY].")]
RegionsFile = Annotated[Path | None, typer.Option("--regions", metavar="FILE", help="Regions file [env: SLUICE_REGIONS].")]
ModelDirectory = Annotated[Path | None, typer.Option("--model", metavar="DIR", help="Model bundle [env: SLUICE_MODEL].")]

STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own."""


@app.command()
def check(policy: PolicyPath = None, regions: RegionsFile = None, model: ModelDirectory = None) -> None:
    """Check that policy, regions and model fit together.

    By default those of the settings. Exit code 1 if there is an error.

    Warnings are things that are probably not meant, such as a language of the model that no region speaks.
    """
    with clear_errors():
        settings = load(policy=policy, regions=regions, model=model)
        policies, found_regions, bundle = read_policies(settings.policy), read_regions(settings.regions), read_bundle(settings.model)
    findings = check_all(policies, found_regions, bundle.labels, bundle.languages) + check_settled(policies, bundle.settle_below)
    for finding in findings:
        say(Text.assemble((f"{finding.level.value}: ", STYLES[finding.level]), visible(finding.text)))
    errors = sum(finding.level is Level.ERROR for finding in findings)
    versions, number = ", ".join(each.id for each in policies.policies), counted(len(found_regions.regions), "region")
    verdict = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    say(f"{versions} with {number} and {bundle.model_version}: {verdict}")
    if errors:
        raise typer.Exit(1)
