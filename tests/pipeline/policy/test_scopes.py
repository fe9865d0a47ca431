"""Languages and markets that no post has: each is a sentence, and what posts have is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.language.languages import LANGUAGES
from pipeline.policy.policy import Policy, read_policies
from pipeline.policy.region import carried
from pipeline.policy.regions import Regions, read_regions
from pipeline.policy.roster import Roster, read_roster
from pipeline.policy.scopes import markets, of_regions, of_roster, of_rules

PACKAGED = Path(pipeline.__file__).parent / "policies"
HOUSE = read_policies(Path(__file__).parent / "cases" / "policy.toml").policies[0]


def policy(kind: str, **scope: list[str]) -> Policy:
    """The house policy with one more rule of a kind."""
    content = HOUSE.model_dump()
    if kind == "rule":
        content["rules"] = [*content["rules"], {"id": "odd", "label": "threat", "action": "review", "at_least": 0.2, **scope}]
    elif kind == "unassessed rule":
        odd = {"id": "odd", "reasons": ["media"], "review_share": 1, "action": "allow", **scope}
        content["unassessed"] = [odd, *content["unassessed"]]
    else:
        content["audit"] = {"seed": "s", "rules": [{"id": "odd", "share": 0.1, **scope}]}
    return Policy.model_validate(content)


@pytest.mark.parametrize("kind", ["rule", "unassessed rule", "audit rule"])
@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ({"languages": ["pt-BR"]}, "is for 'pt-BR', and no post has that language: it has 'pt'"),
        ({"languages": ["nb", "no"]}, "is for 'nb', and no post has that language: it has 'no'"),
        ({"languages": ["qq"]}, "is for 'qq', and no post has that language"),
        ({"markets": ["UK", "GB"]}, "is for the market 'UK', which is no country of ISO 3166-1 (it is GB)"),
        ({"markets": ["QQ"]}, "is for the market 'QQ', which is no country of ISO 3166-1"),
        ({"languages": ["af", "und", "other"], "markets": ["NL", "XK"]}, None),
    ],
)
def test_rules(kind: str, scope: dict[str, list[str]], said: str | None) -> None:
    assert list(of_rules(policy(kind, **scope))) == ([f"house@7: {kind} 'odd' {said}"] if said else [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": ["zh", "zh-Hant"]}, "region 'all' speaks 'zh-Hant', and no post has that language: it has 'zh'"),
        ({"languages": ["gl-ES"]}, "region 'all' speaks 'gl-ES', and no post has that language: it has 'gl'"),
        (
            {"languages": ["gl"]},
            "region 'all' speaks 'gl', which the language stage does not know: a post has it only after a reviewer or a report names it",
        ),
        ({"markets": ["NL", "UK"]}, "region 'all' serves the market 'UK', which is no country of ISO 3166-1 (it is GB)"),
        ({}, None),
    ],
)
def test_regions(changes: dict[str, Any], said: str | None) -> None:
    regions = Regions.model_validate({"regions": [{"name": "all", "languages": ["nl"], **changes}]})
    assert list(of_regions(regions)) == ([said] if said else [])


def test_data_rules() -> None:
    region = {"name": "all", "languages": ["nl"], "location": "EU"}
    regions = Regions.model_validate({"regions": [region], "data": [{"markets": ["EL", "NL"], "locations": ["EU"]}]})
    assert list(of_regions(regions)) == ["`data` has a rule for the market 'EL', which is no country of ISO 3166-1 (it is GR)"]


def test_the_roster_says_each_language_once() -> None:
    people = [{"id": name, "regions": ["all"], "languages": ["fil", "nl"]} for name in ("anna", "bram")]
    said = ["on the roster somebody speaks 'fil', and no post has that language: it has 'tl'"]
    assert list(of_roster(Roster.model_validate({"reviewers": people}))) == said


def test_the_packaged_regions_and_roster_name_none() -> None:
    regions = read_regions(PACKAGED / "regions.toml")
    assert [*of_regions(regions), *of_roster(read_roster(PACKAGED / "roster.toml", regions))] == []


def test_the_markets_are_the_249_of_iso_and_kosovo() -> None:
    assert len(markets()) == 250
    assert {"NL", "GB", "XK"} <= markets()
    assert markets().isdisjoint({"UK", "EU", "AN"})


@pytest.mark.parametrize(
    ("named", "tag"),
    [
        *((tag, tag) for tag in LANGUAGES),
        ("pt-BR", "pt"),
        ("zh-Hant", "zh"),
        ("fil", "tl"),
        ("sr-Latn", "sr"),
        ("en-GB", "en"),
        ("nn", "no"),
        ("NL", "nl"),
        ("gl", "gl"),
        ("gl-ES", "gl"),
        ("mul", "other"),
        ("other", "other"),
        ("dutch", "other"),
    ],
)
def test_what_people_call_a_language_is_the_tag_that_posts_have(named: str, tag: str) -> None:
    assert carried(named) == tag
    assert carried(tag) == tag
