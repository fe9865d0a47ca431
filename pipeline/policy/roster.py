"""The people who review: pseudonyms, the regions they work for, the languages they speak. A verdict of anybody else does not count."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from pipeline.config import ConfigError, ConfigModel, read_toml
from pipeline.policy.region import Spoken, speaks
from pipeline.policy.regions import Regions
from schemas import records

SIMULATED = "simulated-"
"""Ids of reviewers who do not exist begin so."""

ReviewerId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]


class Reviewer(ConfigModel):
    """Somebody who reviews for `regions`. `id`: the pseudonym that verdicts carry."""

    id: ReviewerId
    regions: tuple[str, ...] = Field(min_length=1)
    languages: tuple[Spoken, ...] = Field(min_length=1)

    def speaks(self, language: records.Language) -> bool:
        """Whether this person can judge a text in `language`."""
        return speaks(self.languages, language)


class Roster(ConfigModel):
    """Everybody who reviews."""

    reviewers: tuple[Reviewer, ...] = Field(min_length=1)
    _named: dict[str, Reviewer] = PrivateAttr(default_factory=dict)

    def reviewer(self, name: str) -> Reviewer | None:
        """None: nobody of this id is on the roster."""
        return self._named.get(name)

    @property
    def simulated(self) -> list[Reviewer]:
        """Those who do not exist."""
        return [reviewer for reviewer in self.reviewers if reviewer.id.startswith(SIMULATED)]

    @model_validator(mode="after")
    def _once(self) -> Self:
        times = Counter(reviewer.id for reviewer in self.reviewers)
        if twice := sorted(name for name, count in times.items() if count > 1):
            raise ValueError(f"a reviewer's `id` may stand once, {', '.join(twice)} stands more often")
        self._named.update({reviewer.id: reviewer for reviewer in self.reviewers})
        return self


def read_roster(path: Path, regions: Regions) -> Roster:
    """The roster in a file. ConfigError when it does not fit, or names a region that is not among `regions`."""
    roster = read_toml(path, Roster)
    known = ", ".join(region.name for region in regions.regions)
    faults = [
        f"{path}: reviewers[{number}].regions: regions of the regions file are allowed: {known} (got {name!r})"
        for number, reviewer in enumerate(roster.reviewers)
        for name in reviewer.regions
        if regions.by_name(name) is None
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return roster


def lonely(roster: Roster, regions: Regions, at: dt.datetime) -> Iterator[str]:
    """Languages that an open region is to speak and only one person does: whoever decides there, nobody could answer an appeal."""
    wanted = dict.fromkeys(language for region in regions.regions if not region.closed(at) for language in region.languages)
    speakers = Counter(language for reviewer in roster.reviewers for language in set(reviewer.languages))
    yield from (language for language in wanted if speakers[language] == 1)


def unspoken(roster: Roster, regions: Regions, at: dt.datetime) -> Iterator[tuple[str, str]]:
    """Region and language, where the region is to speak it, has not closed, and nobody who works for it does."""
    for region in regions.regions:
        spoken = {language for reviewer in roster.reviewers if region.name in reviewer.regions for language in reviewer.languages}
        if not region.closed(at):
            yield from ((region.name, language) for language in region.languages if language not in spoken)
