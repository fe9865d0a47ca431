"""Which region gets a post."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.policy.regions import read_regions
from schemas.records import Language

REGIONS = """
[[regions]]
name = "dutch"
languages = ["nl"]
markets = ["NL", "BE"]

[[regions]]
name = "english"
languages = ["en"]
markets = ["GB", "US"]
default = true

[[regions]]
name = "asia"
languages = ["id", "en"]
markets = ["SG", "ID"]
"""


@pytest.mark.parametrize(
    ("tag", "alternatives", "market", "region", "out_of_language"),
    [
        ("nl", (), "BE", "dutch", False),  # speaks it and serves the market
        ("en", (), "SG", "asia", False),  # so does asia, though english stands before it
        ("nl", (), "SG", "dutch", False),  # speaks it: the language before the market
        ("en", (), "NL", "english", False),  # two speak it: the first in the file
        ("ms", ("id",), "SG", "asia", False),  # cannot be told apart from one that is spoken
        ("ms", (), "SG", "asia", True),  # nobody speaks it: the market's region
        ("sw", (), "KE", "english", True),  # nor is the market served: the default
        ("other", (), "BE", "dutch", True),
        ("und", (), "BE", "dutch", False),  # nothing to speak
        ("und", (), "KE", "english", False),
    ],
)
def test_choice(tag: str, alternatives: tuple[str, ...], market: str, region: str, out_of_language: bool, tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_text(REGIONS)
    regions = read_regions(tmp_path / "regions.toml")
    assert regions.choose(Language(tag=tag, confidence=0.6, alternatives=alternatives), market) == (region, out_of_language)


def test_without_a_default_the_first_region_is_it(tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_text(REGIONS.replace("default = true", ""))
    regions = read_regions(tmp_path / "regions.toml")
    assert regions.choose(Language(tag="sw", confidence=0.9), "KE") == ("dutch", True)


@pytest.mark.parametrize(
    ("find", "put", "error"),
    [
        ('"dutch"', '"Dutch"', "regions[0].name: at most 64 lower-case letters, digits and single hyphens between them are allowed"),
        ('"dutch"', f'"{"d" * 65}"', "regions[0].name: at most 64 lower-case letters"),
        ('"asia"', '"dutch"', "(whole file): a region's `name` may stand once, dutch stands more often"),
        ('["nl"]', "[]", "regions[0].languages: Tuple should have at least 1 item"),
        ('["nl"]', '["und"]', "regions[0].languages[0]: languages that people speak are allowed, as BCP 47 tags (got 'und')"),
        ('"BE"]', '"be"]', "regions[0].markets[1]: String should match pattern"),
        ('markets = ["SG", "ID"]', "default = true", "(whole file): only one region may have `default = true`, english, asia have it"),
        ('markets = ["SG", "ID"]', "fallback = 1", "regions[2].fallback: no such key"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(find: str, put: str, error: str, tmp_path: Path) -> None:
    assert find in REGIONS
    path = tmp_path / "regions.toml"
    path.write_text(REGIONS.replace(find, put, 1))
    with pytest.raises(ConfigError) as raised:
        read_regions(path)
    assert f"{path}: {error}" in str(raised.value)
