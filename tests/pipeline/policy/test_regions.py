"""The regions file: what is read from it, and what is refused with a sentence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import pipeline
from pipeline.config import ConfigError
from pipeline.policy.region import Region
from pipeline.policy.regions import Regions, read_regions
from schemas.records import Language

PACKAGED = Path(pipeline.__file__).parent / "policies" / "regions.toml"

REGIONS = """
[[regions]]
name = "dutch"
languages = ["nl"]
markets = ["NL", "BE"]
location = "EU"
hours = { zone = "Europe/Amsterdam", days = ["mon", "tue"], from = "08:00", to = "20:00" }
holidays = ["NL", 2026-12-24]
capacity = 100
levels = { urgent = 1, high = 2, normal = 12, low = 48 }
fallback = ["asia", "english"]
closed_since = 2026-12-01T00:00:00Z

[[regions]]
name = "english"
languages = ["en"]
markets = ["GB", "US"]
location = "EU"
default = true

[[regions]]
name = "asia"
languages = ["id", "en"]
markets = ["SG", "ID"]

[[data]]
markets = ["DE", "NL"]
locations = ["EU"]
"""


def read(text: str, folder: Path) -> Regions:
    path = folder / "regions.toml"
    path.write_text(text)
    return read_regions(path)


@pytest.mark.parametrize(
    ("tag", "alternatives", "market", "region", "out_of_language"),
    [
        ("nl", (), "BE", "dutch", False),  # speaks it and serves the market
        ("en", (), "SG", "asia", False),  # so does asia, though english stands before it
        ("nl", (), "SG", "dutch", False),  # speaks it: the language before the market
        ("en", (), "BE", "english", False),  # two speak it: the first in the file
        ("ms", ("id",), "SG", "asia", False),  # cannot be told apart from one that is spoken
        ("ms", (), "SG", "asia", True),  # nobody speaks it: the market's region
        ("ms", ("id",), "NL", "dutch", True),  # nobody who may see the post speaks it
        ("sw", (), "KE", "english", True),  # nor is the market served: the default
        ("other", (), "BE", "dutch", True),
        ("und", (), "BE", "dutch", False),  # nothing to speak
        ("und", (), "KE", "english", False),
    ],
)
def test_where_a_post_belongs(
    tag: str, alternatives: tuple[str, ...], market: str, region: str, out_of_language: bool, tmp_path: Path
) -> None:
    language = Language(tag=tag, confidence=0.6, alternatives=alternatives)
    home = read(REGIONS, tmp_path).home(language, market)
    assert (home.name, not home.speaks(language)) == (region, out_of_language)


def test_without_a_default_the_first_region_that_stays_open_is_it(tmp_path: Path) -> None:
    regions = read(REGIONS.replace("default = true", ""), tmp_path)
    assert regions.default.name == "english"
    assert regions.home(Language(tag="sw", confidence=0.9), "KE").name == "english"


def test_a_region_is_closed_from_its_time_on_and_so_is_one_that_is_not_in_the_file(tmp_path: Path) -> None:
    regions = read(REGIONS, tmp_path)
    time = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    assert [regions.closed("dutch", at) for at in (time - dt.timedelta(seconds=1), time)] == [False, True]
    assert regions.closed("flemish", time)
    assert not regions.closed("asia", time)
    assert regions.by_name("flemish") is None


@pytest.mark.parametrize(("priority", "hours"), [(100, 1), (80, 1), (79, 2), (60, 2), (59, 12), (30, 12), (29, 48), (0, 48)])
def test_a_task_is_due_by_the_service_level_of_its_region(priority: int, hours: int, tmp_path: Path) -> None:
    at = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
    assert read(REGIONS, tmp_path).due_at("dutch", priority, at) == at + dt.timedelta(hours=hours)


DUTCH, ENGLISH, ASIA = "regions[0].", "regions[1].", "regions[2]."


@pytest.mark.parametrize(
    ("find", "put", "error"),
    [
        ('"dutch"', '"Dutch"', DUTCH + "name: at most 64 lower-case letters, digits and single hyphens between them are allowed"),
        ('"dutch"', f'"{"d" * 65}"', DUTCH + "name: at most 64 lower-case letters"),
        ('"asia"\n', '"dutch"\n', "(whole file): a region's `name` may stand once, dutch stands more often"),
        ('["nl"]', "[]", DUTCH + "languages: Tuple should have at least 1 item"),
        ('["nl"]', '["und"]', DUTCH + "languages[0]: languages that people speak are allowed, as BCP 47 tags (got 'und')"),
        ('"BE"]', '"be"]', DUTCH + "markets[1]: String should match pattern"),
        ('"EU"', '"Europe"', DUTCH + "location: a word of 2 to 8 capital letters is allowed, such as \"EU\" (got 'Europe')"),
        ("capacity = 100", "capacity = 0", DUTCH + "capacity: Input should be greater than or equal to 1 (got 0)"),
        (
            "Europe/Amsterdam",
            "Europe/Amstrdam",
            DUTCH + "hours.zone: names of the IANA time zone database are allowed, such as Europe/Amsterdam (got 'Europe/Amstrdam')",
        ),
        ("Europe/Amsterdam", "localtime", DUTCH + "hours.zone: names of the IANA time zone database are allowed"),
        ('zone = "Europe/Amsterdam", ', "", DUTCH + "hours.zone: is missing"),
        (
            '"mon", "tue"',
            '"monday"',
            DUTCH + "hours.days[0]: Input should be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun' (got 'monday')",
        ),
        ('"mon", "tue"', "", DUTCH + "hours.days: Frozenset should have at least 1 item"),
        ('from = "08:00"', 'from = "8:00"', DUTCH + 'hours.from: local times from "00:00" to "23:59" are allowed (got \'8:00\')'),
        ('to = "20:00"', "to = 20", DUTCH + 'hours.to: local times from "00:00" to "23:59" are allowed (got 20)'),
        ('"NL", 2026', '"XX", 2026', DUTCH + "holidays[0]: no holidays are known for XX: give their dates (got 'XX')"),
        ('"NL", 2026', '"DE-XX", 2026', DUTCH + "holidays[0]: no holidays are known for DE-XX: give their dates"),
        ("2026-12-24]", "2026-12-24T00:00:00Z]", DUTCH + 'holidays[1]: dates such as 2026-12-25, countries such as "NL" and parts'),
        ("default = true", 'holidays = ["GB"]', "regions[1]: `holidays` need `hours`: without them a region is always at work"),
        ("high = 2", "high = 24", DUTCH + "levels: `urgent`, `high`, `normal` and `low` must each be at least the one before"),
        ("low = 48", "low = 721", DUTCH + "levels.low: Input should be less than or equal to 720 (got 721)"),
        ('["asia", "english"]', '["dutch"]', "regions[0]: `fallback` names the region itself; other regions are allowed"),
        ('["asia", "english"]', '["asian"]', "(whole file): `fallback` of 'dutch' names 'asian'; allowed are asia, english"),
        ("T00:00:00Z", "T00:00:00+01:00", DUTCH + "closed_since: a time in UTC, as in 2026-11-01T00:00:00Z, is allowed"),
        ("T00:00:00Z", "", DUTCH + "closed_since: "),
        ('markets = ["SG", "ID"]', "default = true", "(whole file): only one region may have `default = true`, english, asia have it"),
        ('markets = ["SG", "ID"]', "opening = 1", ASIA + "opening: no such key"),
        ('["DE", "NL"]', '["DE", "DE"]', "(whole file): a market may stand in one of `data`, DE stands in more"),
        ('locations = ["EU"]', "locations = []", "data[0].locations: Tuple should have at least 1 item"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(find: str, put: str, error: str, tmp_path: Path) -> None:
    assert find in REGIONS
    with pytest.raises(ConfigError) as raised:
        read(REGIONS.replace(find, put, 1), tmp_path)
    assert f"{tmp_path / 'regions.toml'}: {error}" in str(raised.value)


CLOSED = "closed_since = 2027-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("find", "put", "error"),
    [
        (
            "default = true",
            f"default = true\n{CLOSED}",
            "'english' has `default = true` and `closed_since`; the default must be a region that stays",
        ),
        (
            'location = "EU"\ndefault = true',
            "default = true",
            "`data` lets only people in EU see posts of DE, and no region there stays open (its `location`, without `closed_since`)",
        ),
    ],
)
def test_a_file_by_which_nobody_could_look_at_a_post_some_day_is_refused(find: str, put: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whole file") as raised:
        read(REGIONS.replace(find, put, 1), tmp_path)
    assert error in str(raised.value)


def test_a_file_whose_last_region_closes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="every region has `closed_since`; at least one must stay open"):
        read(f'[[regions]]\nname = "dutch"\nlanguages = ["nl"]\n{CLOSED}\n', tmp_path)


def test_a_region_with_nothing_but_languages_is_always_at_work() -> None:
    region = Region(name="dutch", languages=("nl",))
    at = dt.datetime(2026, 12, 25, 3, tzinfo=dt.UTC)
    assert region.opens_at(at) == at
    assert region.is_open(at)
    assert region.levels.hours(100) == 4


@pytest.mark.parametrize(("priority", "hours"), [(0, 72), (29, 72), (30, 24), (59, 24), (60, 12), (79, 12), (80, 4), (100, 4)])
def test_a_priority_is_due_by_its_band(priority: int, hours: float) -> None:
    assert Region(name="dutch", languages=("nl",)).levels.hours(priority) == hours


def test_the_packaged_example_says_everything_of_each_region() -> None:
    regions = read_regions(PACKAGED).regions
    assert len(regions) == 13
    for region in regions:
        assert region.location
        assert region.capacity
        assert region.fallback
        assert "levels" in region.model_fields_set
    assert {region.name for region in regions if region.hours is None} == {"english", "iberia-latam", "south-east-asia"}
