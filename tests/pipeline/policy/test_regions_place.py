"""Which region gets a task when some are closed, full or not at work, had it before, or may not see it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.policy.regions import Need, Regions
from schemas.records import Language

NOW = dt.datetime(2026, 11, 3, 22, tzinfo=dt.UTC)
"""A Tuesday; 23:00 in Amsterdam."""

HOUR = dt.timedelta(hours=1)
DAY = {"zone": "Europe/Amsterdam", "from": "08:00", "to": "20:00"}
"""Opens nine hours after NOW."""


def region(name: str, languages: str, markets: str = "", **given: Any) -> dict[str, Any]:
    return {"name": name, "languages": languages.split(), "markets": markets.split(), **given}


HOUSE = (
    region("dutch", "nl", "NL BE", location="EU", capacity=100, fallback=["flemish", "german"]),
    region("english", "en", "GB", location="EU", capacity=100, default=True),
    region("surinam", "nl", "SR", location="SR", capacity=100),
    region("flemish", "nl fr", "BE", location="EU", capacity=50),
    region("german", "de", "DE", location="EU", capacity=100, hours=DAY),
    region("asia", "id en", "SG ID", location="SG"),
)
EU_ONLY = {"markets": ["NL", "DE"], "locations": ["EU"]}


def regions(*data: dict[str, Any], **changes: dict[str, Any]) -> Regions:
    """The house's regions, with changes by name."""
    house = [{**each, **changes.pop(each["name"], {})} for each in HOUSE]
    assert not changes
    return Regions.model_validate({"regions": house, "data": list(data)})


def need(tag: str, market: str, *tried: str, hours: float = 24, alternatives: tuple[str, ...] = ()) -> Need:
    return Need(Language(tag=tag, confidence=0.9, alternatives=alternatives), market, NOW, NOW + hours * HOUR, tried)


def place(house: Regions, what: Need, **open_tasks: float) -> tuple[str, bool, bool]:
    return house.place(what, lambda name: open_tasks.get(name, 0))[:3]


ALL_FULL = {"dutch": 120.0, "flemish": 55.0, "surinam": 130.0}


@pytest.mark.parametrize(
    ("what", "open_tasks", "placed"),
    [
        (need("nl", "NL"), {}, ("dutch", False, False)),
        (need("nl", "BE"), {}, ("dutch", False, False)),  # flemish serves BE too, and stands later
        (need("fr", "NL"), {}, ("flemish", False, False)),  # the language before the market
        (need("ms", "SG", alternatives=("id",)), {}, ("asia", False, False)),
        (need("nl", "NL"), {"dutch": 99.9}, ("dutch", False, False)),
        (need("nl", "NL"), {"dutch": 100}, ("flemish", False, False)),  # full: its fallback, before surinam, which stands earlier
        (need("nl", "NL"), {"dutch": 100, "flemish": 50}, ("surinam", False, False)),
        (need("nl", "NL"), ALL_FULL, ("flemish", False, True)),  # the shortest queue for its capacity, of those who understand
        (need("nl", "NL"), {**ALL_FULL, "dutch": 100}, ("dutch", False, True)),
        (need("nl", "NL", "dutch"), {}, ("flemish", False, False)),  # it had it before
        (need("nl", "NL", "dutch", "flemish"), {}, ("surinam", False, False)),
        (need("nl", "NL", "dutch", "flemish", "surinam"), {}, ("dutch", False, False)),  # all had it: the one longest ago
        (need("nl", "NL", "flemish", "surinam", "dutch"), {}, ("flemish", False, False)),
        (need("nl", "NL", "dutch", "flemish", "surinam"), {"dutch": 100}, ("flemish", False, False)),
        (need("nl", "NL", "dutch"), {"flemish": 50, "surinam": 100}, ("dutch", False, False)),  # had it before, but the others are full
        (need("fr", "FR", "flemish"), {}, ("flemish", False, False)),  # nobody else speaks it
        (need("fr", "FR", "flemish"), {"flemish": 60}, ("flemish", False, True)),
        (need("de", "DE", hours=9.1), {}, ("german", False, False)),  # opens just before it is due
        (need("de", "DE", hours=9), {}, ("german", False, True)),  # opens too late, and still nobody else understands it
        (need("id", "SG"), {"asia": 1e9}, ("asia", False, False)),  # no capacity: never full
    ],
)
def test_a_region_that_speaks_the_language(what: Need, open_tasks: dict[str, float], placed: tuple[str, bool, bool]) -> None:
    assert place(regions(), what, **open_tasks) == placed


@pytest.mark.parametrize(
    ("what", "open_tasks", "placed"),
    [
        (need("sw", "BE"), {}, ("dutch", True, False)),  # the market's region
        (need("sw", "BE"), {"dutch": 100}, ("flemish", True, False)),
        (need("sw", "KE"), {}, ("english", True, False)),  # no market's region: the default
        (need("other", "DE"), {}, ("german", True, False)),
        (need("other", "DE", hours=1), {}, ("english", True, False)),  # the market's region opens too late: the default
        (need("other", "DE", "german"), {}, ("english", True, False)),
        (need("other", "DE", hours=1), {"english": 150}, ("german", True, True)),
        (need("und", "NL"), {}, ("dutch", False, False)),  # nothing to speak: out of language nowhere
        (need("und", "KE"), {}, ("english", False, False)),
        (need("und", "NL"), {"dutch": 100}, ("flemish", False, False)),
        (need("und", "DE", hours=1), {}, ("english", False, False)),
    ],
)
def test_where_language_does_not_help_the_market_counts(what: Need, open_tasks: dict[str, float], placed: tuple[str, bool, bool]) -> None:
    assert place(regions(), what, **open_tasks) == placed


