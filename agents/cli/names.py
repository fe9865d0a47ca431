"""Short names of topics, for people who type and read them."""

from __future__ import annotations

import msgspec

from agents.cli.show import visible
from pipeline.config import ConfigError
from pipeline.flow import STAGES
from pipeline.policy.region import NOTHING_LINGUISTIC, OTHER_LANGUAGE, carried
from pipeline.policy.regions import Regions
from schemas.records import Market
from schemas.topics import REVIEW, TOPICS, Topic, review_topic

SHORT = {topic.name.split(".")[1]: topic for topic in TOPICS if topic is not REVIEW}
"""The middle of a topic's name: `incoming`, `decisions`, `task-events`."""

REVIEW_SHORT = "review"
UNSPOKEN = frozenset({NOTHING_LINGUISTIC, OTHER_LANGUAGE})
ALLOWED = f"{', '.join(SHORT)}, {REVIEW_SHORT} (every region) and {REVIEW_SHORT}.<region>"

_REVIEW_HEAD, _REVIEW_TAIL = REVIEW.name.split("{region}")


def named(name: str, regions: Regions) -> list[Topic]:
    """The topics that a short or full name without prefix means. ConfigError if there is none."""
    if name in SHORT:
        return [SHORT[name]]
    if name == REVIEW_SHORT:
        return [review_topic(region.name) for region in regions.regions]
    for topic in TOPICS:
        if name == topic.name and topic is not REVIEW:
            return [topic]
    region = _between(name, f"{REVIEW_SHORT}.", "") or _between(name, _REVIEW_HEAD, _REVIEW_TAIL)
    known = [each.name for each in regions.regions]
    if region in known:
        return [review_topic(region)]
    if region:
        raise ConfigError(f"command line: TOPIC: there is no region {region!r}; allowed are {', '.join(known)}")
    raise ConfigError(f"command line: TOPIC: {name!r} is no topic; allowed are {ALLOWED}, or their full names")


def require_stage(name: str) -> None:
    """Raises ConfigError if there is no such stage."""
    if name not in STAGES:
        raise ConfigError(f"command line: --stage: there is no stage {name!r}; allowed are {', '.join(STAGES)}")


def require_market(name: str) -> None:
    """Raises ConfigError for what no post can have as its market."""
    try:
        msgspec.convert(name, Market)
    except msgspec.ValidationError as error:
        raise ConfigError(f"command line: --market: two capital letters are allowed, such as NL (got {visible(name)!r})") from error


def require_language(tag: str) -> None:
    """Raises ConfigError for a tag that no record has, with the one that is meant if there is one."""
    if tag in UNSPOKEN or (tag and carried(tag) == tag):
        return
    meant = carried(tag)
    allowed = "a language tag is allowed, such as nl" if meant == OTHER_LANGUAGE else f"records have {meant!r}"
    raise ConfigError(f"command line: --language: {allowed} (got {visible(tag)!r})")


def short(full: str, prefix: str) -> str:
    """The short name of a topic of ours, else the name as it is."""
    name = full.removeprefix(prefix)
    for word, topic in SHORT.items():
        if name == topic.name:
            return word
    region = _between(name, _REVIEW_HEAD, _REVIEW_TAIL)
    return f"{REVIEW_SHORT}.{region}" if region else name


def _between(name: str, head: str, tail: str) -> str:
    """What stands between `head` and `tail`, or nothing."""
    return name[len(head) : len(name) - len(tail)] if name.startswith(head) and name.endswith(tail) else ""
