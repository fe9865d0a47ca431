"""What a policy file may say, and which version is in force."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.policy.policy import ContentType, SourceType, Statement, read_policies
from pipeline.policy.rules import Ground, applicable
from schemas.records import Media, Unassessed

CASES = Path(__file__).parent / "cases"
HOUSE = CASES / "policy.toml"
ERRORS = tomllib.loads((CASES / "policy_errors.toml").read_text())["cases"]


@pytest.mark.parametrize("case", ERRORS, ids=[f"{case['put'][:40]!r}" for case in ERRORS])
def test_a_wrong_policy_is_refused_with_a_sentence(case: dict[str, str], tmp_path: Path) -> None:
    good = HOUSE.read_text()
    assert case["find"] in good
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(good.replace(case["find"], case["put"], 1))
    with pytest.raises(ConfigError) as raised:
        read_policies(wrong)
    assert f"{wrong}: {case['error']}" in str(raised.value)


def write_version(folder: Path, version: str, effective_from: str) -> None:
    text = HOUSE.read_text().replace('version = "7"', f'version = "{version}"').replace("2026-11-01T00:00:00Z", effective_from)
    (folder / f"{version}.toml").write_text(text)


@pytest.mark.parametrize(
    ("received_at", "version"),
    [
        ("2026-10-01T00:00:00+00:00", "a"),  # before the first: the first
        ("2026-11-01T00:00:00+00:00", "a"),
        ("2026-11-30T23:59:59+00:00", "a"),
        ("2026-12-01T00:00:00+00:00", "b"),  # from its first moment on
        ("2026-12-01T00:30:00+01:00", "a"),  # still November in UTC
        ("2027-06-01T00:00:00+00:00", "c"),
    ],
)
def test_the_newest_version_in_force_decides(received_at: str, version: str, tmp_path: Path) -> None:
    write_version(tmp_path, "c", "2027-01-01T00:00:00Z")
    write_version(tmp_path, "a", "2026-11-01T00:00:00Z")
    write_version(tmp_path, "b", "2026-12-01T00:00:00Z")
    assert read_policies(tmp_path).at(dt.datetime.fromisoformat(received_at)).id == f"house@{version}"


def test_two_versions_cannot_start_at_the_same_time(tmp_path: Path) -> None:
    write_version(tmp_path, "a", "2026-11-01T00:00:00Z")
    write_version(tmp_path, "b", "2026-11-01T00:00:00Z")
    with pytest.raises(ConfigError, match=r"b\.toml: effective_from: a\.toml starts at the same time; each version needs its own"):
        read_policies(tmp_path)


def test_a_version_stands_once(tmp_path: Path) -> None:
    write_version(tmp_path, "a", "2026-11-01T00:00:00Z")
    (tmp_path / "b.toml").write_text((tmp_path / "a.toml").read_text().replace("2026-11-01", "2026-12-01"))
    with pytest.raises(ConfigError, match=r"b\.toml: version: house@a is also in a\.toml; a version may stand once"):
        read_policies(tmp_path)


def test_an_empty_folder_holds_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no policy"):
        read_policies(tmp_path)


@pytest.mark.parametrize(
    ("language", "market", "rule"),
    [
        ("en", "NL", "toxic-review"),
        ("en", "BE", "toxic-review-be"),
        ("nl", "NL", "toxic-review-nl"),
        ("nl", "BE", "toxic-review-nl-be"),
        ("nl", "LU", "toxic-review-nl"),  # the language before the market
        ("nl-BE", "NL", "toxic-review"),  # tags are compared as they are
    ],
)
def test_the_most_specific_rule_applies(language: str, market: str, rule: str) -> None:
    policy = read_policies(HOUSE).policies[0]
    for rules in (policy.rules, policy.rules[::-1]):
        assert rule in {chosen.id for chosen in applicable(rules, language, market)["toxic"]}


@pytest.mark.parametrize(
    ("reasons", "market", "rule"),
    [
        ([Unassessed.MEDIA], "DE", "media-de"),
        ([Unassessed.MEDIA], "NL", "rest"),
        ([Unassessed.MEDIA, Unassessed.STAGE_ERROR], "DE", "fault"),  # the first in the file, not the first reason
        ([Unassessed.LANGUAGE_UNKNOWN, Unassessed.TOO_LONG], "NL", "unknown"),
    ],
)
def test_the_first_unassessed_rule_that_matches_applies(reasons: list[Unassessed], market: str, rule: str) -> None:
    assert read_policies(HOUSE).policies[0].unassessed_rule(reasons, "nl", market).id == rule


@pytest.mark.parametrize(
    ("text", "media", "policy", "found"),
    [
        ("a", (), "TEXT", ["TEXT"]),
        (None, ("image/png",), "TEXT", ["IMAGE"]),
        (" \n", ("IMAGE/PNG", "image/jpeg"), "TEXT", ["IMAGE"]),
        ("a", ("video/mp4", "audio/ogg", "image/png"), "TEXT", ["AUDIO", "IMAGE", "TEXT", "VIDEO"]),
        (None, ("application/pdf",), "OTHER", ["OTHER"]),  # neither tells anything
        (None, (), "TEXT", ["TEXT"]),
        ("a", ("image/png",), "OTHER", ["IMAGE", "TEXT"]),
        ("a", ("image/png",), "PRODUCT", ["IMAGE", "PRODUCT", "TEXT"]),  # which only the policy can know
    ],
)
def test_the_content_types_of_a_post_are_all_that_it_is(text: str | None, media: tuple[str, ...], policy: str, found: list[str]) -> None:
    statement = Statement(ground=Ground.TERMS, content_type=ContentType[policy], source_type=SourceType.VOLUNTARY)
    attached = [Media(type=each, url="https://media.example/1") for each in media]
    assert statement.content_types(text, attached) == tuple(ContentType[each].value for each in found)