def test_a_closed_region_hands_on_to_its_fallback_first() -> None:
    closed = {"closed_since": NOW}
    assert place(regions(dutch=closed), need("nl", "NL")) == ("flemish", False, False)
    assert place(regions(dutch=closed, flemish=closed), need("nl", "NL")) == ("surinam", False, False)
    assert place(regions(dutch={"closed_since": NOW + HOUR}), need("nl", "NL")) == ("dutch", False, False)


def test_only_when_no_region_is_left_that_speaks_it_do_others_get_it() -> None:
    dutch = {"closed_since": NOW, "fallback": ["german", "english"]}
    house = regions(dutch=dutch, flemish={"languages": ["fr"]}, surinam={"languages": ["en"]})
    assert place(house, need("nl", "NL")) == ("german", True, False)  # the fallback is what the operator wants
    assert place(house, need("nl", "NL", hours=1)) == ("english", True, False)
    assert place(house, need("nl", "SR"), english=100.0) == ("german", True, False)
    assert place(house, need("nl", "BE", hours=1), english=100.0) == ("flemish", True, False)  # serves the market, as dutch did


def test_who_may_not_see_a_post_never_gets_it_even_if_nobody_else_understands_it() -> None:
    house = regions(EU_ONLY)
    assert place(house, need("nl", "NL", "dutch", "flemish")) == ("dutch", False, False)  # not surinam
    assert place(house, need("nl", "NL"), **ALL_FULL | {"surinam": 0.0}) == ("flemish", False, True)
    assert place(house, need("id", "NL")) == ("dutch", True, False)  # only asia speaks it
    assert place(house, need("id", "GB")) == ("asia", False, False)  # no rule on GB
    assert place(house, need("en", "DE"), english=100.0) == ("english", False, True)  # asia speaks it too


def test_where_the_default_may_not_see_a_post_others_who_may_get_it() -> None:
    house = regions({"markets": ["KE"], "locations": ["SG", "SR"]})
    assert place(house, need("sw", "KE")) == ("surinam", True, False)
    assert place(house, need("sw", "KE"), surinam=100.0) == ("asia", True, False)
    assert place(house, need("und", "KE")) == ("surinam", False, False)


def test_a_region_that_closes_before_it_opens_again_is_passed_over() -> None:
    house = regions(german={"closed_since": NOW + 9 * HOUR}, asia={"languages": ["de"]})
    assert place(house, need("de", "DE")) == ("asia", False, False)


def test_of_equally_long_queues_the_one_that_is_looked_at_first_gets_it() -> None:
    night = {"zone": "Europe/Amsterdam", "from": "05:00", "to": "06:00"}
    house = regions(dutch={"hours": DAY}, flemish={"hours": night}, surinam={"hours": DAY})
    assert place(house, need("nl", "NL", hours=1)) == ("flemish", False, True)


NAMES = ["a", "b", "c", "d", "e"]
TAGS, MARKETS, LOCATIONS = ["nl", "fr", "de"], ["NL", "FR", "DE"], ["EU", "US"]
SOME = st.lists(st.sampled_from(NAMES), max_size=4, unique=True)


@st.composite
def houses(draw: st.DrawFn) -> Regions:
    """Regions that somebody could have written: the first one stays open and may see everything."""
    house = []
    for name in NAMES:
        each: dict[str, Any] = {
            "name": name,
            "languages": draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=2)),
            "markets": draw(st.lists(st.sampled_from(MARKETS), max_size=2)),
            "location": draw(st.sampled_from(LOCATIONS)),
            "capacity": draw(st.none() | st.integers(1, 10)),
            "fallback": [other for other in draw(SOME) if other != name],
        }
        if draw(st.booleans()):
            each["hours"] = DAY
        if draw(st.booleans()) and name != NAMES[0]:
            each["closed_since"] = NOW + draw(st.integers(-2, 2)) * HOUR
        house.append(each)
    ruled = draw(st.lists(st.sampled_from(MARKETS), min_size=1, unique=True))
    locations = {house[0]["location"], draw(st.sampled_from(LOCATIONS))}
    return Regions.model_validate({"regions": house, "data": [{"markets": ruled, "locations": sorted(locations)}]})


@given(
    house=houses(),
    tag=st.sampled_from([*TAGS, "sw", "und", "other"]),
    market=st.sampled_from([*MARKETS, "KE"]),
    tried=SOME,
    hours=st.integers(-1, 30),
    open_tasks=st.fixed_dictionaries({name: st.floats(0, 12) for name in NAMES}),
)
def test_every_task_has_a_place_that_is_open_and_may_see_it(
    house: Regions, tag: str, market: str, tried: list[str], hours: int, open_tasks: dict[str, float]
) -> None:
    what = need(tag, market, *tried, hours=hours)
    placed = house.place(what, open_tasks.__getitem__)
    region = house.by_name(placed.region)
    assert region
    assert not house.closed(region.name, NOW)
    assert house.may_see(region, market)

    left = [each for each in house.regions if not each.closed(NOW) and house.may_see(each, market)]
    speakers = [each for each in left if tag in each.languages]
    assert placed.out_of_language == (tag != "und" and not speakers)
    assert region in speakers or not speakers

    def has_room(name: str, capacity: int | None) -> bool:
        return capacity is None or open_tasks[name] < capacity

    able = [each.name for each in speakers if has_room(each.name, each.capacity) and each.on_time(NOW, what.due_at)]
    if speakers:
        assert placed.over_capacity == (not able)
        assert region.name not in tried or set(able) <= set(tried)
    if not placed.over_capacity:
        assert has_room(region.name, region.capacity)
        assert region.on_time(NOW, what.due_at)
