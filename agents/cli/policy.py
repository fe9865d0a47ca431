"""`sluice policy check` and `sluice policy explain`."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from agents.cli.common import clear_errors
from agents.cli.names import require_market
from agents.cli.show import counted, say, visible
from agents.settings import load
from pipeline.config import ConfigError, read_toml
from pipeline.policy.check import Level, check_all, check_roster
from pipeline.policy.explain import explain as explained
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from pipeline.policy.roster import Roster
from pipeline.policy.settled import check_settled
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.facts import facts_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at a policy.")

PolicyPath = Annotated[Path | None, typer.Argument(metavar="FILE|DIR", help="A policy, or a folder of its versions [env: SLUICE_POLICY].")]
PolicyOption = Annotated[Path | None, typer.Option("--policy", metavar="FILE|DIR", help="The same [env: SLUICE_POLICY].")]
RegionsFile = Annotated[Path | None, typer.Option("--regions", metavar="FILE", help="Regions file [env: SLUICE_REGIONS].")]
ModelDirectory = Annotated[Path | None, typer.Option("--model", metavar="DIR", help="Model bundle [env: SLUICE_MODEL].")]

STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


@app.command()
def check(policy: PolicyPath = None, regions: RegionsFile = None, model: ModelDirectory = None) -> None:
    """Check that policy, regions and model fit together.

    By default those of the settings. Exit code 1 if there is an error.

    Warnings are things that are probably not meant, such as a language of the model that no region speaks, or one of a rule, a region or
    the roster (SLUICE_ROSTER) that no post has.
    """
    with clear_errors():
        settings = load(policy=policy, regions=regions, model=model)
        policies, found_regions, bundle = read_policies(settings.policy), read_regions(settings.regions), read_bundle(settings.model)
        people = read_toml(settings.roster, Roster)
    facts = facts_of(bundle)
    findings = check_all(policies, found_regions, facts) + check_settled(policies, bundle.settle_below) + check_roster(people)
    for finding in findings:
        say(Text.assemble((f"{finding.level.value}: ", STYLES[finding.level]), visible(finding.text)))
    errors = sum(finding.level is Level.ERROR for finding in findings)
    versions, number = ", ".join(each.id for each in policies.policies), counted(len(found_regions.regions), "region")
    verdict = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    say(f"{versions} with {number} and {bundle.model_version}: {verdict}")
    if errors:
        raise typer.Exit(1)


@app.command()
def explain(  # noqa: PLR0913, PLR0917 - a parameter is an option of the command line
    language: Annotated[str, typer.Option("--language", metavar="TAG", help="BCP 47 tag, such as nl.")],
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="Label of the model.")],
    market: Annotated[str | None, typer.Option("--market", metavar="CODE", help="ISO 3166-1; by default rules for all markets.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of sentences.")] = False,
    policy: PolicyOption = None,
    model: ModelDirectory = None,
) -> None:
    """Say what the machine may do for a label in a language, and why.

    Rules, thresholds, evidence, and what is missing where a person must look instead.

    \b
    Example:
      sluice policy explain --language nl --label hate
    """
    with clear_errors():
        if market is not None:
            require_market(market)
        settings = load(policy=policy, model=model)
        in_force, bundle = read_policies(settings.policy).at(dt.datetime.now(dt.UTC)), read_bundle(settings.model)
        if label not in bundle.labels:
            raise ConfigError(f"command line: --label: allowed are {', '.join(bundle.labels)} (got {label!r})")
        if language not in bundle.languages:
            raise ConfigError(f"command line: --language: the model was made for {', '.join(bundle.languages)} (got {language!r})")
    found = explained(in_force, facts_of(bundle), language, label, market)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    say(f"{found.policy}, {found.model_version}, language {language}, label {label}, " + (f"market {market}" if market else "any market"))
    for sentence in found.sentences:
        say(f"- {sentence}")
