"""Who may review, and what of a roster is refused."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

import pipeline
from pipeline.config import ConfigError
from pipeline.policy.regions import Regions, read_regions
from pipeline.policy.roster import Roster, read_roster, unspoken
from schemas.records import Language

PACKAGED = Path(pipeline.__file__).parent / "policies"
NOW = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)

REGIONS = Regions.model_validate(
    {
        "regions": [
            {"name": "dutch", "languages": ["nl", "fy"]},
            {"name": "english", "languages": ["en"], "default": True},
            {"name": "flemish", "languages": ["nl"], "closed_since": NOW},
        ]
    }
)

ROSTER = """
[[reviewers]]
id = "r-17"
regions = ["dutch", "english"]
languages = ["nl", "en"]

[[reviewers]]
id = "r-18"
regions = ["english"]
languages = ["fy"]
"""


def read(text: str, folder: Path) -> Roster:
    path = folder / "roster.toml"
    path.write_text(text)
    return read_roster(path, REGIONS)


def test_a_reviewer_is_found_by_pseudonym(tmp_path: Path) -> None:
    roster = read(ROSTER, tmp_path)
    found = roster.reviewer("r-17")
    assert found
    assert (found.regions, found.languages) == (("dutch", "english"), ("nl", "en"))
    assert roster.reviewer("r-19") is None
    assert roster.simulated == []


@pytest.mark.parametrize(
    ("tag", "alternatives", "speaks"),
    [("nl", (), True), ("af", ("nl",), True), ("af", (), False), ("other", (), False), ("und", (), True)],
)
def test_a_reviewer_speaks_a_language_or_what_it_cannot_be_told_apart_from(
    tag: str, alternatives: tuple[str, ...], speaks: bool, tmp_path: Path
) -> None:
    reviewer = read(ROSTER, tmp_path).reviewer("r-17")
    assert reviewer
    assert reviewer.speaks(Language(tag=tag, confidence=0.5, alternatives=alternatives)) == speaks


def test_a_language_of_a_region_that_nobody_there_speaks_is_found_but_not_of_one_that_has_closed(tmp_path: Path) -> None:
    roster = read(ROSTER, tmp_path)
    assert list(unspoken(roster, REGIONS, NOW)) == [("dutch", "fy")]
    assert list(unspoken(roster, REGIONS, NOW - dt.timedelta(seconds=1))) == [("dutch", "fy"), ("flemish", "nl")]


@pytest.mark.parametrize(
    ("find", "put", "error"),
    [
        ('"r-18"', '"r-17"', "(whole file): a reviewer's `id` may stand once, r-17 stands more often"),
        ('"r-18"', '"Jane Doe"', "reviewers[1].id: String should match pattern"),
        (
            '["english"]',
            '["frisian"]',
            "reviewers[1].regions: regions of the regions file are allowed: dutch, english, flemish (got 'frisian')",
        ),
        ('["english"]', "[]", "reviewers[1].regions: Tuple should have at least 1 item"),
        ('["fy"]', '["other"]', "reviewers[1].languages[0]: languages that people speak are allowed, as BCP 47 tags (got 'other')"),
        ('id = "r-18"\n', "", "reviewers[1].id: is missing"),
        ('id = "r-18"', 'id = "r-18"\nname = "x"', "reviewers[1].name: no such key"),
    ],
)
def test_a_wrong_roster_is_refused_with_a_sentence(find: str, put: str, error: str, tmp_path: Path) -> None:
    assert find in ROSTER
    with pytest.raises(ConfigError) as raised:
        read(ROSTER.replace(find, put, 1), tmp_path)
    assert f"{tmp_path / 'roster.toml'}: {error}" in str(raised.value)


def test_the_packaged_roster_is_simulated_and_serves_the_packaged_regions() -> None:
    regions = read_regions(PACKAGED / "regions.toml")
    roster = read_roster(PACKAGED / "roster.toml", regions)
    assert roster.simulated == list(roster.reviewers)
    assert list(unspoken(roster, regions, NOW)) == []
    people = Counter(region for reviewer in roster.reviewers for region in reviewer.regions)
    assert min(people[region.name] for region in regions.regions) >= 3
    stranger = roster.reviewer("simulated-en-in-dutch-1")
    assert stranger
    assert not stranger.speaks(Language(tag="nl", confidence=0.9))
