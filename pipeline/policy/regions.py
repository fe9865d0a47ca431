"""All review regions, who may see which posts, and which region gets one. docs/regions.md explains the file."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, PrivateAttr, model_validator

from pipeline.config import ConfigModel, read_toml
from pipeline.policy.region import NOTHING_LINGUISTIC, Location, Region
from pipeline.policy.rules import Market
from schemas import records

MAX_CACHED_SCOPES = 10_000
"""Languages in markets whose order of regions is kept at hand: a bound if a producer invents markets."""


class Staff(NamedTuple):
    """Regions in which somebody is left who may decide: at all, and who speaks the language of the post."""

    at_all: frozenset[str]
    speaking: frozenset[str]


class Need(NamedTuple):
    """Somebody must look at a post by `due_at`. `tried`: regions that had the task before, oldest first. `staff`: None where everybody
    may decide, so that regions are taken at their word.
    """

    language: records.Language
    market: str
    at: dt.datetime
    due_at: dt.datetime
    tried: tuple[str, ...] = ()
    staff: Staff | None = None


class Placement(NamedTuple):
    """The region that gets a task.

    `out_of_language`: nobody there is known to speak it. `over_capacity`: every region that could have taken it is full, or is not at
    work before it is due. `nobody_left`: nobody who may see the post may decide it, so it waits where it belongs.
    """

    region: str
    out_of_language: bool
    over_capacity: bool
    nobody_left: bool = False


class _Routes(NamedTuple):
    """Regions that may see the posts of a language and market, closed ones included, in the order in which they are asked.

    `others` are asked when no speaker is left; all of these are speakers where there is nothing to speak.
    """

    home: Region
    speakers: tuple[Region, ...]
    others: tuple[Region, ...]


class DataRule(ConfigModel):
    """Posts of `markets` may only be seen by people at `locations`."""

    markets: tuple[Market, ...] = Field(min_length=1)
    locations: tuple[Location, ...] = Field(min_length=1)


class Regions(ConfigModel):
    """All regions. Where several would do, the first in the file gets the post."""

    regions: tuple[Region, ...] = Field(min_length=1)
    data: tuple[DataRule, ...] = ()
    _named: dict[str, Region] = PrivateAttr(default_factory=dict)
    _allowed: dict[str, frozenset[str]] = PrivateAttr(default_factory=dict)
    _found: dict[tuple[str, tuple[str, ...], str], _Routes] = PrivateAttr(default_factory=dict)

    @property
    def default(self) -> Region:
        """The one marked so, else the first that never closes."""
        return next((region for region in self.regions if region.default), None) or self.staying[0]

    @property
    def staying(self) -> list[Region]:
        """Those without a time at which they close."""
        return [region for region in self.regions if region.closed_since is None]

    def by_name(self, name: str) -> Region | None:
        """None: there is no such region."""
        return self._named.get(name)

    def closed(self, name: str, at: dt.datetime) -> bool:
        """Whether nobody will look at what is in this region: it has closed for good, or is no longer in the file."""
        region = self.by_name(name)
        return region is None or region.closed(at)

    def may_see(self, region: Region, market: str) -> bool:
        """Whether people of `region` may see posts of `market`."""
        allowed = self._allowed.get(market)
        return allowed is None or region.location in allowed

    def due_at(self, region: str, priority: float, at: dt.datetime) -> dt.datetime:
        """When a task of this priority, asked for at `at`, is due by the service level of `region`. KeyError: there is no such region."""
        return at + dt.timedelta(hours=self._named[region].levels.hours(priority))

    def home(self, language: records.Language, market: str) -> Region:
        """Where such a post belongs while all regions are open and idle, whether this one still is or not.

        Speaks the language and serves the market; else speaks it; else serves the market; else the default. None that may not see it.
        """
        return self._routes(language, market).home

    def place(self, need: Need, open_tasks: Callable[[str], float]) -> Placement:
        """Where the task goes; `open_tasks` says how many are open in a region. Never a region that has closed or may not see the post.

        A region that speaks the language gets it, even a full one, as long as there is any: a queue of people who understand a post
        beats people who do not. docs/regions.md states the order.
        """
        routes = self._routes(need.language, need.market)
        speakers = [region for region in routes.speakers if not region.closed(need.at)]
        staffed, speaking = self._staffed(routes, need)
        order = staffed or speakers or [region for region in routes.others if not region.closed(need.at)]
        region, over_capacity = _pick(order, need, open_tasks)
        understood = speaking if staffed else bool(speakers)
        mute = not understood and need.language.tag != NOTHING_LINGUISTIC
        return Placement(region.name, mute, over_capacity, nobody_left=need.staff is not None and not staffed)

    def _staffed(self, routes: _Routes, need: Need) -> tuple[list[Region], bool]:
        """Regions in which somebody is left to decide, and whether they speak the language there.

        Those that are there for the language come first, then any with a person who speaks it, then any with a person.
        """
        if need.staff is None:
            return [], False
        everywhere = [region for region in self.regions if self.may_see(region, need.market)]
        known = _once([*routes.speakers, *routes.others, *everywhere], everywhere)
        for regions, names in ((routes.speakers, need.staff.speaking), (known, need.staff.speaking), (known, need.staff.at_all)):
            if found := [region for region in regions if region.name in names and not region.closed(need.at)]:
                return found, names is need.staff.speaking
        return [], False

    def _routes(self, language: records.Language, market: str) -> _Routes:
        scope = language.tag, language.alternatives, market
        found = self._found.get(scope)
        if found is None:
            if len(self._found) >= MAX_CACHED_SCOPES:
                self._found.clear()
            found = self._found[scope] = self._find(language, market)
        return found

    def _find(self, language: records.Language, market: str) -> _Routes:
        allowed = [region for region in self.regions if self.may_see(region, market)]
        speakers = [] if language.tag == NOTHING_LINGUISTIC else [region for region in allowed if region.speaks(language)]
        # The default never closes, so with it nobody else is needed. Where it may not see the posts, `_left_alone` has found somebody.
        last = [self.default] if self.may_see(self.default, market) else allowed
        near = [*(region for region in allowed if region.serves(market)), *last]
        wanted = [*(region for region in speakers if region.serves(market)), *speakers]
        home = (wanted or near)[0]
        preferred = [home, *(self._named[name] for name in home.fallback)]
        return _Routes(home, _once([*preferred, *wanted], speakers), _once([*preferred, *near], allowed))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._named.update({region.name: region for region in self.regions})
        self._allowed.update({market: frozenset(rule.locations) for rule in self.data for market in rule.markets})
        for fault in self._faults():
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        if twice := _twice(region.name for region in self.regions):
            yield f"a region's `name` may stand once, {', '.join(twice)} stands more often"
        defaults = [region.name for region in self.regions if region.default]
        if len(defaults) > 1:
            yield f"only one region may have `default = true`, {', '.join(defaults)} have it"
        for region in self.regions:
            for name in region.fallback:
                if name not in self._named:
                    yield f"`fallback` of {region.name!r} names {name!r}; allowed are {', '.join(sorted(set(self._named) - {region.name}))}"
        if twice := _twice(market for rule in self.data for market in rule.markets):
            yield f"a market may stand in one of `data`, {', '.join(twice)} stands in more"
        yield from self._left_alone()

    def _left_alone(self) -> Iterator[str]:
        """What nobody would look at once every region has closed that is going to: then there would be no place for a task."""
        if not self.staying:
            yield "every region has `closed_since`; at least one must stay open"
        elif self.default.closed_since:
            yield f"{self.default.name!r} has `default = true` and `closed_since`; the default must be a region that stays open"
        for market, locations in sorted(self._allowed.items()):
            if not any(self.may_see(region, market) for region in self.staying):
                yield (
                    f"`data` lets only people in {', '.join(sorted(locations))} see posts of {market}, "
                    "and no region there stays open (its `location`, without `closed_since`)"
                )


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _once(regions: Iterable[Region], among: Iterable[Region]) -> tuple[Region, ...]:
    """Those that are `among` others, each once, in their order."""
    names = {region.name for region in among}
    return tuple({region.name: region for region in regions if region.name in names}.values())


def _pick(order: Sequence[Region], need: Need, open_tasks: Callable[[str], float]) -> tuple[Region, bool]:
    """The first that can take the task: one that did not have it before, else the one that had it longest ago.

    Where none can, the one with the shortest queue for its capacity, of those that are equal in this the one that is at work first; and
    True.
    """
    load = {region.name: open_tasks(region.name) / region.capacity if region.capacity else 0.0 for region in order}
    last_try = {name: number for number, name in enumerate(need.tried, 1)}
    for region in sorted(order, key=lambda region: last_try.get(region.name, 0)):
        if load[region.name] < 1 and region.on_time(need.at, need.due_at):
            return region, False
    return min(order, key=lambda region: (load[region.name], region.opens_at(need.at))), True


def read_regions(path: Path) -> Regions:
    """The regions of a file. ConfigError when it does not fit."""
    return read_toml(path, Regions)
