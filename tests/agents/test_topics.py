from __future__ import annotations

import pytest

from agents.settings import load
from agents.topics import Difference, FoundTopic, WantedTopic, compare, hidden, wanted_topics
from pipeline.policy.region import Region
from pipeline.policy.regions import Regions
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE, TOPICS

REGIONS = Regions(regions=(Region(name="dutch", languages=("nl",)), Region(name="dach", languages=("de",))))
SETTINGS = load(topic_prefix="staging.", replication_factor=3)
INCOMING, LANGUAGE, DUTCH = "staging.posts.incoming.v1", "staging.posts.language.v1", "staging.moderation.review.dutch.v1"


@pytest.fixture
def wanted() -> list[WantedTopic]:
    return wanted_topics(SETTINGS, REGIONS)


@pytest.fixture
def found(wanted: list[WantedTopic]) -> dict[str, FoundTopic]:
    """As a broker has them that `create_topics` filled."""
    return {topic.name: FoundTopic(topic.partitions, {**topic.topic.config, "segment.ms": "604800000"}) for topic in wanted}


def differences(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> list[Difference]:
    return compare(wanted, found, "kafka:9092")


def test_every_topic_is_wanted_once_and_a_review_topic_per_region(wanted: list[WantedTopic]) -> None:
    names = [topic.name for topic in wanted]
    assert len(set(names)) == len(names) == len(TOPICS) + 1
    assert [name for name in names if "review" in name] == [DUTCH, "staging.moderation.review.dach.v1"]
    assert {topic.replication_factor for topic in wanted} == {3}
    language = next(topic for topic in wanted if topic.topic is POSTS_LANGUAGE)
    assert (language.name, language.same_partitions_as) == (LANGUAGE, INCOMING)


def test_topics_as_wanted_do_not_differ(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    assert differences(wanted, found) == []
    assert hidden(found) is None


def test_a_missing_topic_is_serious(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    del found[DUTCH]
    assert differences(wanted, found) == [Difference(DUTCH, True, "does not exist or may not be seen", "run `sluice topics create`")]


def test_unequal_partitions_are_serious_and_the_smaller_topic_grows(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    found[INCOMING] = FoundTopic(24, POSTS_INCOMING.config)
    serious = [each for each in differences(wanted, found) if each.serious]
    assert [each.topic for each in serious] == [LANGUAGE, "staging.posts.scored.v1"]
    assert serious[0].what == f"has 12 partitions, {INCOMING} has 24; they must be equal"
    assert f"--topic {LANGUAGE} --partitions 24" in serious[0].remedy


@pytest.mark.parametrize(("count", "remedy"), [(3, "--partitions 6"), (12, "leave it if more were meant")])
def test_another_partition_count_is_a_remark(wanted: list[WantedTopic], found: dict[str, FoundTopic], count: int, remedy: str) -> None:
    found[DUTCH] = FoundTopic(count, found[DUTCH].config)
    (difference,) = differences(wanted, found)
    assert (difference.topic, difference.serious, difference.what) == (DUTCH, False, f"has {count} partitions, not 6")
    assert remedy in difference.remedy


@pytest.mark.parametrize(
    ("key", "value", "serious"),
    [("message.timestamp.type", "CreateTime", True), ("cleanup.policy", "compact", True), ("retention.ms", "1000", False)],
)
def test_another_setting_comes_with_the_command_that_mends_it(
    wanted: list[WantedTopic], found: dict[str, FoundTopic], key: str, value: str, serious: bool
) -> None:
    right = POSTS_INCOMING.config[key]
    found[INCOMING] = FoundTopic(12, {**POSTS_INCOMING.config, key: value})
    assert differences(wanted, found) == [
        Difference(
            INCOMING,
            serious,
            f"has {key}={value}, not {right}",
            f"`kafka-configs.sh --bootstrap-server kafka:9092 --alter --topic {INCOMING} --add-config {key}={right}`",
        )
    ]


def test_settings_that_the_broker_hides_are_said(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    found[DUTCH] = FoundTopic(6, None)
    assert differences(wanted, found) == []
    assert hidden(found) == f"{DUTCH} and others do not show their settings: give this user the right DescribeConfigs"
