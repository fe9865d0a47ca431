"""`sluice review`: people decide, in a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.cli.common import Broker, clear_errors, settings_for
from agents.cli.names import require_language
from agents.cli.show import visible
from agents.settings import Settings
from pipeline.config import ConfigError
from pipeline.policy import roster
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions

Regions = Annotated[
    list[str] | None, typer.Option("--region", metavar="NAME", help="A region whose tasks are shown; may stand often. Without it, yours.")
]
Name = Annotated[str, typer.Option("--reviewer", metavar="ID", help="Your pseudonym, as on the roster.")]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", metavar="TAG", help="Only tasks in this language; may stand often. Without it, all."),
]


def review(reviewer: Name, region: Regions = None, language: Languages = None, broker: Broker = None) -> None:
    """Decide posts: claim a task, read it, give a verdict.

    Shows the open tasks of your regions, most urgent first; who you are and what you read is on the roster (SLUICE_ROSTER). A task that
    you claim is yours until you decide it, give it back, or your time runs out. Texts are hidden until you ask for them. What a
    post holds cannot touch your terminal. docs/reviewers.md explains the screen, and when a verdict takes full effect.

    \b
    Examples:
      sluice review --reviewer simulated-nl-1
      sluice review --reviewer simulated-nl-1 --region dutch --language nl
    """
    from agents.review.app import ReviewApp, Reviewer
    from agents.review.link import Link

    with clear_errors():
        settings = settings_for(broker)
        entry = _on_roster(settings, reviewer, region or [])
        for tag in language or ():
            require_language(tag)
        chosen = tuple(region or entry.regions)
        link = Link(settings, chosen)
        link.check()
        app = ReviewApp(link, Reviewer(reviewer, chosen, entry.languages, tuple(language or ())), read_policies(settings.policy))
        app.run()
        if app.failure is not None:
            raise app.failure


def _on_roster(settings: Settings, name: str, regions: list[str]) -> roster.Reviewer:
    """The reviewer's entry. ConfigError if there is none, or it lacks a region: no verdict would count."""
    entry = roster.read_roster(settings.roster, read_regions(settings.regions)).reviewer(name)
    if entry is None:
        raise ConfigError(f"command line: --reviewer: {visible(name)} is not on the roster {settings.roster}, so no verdict would count")
    for region in regions:
        if region not in entry.regions:
            raise ConfigError(f"command line: --region: {name} reviews for {', '.join(entry.regions)} (got {region!r})")
    return entry
