"""`sluice review`: people decide, in a terminal."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from agents.cli.common import Broker, clear_errors, settings_for
from agents.settings import Settings
from pipeline.config import ConfigError
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from schemas.records import Id

Regions = Annotated[list[str], typer.Option("--region", metavar="NAME", help="A region whose tasks are shown; may stand often.")]
Name = Annotated[str, typer.Option("--reviewer", metavar="ID", help="Your pseudonym, as on the roster.")]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", metavar="TAG", help="A language that you read; may stand often. Without it, all."),
]


def review(region: Regions, reviewer: Name, language: Languages = None, broker: Broker = None) -> None:
    """Decide posts: claim a task, read it, give a verdict.

    Shows the open tasks of your regions, most urgent first. A task that you claim is yours until you decide it, give it back, or
    your time runs out. Texts are hidden until you ask for them. What a post holds cannot touch your terminal. docs/reviewers.md
    explains the screen, and when a verdict takes full effect.

    \b
    Examples:
      sluice review --region dutch --reviewer r-17 --language nl --language en
    """
    from agents.review.app import ReviewApp, Reviewer
    from agents.review.link import Link

    with clear_errors():
        settings = settings_for(broker)
        _check(settings, region, reviewer)
        policies = read_policies(settings.policy)
        link = Link(settings, region)
        link.check()
        app = ReviewApp(link, Reviewer(reviewer, tuple(region), tuple(language or ())), policies)
        app.run()
        if app.failure is not None:
            raise app.failure


def _check(settings: Settings, regions: list[str], reviewer: str) -> None:
    known = [region.name for region in read_regions(settings.regions).regions]
    for name in regions:
        if name not in known:
            raise ConfigError(f"command line: --region: there is no region {name!r}; allowed are {', '.join(known)}")
    try:
        msgspec.convert(reviewer, Id)
    except msgspec.ValidationError:
        raise ConfigError("command line: --reviewer: 1 to 200 of A-Z a-z 0-9 . _ : - are allowed") from None
