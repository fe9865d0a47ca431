"""When people are at work: days, nights, clocks that change, holidays."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.policy.hours import DAYS, LOOK_AHEAD, NEVER, Holiday, Hours
from pipeline.policy.region import Region

AMSTERDAM = zoneinfo.ZoneInfo("Europe/Amsterdam")
WEEK = ["mon", "tue", "wed", "thu", "fri"]


def region(opens: str, closes: str, *, zone: str = "Europe/Amsterdam", days: list[str] | None = None, **given: Any) -> Region:
    hours: dict[str, object] = {"zone": zone, "from": opens, "to": closes}
    if days:
        hours["days"] = days
    return Region.model_validate({"name": "dutch", "languages": ["nl"], "hours": hours, **given})


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("opens", "closes", "days", "at", "opens_at"),
    [
        # Tuesday, 3 November 2026: Amsterdam is an hour ahead.
        ("08:00", "20:00", None, "2026-11-03 07:00", "2026-11-03 07:00"),  # just opened
        ("08:00", "20:00", None, "2026-11-03 06:59", "2026-11-03 07:00"),
        ("08:00", "20:00", None, "2026-11-03 18:59", "2026-11-03 18:59"),
        ("08:00", "20:00", None, "2026-11-03 19:00", "2026-11-04 07:00"),  # just closed
        ("08:00", "20:00", WEEK, "2026-11-06 19:00", "2026-11-09 07:00"),  # over the weekend
        ("00:00", "00:00", None, "2026-11-03 23:00", "2026-11-03 23:00"),  # day and night
        ("09:00", "09:00", ["tue"], "2026-11-04 07:59", "2026-11-04 07:59"),  # from Tuesday 9:00 to Wednesday 9:00
        ("09:00", "09:00", ["tue"], "2026-11-04 08:00", "2026-11-10 08:00"),
        ("22:00", "06:00", None, "2026-11-03 22:00", "2026-11-03 22:00"),  # over midnight
        ("22:00", "06:00", None, "2026-11-04 04:59", "2026-11-04 04:59"),
        ("22:00", "06:00", None, "2026-11-04 05:00", "2026-11-04 21:00"),
        ("22:00", "06:00", ["fri"], "2026-11-07 04:00", "2026-11-07 04:00"),  # Friday's shift, on Saturday
        ("22:00", "06:00", ["fri"], "2026-11-08 04:00", "2026-11-13 21:00"),
        # In the night to Sunday, 28 March 2027, clocks go from 2:00 to 3:00, that is at 1:00 UTC.
        ("08:00", "20:00", None, "2027-03-27 20:00", "2027-03-28 06:00"),  # 11 hours after 20:00, not 12
        ("22:00", "06:00", None, "2027-03-28 03:59", "2027-03-28 03:59"),  # a short night
        ("22:00", "06:00", None, "2027-03-28 04:00", "2027-03-28 20:00"),
        ("02:30", "08:00", None, "2027-03-28 01:29", "2027-03-28 01:30"),  # 2:30 is skipped: as if clocks had not changed, so 3:30
        ("02:30", "03:00", None, "2027-03-28 00:00", "2027-03-29 00:30"),  # the whole shift is skipped
        # In the night to Sunday, 31 October 2027, clocks go from 3:00 to 2:00, that is at 1:00 UTC.
        ("22:00", "06:00", None, "2027-10-31 04:59", "2027-10-31 04:59"),  # a long night
        ("22:00", "06:00", None, "2027-10-31 05:00", "2027-10-31 21:00"),
        ("02:30", "08:00", None, "2027-10-31 00:00", "2027-10-31 00:30"),  # 2:30 comes twice: the first
    ],
)
def test_opening_hours(opens: str, closes: str, days: list[str] | None, at: str, opens_at: str) -> None:
    dutch = region(opens, closes, days=days)
    assert dutch.opens_at(utc(at)) == utc(opens_at)
    assert dutch.is_open(utc(at)) == (at == opens_at)


@pytest.mark.parametrize(
    ("zone", "holidays", "at", "opens_at"),
    [
        ("Europe/Amsterdam", ["NL"], "2026-12-25 09:00", "2026-12-27 07:00"),  # two days of Christmas
        ("Europe/Amsterdam", [dt.date(2026, 12, 25)], "2026-12-25 09:00", "2026-12-26 07:00"),
        ("Europe/Amsterdam", ["NL"], "2027-05-05 09:00", "2027-05-05 09:00"),  # a holiday in other years only
        ("Europe/Berlin", ["DE"], "2027-01-06 09:00", "2027-01-06 09:00"),
        ("Europe/Berlin", ["DE-BY"], "2027-01-06 09:00", "2027-01-07 07:00"),  # Epiphany is one in Bavaria
        ("Asia/Tokyo", ["JP"], "2027-01-01 00:00", "2027-01-01 23:00"),  # opens at 8:00 there, on the 2nd
    ],
)
def test_holidays(zone: str, holidays: list[Holiday], at: str, opens_at: str) -> None:
    assert region("08:00", "20:00", zone=zone, holidays=holidays).opens_at(utc(at)) == utc(opens_at)


def test_a_night_that_begins_before_a_holiday_is_worked_to_its_end() -> None:
    night = region("22:00", "06:00", holidays=[dt.date(2026, 12, 25)])
    assert night.is_open(utc("2026-12-25 04:00"))
    assert night.opens_at(utc("2026-12-25 05:00")) == utc("2026-12-26 21:00")


def test_a_region_whose_holidays_leave_no_day_within_a_year_never_opens() -> None:
    days: list[Holiday] = [dt.date(2026, 11, 1) + dt.timedelta(days=number) for number in range(LOOK_AHEAD.days + 10)]
    assert region("08:00", "20:00", holidays=days).opens_at(utc("2026-11-03 09:00")) == NEVER


def test_a_region_that_closes_for_good_before_its_next_shift_is_not_on_time() -> None:
    dutch = region("08:00", "20:00", closed_since=utc("2026-11-04 07:00"))
    evening, next_day = utc("2026-11-03 20:00"), utc("2026-11-04 20:00")
    assert not dutch.on_time(evening, next_day)
    assert dutch.on_time(evening - dt.timedelta(hours=2), next_day)
    assert not dutch.is_open(utc("2026-11-04 08:00"))


ZONES = ["Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"]
FIRST, LAST = dt.datetime(2010, 1, 1), dt.datetime(2035, 1, 1)  # noqa: DTZ001 - hypothesis adds the time zone
TIMES = st.datetimes(FIRST, LAST, timezones=st.just(dt.UTC))
HOURS = st.builds(
    lambda zone, days, opens, closes: Hours.model_validate(
        {"zone": zone, "days": [day.value for day in days], "from": f"{opens:%H:%M}", "to": f"{closes:%H:%M}"}
    ),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.times(),
    st.times(),
)


@given(hours=HOURS, at=TIMES)
def test_whoever_is_told_to_come_back_then_finds_people_at_work(hours: Hours, at: dt.datetime) -> None:
    opens = hours.opens_at(at, ())
    assert at <= opens <= at + dt.timedelta(days=15)  # 15: a shift of one day a week can fall into what the clocks skip
    assert hours.opens_at(opens, ()) == opens
    if opens > at:
        assert hours.opens_at(opens - dt.timedelta(microseconds=1), ()) == opens


@given(hours=HOURS, at=TIMES)
def test_away_from_changes_of_the_clocks_the_wall_clock_says_who_is_at_work(hours: Hours, at: dt.datetime) -> None:
    zone = zoneinfo.ZoneInfo(hours.zone)
    around = {(at + dt.timedelta(days=days)).astimezone(zone).utcoffset() for days in range(-3, 4)}
    local = at.astimezone(zone)
    minute = local.time().replace(tzinfo=None)
    today, yesterday = (DAYS[(local - dt.timedelta(days=back)).weekday()] in hours.days for back in (0, 1))
    if hours.opens < hours.closes:
        working = today and hours.opens <= minute < hours.closes
    else:
        working = (today and minute >= hours.opens) or (yesterday and minute < hours.closes)
    if len(around) == 1:
        assert (hours.opens_at(at, ()) == at) == working
