"""One review region: what its people speak, where they sit, when they work, how much they can take, and until when it exists."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.config import ConfigModel, UtcTime
from pipeline.language.languages import hinted
from pipeline.policy.hours import Holiday, Hours
from pipeline.policy.rules import Language, Market
from schemas import records
from schemas.topics import REGION_PATTERN

NOTHING_LINGUISTIC = "und"
OTHER_LANGUAGE = "other"

URGENT, HIGH, NORMAL = 80, 60, 30
"""Least priority of the bands; what is below the last is low."""

LONGEST_LEVEL = 24 * 30
"""Hours."""


def _region_name(name: str) -> str:
    if len(name) > 64 or not REGION_PATTERN.fullmatch(name):
        raise ValueError("at most 64 lower-case letters, digits and single hyphens between them are allowed")
    return name


def _spoken(language: str) -> str:
    if language in {NOTHING_LINGUISTIC, OTHER_LANGUAGE}:
        raise ValueError("languages that people speak are allowed, as BCP 47 tags")
    return language


def _location(word: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,8}", word):
        raise ValueError('a word of 2 to 8 capital letters is allowed, such as "EU"')
    return word


RegionName = Annotated[str, AfterValidator(_region_name)]
Spoken = Annotated[Language, AfterValidator(_spoken)]
Location = Annotated[str, AfterValidator(_location)]
LevelHours = Annotated[float, Field(gt=0, le=LONGEST_LEVEL, allow_inf_nan=False)]


def speaks(spoken: Collection[str], language: records.Language) -> bool:
    """Whether somebody who speaks `spoken` can judge a text: its language, or one that it cannot be told apart from, is among them.

    The best guess counts, however unsure: people who speak it can tell at once whether it is right. `other` is spoken by nobody; where
    there is nothing to speak (`und`) everybody can judge.
    """
    return language.tag == NOTHING_LINGUISTIC or language.tag in spoken or any(tag in spoken for tag in language.alternatives)


def carried(tag: str) -> str:
    """The tag that posts have whose language people call `tag`, in BCP 47: of the closed set, such as `pt` for `pt-BR`; of another
    language the tag without region and script, so that it still finds those who speak it. A tag that names none is OTHER_LANGUAGE.
    """
    language = hinted(tag)
    if language != OTHER_LANGUAGE:
        return language or OTHER_LANGUAGE
    return tag.replace("_", "-").partition("-")[0].lower()


def band(priority: float) -> int:
    """Of a priority, 0 to 100: 0 low, 1 normal, 2 high, 3 urgent."""
    return sum(priority >= least for least in (NORMAL, HIGH, URGENT))


class Levels(ConfigModel):
    """Within how many hours a task is decided, by its priority."""

    urgent: LevelHours = 4
    high: LevelHours = 12
    normal: LevelHours = 24
    low: LevelHours = 72

    def hours(self, priority: float) -> float:
        """For a task of this priority, 0 to 100."""
        return (self.low, self.normal, self.high, self.urgent)[band(priority)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.urgent <= self.high <= self.normal <= self.low:
            raise ValueError("`urgent`, `high`, `normal` and `low` must each be at least the one before")
        return self


class Region(ConfigModel):
    """A team of reviewers. Without `hours` it is always at work, without `capacity` it is never full.

    `default`: it gets what no other region serves. `capacity`: open tasks at most. `fallback`: regions to try first in its place.
    """

    name: RegionName
    languages: tuple[Spoken, ...] = Field(min_length=1)
    markets: tuple[Market, ...] = ()
    location: Location | None = None
    hours: Hours | None = None
    holidays: tuple[Holiday, ...] = ()
    capacity: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    levels: Levels = Levels()
    fallback: tuple[str, ...] = ()
    closed_since: UtcTime | None = None
    default: bool = False

    def speaks(self, language: records.Language) -> bool:
        """Whether people here can judge a text in `language`."""
        return speaks(self.languages, language)

    def serves(self, market: str) -> bool:
        """Whether posts of this market belong here."""
        return market in self.markets

    def closed(self, at: dt.datetime) -> bool:
        """Whether it has closed for good."""
        return self.closed_since is not None and self.closed_since <= at

    def opens_at(self, at: dt.datetime) -> dt.datetime:
        """`at` itself when people are at work then, else the start of the next shift. Closing for good is not looked at."""
        return self.hours.opens_at(at, self.holidays) if self.hours else at

    def is_open(self, at: dt.datetime) -> bool:
        """Whether people are at work."""
        return not self.closed(at) and (self.hours is None or self.hours.at_work(at, self.holidays))

    def on_time(self, at: dt.datetime, due_at: dt.datetime) -> bool:
        """Whether people are at work at some time from `at` on, before `due_at` and before it closes for good."""
        opens = self.opens_at(at)
        return opens < due_at and not self.closed(opens)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.holidays and self.hours is None:
            raise ValueError("`holidays` need `hours`: without them a region is always at work")
        if self.name in self.fallback:
            raise ValueError("`fallback` names the region itself; other regions are allowed")
        return self
