"""When the people of a region are at work: opening hours in their time zone, without their holidays."""

from __future__ import annotations

import datetime as dt
import difflib
import enum
import functools
import re
import zoneinfo
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, PlainValidator

from pipeline.config import ConfigModel

if TYPE_CHECKING:
    from holidays import HolidayBase

LOOK_AHEAD = dt.timedelta(days=366)
"""A region whose holidays leave no shift within a year is taken never to open."""

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
CALENDAR = re.compile(r"[A-Z]{2}(-[A-Za-z0-9]{1,10})?")


class Day(enum.Enum):
    """Days of the week, in the order of datetime.date.weekday()."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


DAYS = tuple(Day)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


def _zone(name: object) -> object:
    """Only names of the database's own list: what else a system may know, such as `localtime`, is not the same on each machine."""
    if isinstance(name, str) and name not in _zones():
        near = next(iter(difflib.get_close_matches(name, _zones(), n=1)), "Europe/Amsterdam")
        raise ValueError(f"names of the IANA time zone database are allowed, such as {near}")
    return name


def _clock(given: object) -> object:
    if not isinstance(given, str) or not CLOCK.fullmatch(given):
        raise ValueError('local times from "00:00" to "23:59" are allowed')
    return given


class Hours(ConfigModel):
    """Local time, `opens` to `closes`, for shifts that begin on `days`; a shift whose `closes` is not after its `opens` ends the next day.

    A time that the clocks skip counts as if they had not been put forward; of one that comes twice the first is meant.
    """

    zone: Annotated[str, BeforeValidator(_zone)]
    days: frozenset[Day] = Field(frozenset(Day), min_length=1)
    opens: Annotated[dt.time, BeforeValidator(_clock)] = Field(alias="from")
    closes: Annotated[dt.time, BeforeValidator(_clock)] = Field(alias="to")

    def shift(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """When the shift that begins on `day` opens and closes, in UTC. Nobody works where the second is not later."""
        zone = zoneinfo.ZoneInfo(self.zone)
        last = day if self.closes > self.opens else day + dt.timedelta(days=1)
        opens = dt.datetime.combine(day, self.opens, zone).astimezone(dt.UTC)
        return opens, dt.datetime.combine(last, self.closes, zone).astimezone(dt.UTC)

    def opens_at(self, at: dt.datetime, holidays: tuple[Holiday, ...]) -> dt.datetime:
        """The earliest time from `at` on at which somebody works; NEVER if that is more than a year away."""
        return next(self._open_from(at, LOOK_AHEAD.days, holidays), NEVER)

    def at_work(self, at: dt.datetime, holidays: tuple[Holiday, ...]) -> bool:
        """Whether somebody works at this time."""
        return at in self._open_from(at, 2, holidays)

    def _open_from(self, at: dt.datetime, days: int, holidays: tuple[Holiday, ...]) -> Iterator[dt.datetime]:
        """The times from `at` on at which somebody comes to work, or `at` itself where somebody works; of the shifts of so many days."""
        first = at.astimezone(zoneinfo.ZoneInfo(self.zone)).date() - dt.timedelta(days=1)  # last night's shift may still be on
        for number in range(days):
            day = first + dt.timedelta(days=number)
            if DAYS[day.weekday()] in self.days:
                opens, closes = self.shift(day)
                if max(opens, at) < closes and not is_holiday(day, holidays):
                    yield max(opens, at)


@functools.cache
def _calendar(code: str) -> HolidayBase:
    """Public holidays of a country, or of a part of it. ValueError where the library knows none."""
    from holidays import country_holidays

    country, _, part = code.partition("-")
    try:
        return country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {code}: give their dates") from error


def _holiday(given: object) -> dt.date | str:
    if isinstance(given, str) and CALENDAR.fullmatch(given):
        _calendar(given)
        return given
    if isinstance(given, dt.date) and not isinstance(given, dt.datetime):
        return given
    raise ValueError('dates such as 2026-12-25, countries such as "NL" and parts of them such as "DE-BY" (ISO 3166) are allowed')


Holiday = Annotated[dt.date | str, PlainValidator(_holiday)]
"""A day on which no shift begins, or the code of a country, or of a part of one, with all its public holidays."""


def is_holiday(day: dt.date, holidays: tuple[Holiday, ...]) -> bool:
    """Whether `day` is one of `holidays`."""
    return any(day in _calendar(each) if isinstance(each, str) else day == each for each in holidays)
