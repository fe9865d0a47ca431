from __future__ import annotations

import pytest

from agents.cli.names import named, require_language, short
from pipeline.config import ConfigError
from pipeline.policy.region import Region
from pipeline.policy.regions import Regions

REGIONS = Regions(regions=(Region(name="dutch", languages=("nl",)), Region(name="east-asia", languages=("ja",))))


@pytest.mark.parametrize(
    ("name", "topics"),
    [
        ("incoming", ["posts.incoming.v1"]),
        ("decisions", ["moderation.decisions.v1"]),
        ("moderation.decisions.v1", ["moderation.decisions.v1"]),
        ("dead-letters", ["moderation.dead-letters.v1"]),
        ("task-events", ["moderation.task-events.v1"]),
        ("cases", ["moderation.cases.v1"]),
        ("review.east-asia", ["moderation.review.east-asia.v1"]),
        ("moderation.review.dutch.v1", ["moderation.review.dutch.v1"]),
        ("review", ["moderation.review.dutch.v1", "moderation.review.east-asia.v1"]),
    ],
)
def test_a_name_means_a_topic(name: str, topics: list[str]) -> None:
    assert [topic.name for topic in named(name, REGIONS)] == topics


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("review.mars", "there is no region 'mars'; allowed are dutch, east-asia"),
        ("decision", "'decision' is no topic; allowed are incoming, language, "),
        ("moderation.review.{region}.v1", "there is no region '{region}'"),
        ("", "'' is no topic"),
    ],
)
def test_another_name_is_refused_with_what_is_allowed(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        named(name, REGIONS)
    assert said in str(error.value)


@pytest.mark.parametrize("tag", ["nl", "und", "other", "gl"])
def test_a_tag_that_records_have_is_allowed(tag: str) -> None:
    require_language(tag)


@pytest.mark.parametrize(
    ("full", "word"),
    [
        ("staging.posts.incoming.v1", "incoming"),
        ("staging.moderation.review.dutch.v1", "review.dutch"),
        ("posts.incoming.v1", "incoming"),
        ("other.posts.incoming.v1", "other.posts.incoming.v1"),
    ],
)
def test_a_full_name_has_a_short_one(full: str, word: str) -> None:
    assert short(full, "staging.") == word
