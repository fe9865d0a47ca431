from __future__ import annotations

from dataclasses import replace

import pytest

from agents.settings import load
from agents.topics import Difference, Found, FoundTopic, WantedTopic, compare, few_copies, hidden, wanted_topics
from pipeline.policy.region import Region
from pipeline.policy.regions import Regions
from schemas.topics import CASE_STATE, POSTS_LANGUAGE, TOPICS

REGIONS = Regions(regions=(Region(name="dutch", languages=("nl",)), Region(name="dach", languages=("de",))))
SETTINGS = load(topic_prefix="staging.")
INCOMING, LANGUAGE, DUTCH = "staging.posts.incoming.v1", "staging.posts.language.v1", "staging.moderation.review.dutch.v1"


@pytest.fixture
def wanted() -> list[WantedTopic]:
    return wanted_topics(SETTINGS, REGIONS)


@pytest.fixture
def found(wanted: list[WantedTopic]) -> dict[str, FoundTopic]:
    """As a broker has them that `create_topics` filled."""
    return {topic.name: FoundTopic(topic.partitions, 3, {**topic.config(3), "index.interval.bytes": "4096"}) for topic in wanted}


def differences(wanted: list[WantedTopic], found: dict[str, FoundTopic], brokers: int = 3) -> list[Difference]:
    return compare(wanted, Found(brokers, found), "kafka:9092")


def test_every_topic_is_wanted_once_and_a_review_topic_per_region(wanted: list[WantedTopic]) -> None:
    names = [topic.name for topic in wanted]
    assert len(set(names)) == len(names) == len(TOPICS) + 1
    assert [name for name in names if "review" in name] == [DUTCH, "staging.moderation.review.dach.v1"]
    language = next(topic for topic in wanted if topic.topic is POSTS_LANGUAGE)
    assert (language.name, language.same_partitions_as) == (LANGUAGE, INCOMING)


def test_topics_as_wanted_do_not_differ(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    assert differences(wanted, found) == []
    assert hidden(found) is None


def test_a_missing_topic_is_serious(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    del found[DUTCH]
    assert differences(wanted, found) == [Difference(DUTCH, True, "does not exist or may not be seen", "run `sluice topics create`")]


def test_unequal_partitions_are_serious_and_the_smaller_topic_grows(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    found[INCOMING] = replace(found[INCOMING], partitions=24)
    serious = [each for each in differences(wanted, found) if each.serious]
    assert [each.topic for each in serious] == [LANGUAGE, "staging.posts.scored.v1"]
    assert serious[0].what == f"has 12 partitions, {INCOMING} has 24; they must be equal"
    assert f"--topic {LANGUAGE} --partitions 24" in serious[0].remedy


@pytest.mark.parametrize(("count", "remedy"), [(3, "--partitions 6"), (12, "leave it if more were meant")])
def test_another_partition_count_is_a_remark(wanted: list[WantedTopic], found: dict[str, FoundTopic], count: int, remedy: str) -> None:
    found[DUTCH] = replace(found[DUTCH], partitions=count)
    (difference,) = differences(wanted, found)
    assert (difference.topic, difference.serious, difference.what) == (DUTCH, False, f"has {count} partitions, not 6")
    assert remedy in difference.remedy


@pytest.mark.parametrize(
    ("key", "value", "serious"),
    [
        ("message.timestamp.type", "CreateTime", True),
        ("cleanup.policy", "compact", True),
        ("unclean.leader.election.enable", "true", True),
        ("min.insync.replicas", "1", True),
        ("retention.ms", "1000", True),  # posts would be deleted unread
        ("retention.ms", "31536000000", False),
        ("retention.ms", "-1", False),
        ("retention.bytes", "1073741824", True),
    ],
)
def test_another_setting_comes_with_the_command_that_mends_it(
    wanted: list[WantedTopic], found: dict[str, FoundTopic], key: str, value: str, serious: bool
) -> None:
    right = wanted[0].config(3)[key]
    found[INCOMING] = replace(found[INCOMING], config={**(found[INCOMING].config or {}), key: value})
    assert differences(wanted, found) == [
        Difference(
            INCOMING,
            serious,
            f"has {key}={value}, not {right}",
            f"`kafka-configs.sh --bootstrap-server kafka:9092 --alter --topic {INCOMING} --add-config {key}={right}`",
        )
    ]


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (7, 3, "2")])
def test_a_topic_has_three_copies_where_brokers_allow_and_writing_needs_two_of_them(
    wanted: list[WantedTopic], brokers: int, copies: int, in_sync: str
) -> None:
    assert wanted[0].copies(brokers) == copies
    assert wanted[0].config(copies)["min.insync.replicas"] == in_sync
    assert wanted_topics(load(replication_factor=5), REGIONS)[0].copies(brokers) == 5


def test_fewer_copies_than_the_brokers_allow_are_serious(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    found[DUTCH] = FoundTopic(6, 1, {**(found[DUTCH].config or {}), "min.insync.replicas": "1"})
    (difference,) = differences(wanted, found)
    assert (difference.topic, difference.serious) == (DUTCH, True)
    assert difference.what == "has 1 of 3 copies: what is on a broker that is lost may be lost"
    assert differences(wanted, {**found, DUTCH: replace(found[DUTCH], copies=1)}, brokers=1) == []


@pytest.mark.parametrize(("copies", "in_sync", "well"), [(5, "3", True), (3, "3", False), (2, "2", False), (1, "2", False)])
def test_a_broker_may_ask_for_more_copies_of_each_record_but_not_for_all(
    wanted: list[WantedTopic], found: dict[str, FoundTopic], copies: int, in_sync: str, well: bool
) -> None:
    found[DUTCH] = FoundTopic(6, copies, {**(found[DUTCH].config or {}), "min.insync.replicas": in_sync})
    of_dutch = [each for each in differences(wanted, found, copies) if each.topic == DUTCH]
    assert [(each.serious, "with one broker away nothing can be written" in each.what) for each in of_dutch] == (
        [] if well else [(True, copies > 1)]
    )


def test_a_log_that_is_cleaned_seldom_is_a_remark(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    """So every topic is that was made with Kafka's defaults."""
    name = f"staging.{CASE_STATE.name}"
    found[name] = replace(found[name], config={**(found[name].config or {}), "segment.bytes": "1073741824", "segment.ms": "604800000"})
    assert [(each.topic, each.serious) for each in differences(wanted, found)] == [(name, False)] * 2


@pytest.mark.parametrize(
    ("factor", "brokers", "said"),
    [
        (None, 3, None),
        (None, 1, None),
        (None, 2, "2 brokers are to be seen, so topics get 2 copies"),
        (1, 3, "replication_factor (SLUICE_REPLICATION_FACTOR) is 1, and there are 3 brokers"),
        (1, 1, None),
        (3, 3, None),
    ],
)
def test_few_copies_are_said(factor: int | None, brokers: int, said: str | None) -> None:
    sentence = few_copies(load(replication_factor=factor), Found(brokers, {}))
    assert (sentence or "").startswith(said or "")
    assert (sentence is None) == (said is None)


def test_settings_that_the_broker_hides_are_said(wanted: list[WantedTopic], found: dict[str, FoundTopic]) -> None:
    found[DUTCH] = replace(found[DUTCH], config=None)
    assert differences(wanted, found) == []
    assert hidden(found) == f"{DUTCH} and others do not show their settings: give this user the right DescribeConfigs"
