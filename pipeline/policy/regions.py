"""Review regions: who speaks what and serves which markets, and which of them gets a post."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.config import ConfigModel, read_toml
from pipeline.policy.rules import Language, Market
from schemas import records
from schemas.topics import REGION_PATTERN

NOTHING_LINGUISTIC = "und"
OTHER_LANGUAGE = "other"


class Choice(NamedTuple):
    """The region that gets a post; `out_of_language`: nobody there is known to speak its language."""

    region: str
    out_of_language: bool


def _region_name(name: str) -> str:
    if len(name) > 64 or not REGION_PATTERN.fullmatch(name):
        raise ValueError("at most 64 lower-case letters, digits and single hyphens between them are allowed")
    return name


def _spoken(language: str) -> str:
    if language in {NOTHING_LINGUISTIC, OTHER_LANGUAGE}:
        raise ValueError("languages that people speak are allowed, as BCP 47 tags")
    return language


class Region(ConfigModel):
    """A team of reviewers. `default`: it gets what no other region serves."""

    name: Annotated[str, AfterValidator(_region_name)]
    languages: tuple[Annotated[Language, AfterValidator(_spoken)], ...] = Field(min_length=1)
    markets: tuple[Market, ...] = ()
    default: bool = False


class Regions(ConfigModel):
    """All regions. Where several would do, the first in the file gets the post."""

    regions: tuple[Region, ...] = Field(min_length=1)

    @property
    def default(self) -> Region:
        """The one marked so, else the first."""
        return next((region for region in self.regions if region.default), self.regions[0])

    def choose(self, language: records.Language, market: str) -> Choice:
        """Speaks the language (or one it cannot be told apart from) and serves the market; else speaks it; else serves the market.

        The best guess counts, however unsure: people who speak it can tell at once whether it is right. `other` is spoken by nobody, so it
        is out of language everywhere. A post without any language (`und`) goes by its market and is out of language nowhere.
        """
        tags = {language.tag, *language.alternatives}

        def speaks(region: Region) -> bool:
            return not tags.isdisjoint(region.languages)

        def serves(region: Region) -> bool:
            return market in region.markets

        found = self._first(lambda region: speaks(region) and serves(region)) or self._first(speaks)
        if found:
            return Choice(found.name, out_of_language=False)
        found = self._first(serves) or self.default
        return Choice(found.name, out_of_language=language.tag != NOTHING_LINGUISTIC)

    def _first(self, fits: Callable[[Region], bool]) -> Region | None:
        return next((region for region in self.regions if fits(region)), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = sorted(name for name, times in Counter(region.name for region in self.regions).items() if times > 1)
        if twice:
            raise ValueError(f"a region's `name` may stand once, {', '.join(twice)} stands more often")
        defaults = [region.name for region in self.regions if region.default]
        if len(defaults) > 1:
            raise ValueError(f"only one region may have `default = true`, {', '.join(defaults)} have it")
        return self


def read_regions(path: Path) -> Regions:
    """The regions of a file. ConfigError when it does not fit."""
    return read_toml(path, Regions)
