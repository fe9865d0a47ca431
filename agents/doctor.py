"""Is everything there that the pipeline needs, and does it run? One finding for each thing, with what to do."""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from agents.edge.app import consumer_group
from agents.edge.bounds import TRANSACTION_MARK
from agents.edge.failures import StopWorker
from agents.edge.letters import letter, marked
from agents.edge.reader import ANSWER_SECONDS, Cluster, Reader, Span, broker_faults, quiet, reading
from agents.edge.security import client_config
from agents.settings import Settings
from agents.topics import MIN_IN_SYNC, compare, configs, few_copies, find_topics, hidden, wanted_topics
from pipeline.config import ConfigError
from pipeline.flow import STAGES
from pipeline.policy.check import Level as PolicyLevel
from pipeline.policy.check import check_all, check_roster, openings
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import Regions, read_regions
from pipeline.policy.roster import lonely, read_roster, unspoken
from pipeline.policy.settled import check_settled
from pipeline.scoring.bundle import GOLDEN, read_bundle
from pipeline.scoring.facts import facts_of
from pipeline.scoring.tiers import read_tiers
from schemas.rights import TRANSACTIONAL
from schemas.topics import COPIES, DEAD_LETTERS, inputs, min_in_sync

Place = tuple[str, int]
"""A topic, with its prefix, and a number of its partitions."""

LAG_WORTH_A_WORD = 10_000
"""Records of a stage that wait: ten seconds of a thousand posts a second."""

KAFKAS_OWN = {
    "__consumer_offsets": "offsets.topic.replication.factor",
    "__transaction_state": "transaction.state.log.replication.factor",
}
"""Topics that Kafka makes for itself, with the setting that says how many copies they get."""

LETTERS_SINCE = dt.timedelta(hours=1)


class Level(enum.Enum):
    """FAIL: the pipeline does not work, or not as promised. WARN: somebody should look."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """One thing that was looked at, and a sentence that says what to do where it is not well."""

    level: Level
    name: str
    sentence: str


def examine(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """Findings as they are made. Needs no broker for the first ones."""
    yield model(settings)
    yield policy(settings, now)
    try:
        regions = read_regions(settings.regions)
    except ConfigError as error:
        yield Finding(Level.FAIL, "regions", str(error))
        return
    closed = [region.name for region in regions.regions if region.closed(now)]
    gone = f", {', '.join(closed)} closed" if closed else ""
    yield Finding(Level.OK, "regions", f"{len(regions.regions)} regions{gone}, {regions.default.name} gets what no other one serves")
    yield roster(settings, regions, now)
    try:
        with reading(client_config(settings)) as reader:
            seen = reader.cluster()
            yield cluster(settings, seen, configs(settings, [name for name in KAFKAS_OWN if name in seen.topics]))
            existing = reader.topics()
            yield from topics(settings, regions)
            yield from groups(settings, reader, existing)
            if settings.topic_prefix + DEAD_LETTERS.name in existing:
                yield dead_letters(settings, reader, now)
    except (StopWorker, ConfigError) as error:
        yield Finding(Level.FAIL, "broker", str(error))


def model(settings: Settings) -> Finding:
    """Hashes and golden scores, of both tiers where there are two."""
    from pipeline.scoring.check import load_verified

    try:
        tiers = read_tiers(settings.model)
        for tier in tiers.values():
            load_verified(tier.directory)
    except ConfigError as error:
        return Finding(Level.FAIL, "model", f"{error}; `sluice model check {settings.model}` says more")
    names = " and ".join(f"{described.bundle.model_version} ({tier.value})" for tier, described in tiers.items())
    if unproven := [each.bundle.model_version for each in tiers.values() if not (each.directory / GOLDEN).exists()]:
        said = f"{names}: hashes are right; {unproven[0]} has no {GOLDEN}, so nobody knows whether this processor shifts its scores"
        return Finding(Level.WARN, "model", said)
    return Finding(Level.OK, "model", f"{names}: hashes and golden scores are right")


def policy(settings: Settings, now: dt.datetime) -> Finding:
    """The policy, whether it fits regions and model, and what the evidence in force at `now` lets the machine do."""
    try:
        policies, regions, bundle = read_policies(settings.policy), read_regions(settings.regions), read_bundle(settings.model)
    except ConfigError as error:
        return Finding(Level.FAIL, "policy", str(error))
    facts = facts_of(bundle)
    found = [*check_all(policies, regions, facts), *check_settled(policies, bundle.settle_below)]
    names = ", ".join(version.id for version in policies.policies)
    if errors := [each.text for each in found if each.level is PolicyLevel.ERROR]:
        return Finding(Level.FAIL, "policy", f"{errors[0]}; `sluice policy check` shows all {len(errors)} errors")
    remarks = f"; remarks of `sluice policy check` on policy and regions: {len(found)}" if found else ""
    alone = "; ".join(openings(policies.at(now), facts)) or "nothing"
    return Finding(Level.OK, "policy", f"{names} fits model and regions; alone the machine may {alone}{remarks}")


def roster(settings: Settings, regions: Regions, now: dt.datetime) -> Finding:
    """Whether there are people, and whether somebody in each region that is open speaks what it is to, in tags that posts have."""
    try:
        people = read_roster(settings.roster, regions)
    except ConfigError as error:
        return Finding(Level.FAIL, "roster", f"{error}; `SLUICE_ROSTER` names the file, docs/regions.md says what is in it")
    said = []
    if simulated := people.simulated:
        said.append(f"reviewers who do not exist: {len(simulated)}, {simulated[0].id} for one: put your own people there (docs/regions.md)")
    if missing := list(unspoken(people, regions, now)):
        pairs = ", ".join(f"{language} in {region}" for region, language in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        said.append(f"nobody speaks {pairs}{more}: what is decided there only limits")
    if alone := list(lonely(people, regions, now)):
        more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
        said.append(f"only one person speaks {', '.join(alone[:5])}{more}: nobody else could answer an appeal")
    said += [remark.text for remark in check_roster(people)]
    well = f"reviewers: {len(people.reviewers)}; each region speaks its languages"
    return Finding(Level.WARN if said else Level.OK, "roster", "; ".join(said) or well)


def cluster(settings: Settings, found: Cluster, own: Mapping[str, Mapping[str, str] | None]) -> Finding:
    """Whether it can lose a broker: how many there are, and whether Kafka's own topics have copies enough, of which enough must have a
    record. Those topics may not be seen, nor their settings, `own`.
    """
    copies = {name: found.topics[name].copies for name in KAFKAS_OWN if name in found.topics}
    few = [name for name, count in copies.items() if count < min(COPIES, found.brokers)]
    if few:
        what = f"{few[0]} has {copies[few[0]]} of {COPIES} copies: without that broker positions are gone, and posts are decided twice"
        said = f"{settings.broker} answers; {what}: `kafka-reassign-partitions.sh` gives it more, {KAFKAS_OWN[few[0]]} is for new clusters"
        return Finding(Level.WARN, "broker", said)
    for name, count in copies.items():
        in_sync = int((own.get(name) or {}).get(MIN_IN_SYNC, min_in_sync(count)))
        if in_sync < min_in_sync(count) or in_sync >= count > 1:
            what = "a record of one broker alone counts as written" if in_sync < count - 1 else "with one broker away nothing is written"
            said = f"{settings.broker} answers; {name} has {MIN_IN_SYNC}={in_sync} of {count} copies: {what}; `kafka-configs.sh` changes it"
            return Finding(Level.WARN, "broker", said)
    said = "" if found.brokers >= COPIES else f"; brokers: {found.brokers}, so a lost disk loses posts"
    return Finding(Level.OK, "broker", f"{settings.broker} answers{said}")


def topics(settings: Settings, regions: Regions) -> Iterator[Finding]:
    """Existence, partitions, settings."""
    wanted = wanted_topics(settings, regions)
    found = find_topics(settings, wanted)
    if missing := [topic.name for topic in wanted if topic.name not in found.topics]:
        yield Finding(
            Level.FAIL, "topics", f"{len(missing)} of {len(wanted)} do not exist, {missing[0]} for one: run `sluice topics create`"
        )
    else:
        yield Finding(Level.OK, "topics", f"all {len(wanted)} exist")
    if said := hidden(found.topics):
        yield Finding(Level.WARN, "settings", said)
    if said := few_copies(settings, found):
        yield Finding(Level.WARN, "copies", said)
    differences = [each for each in compare(wanted, found, settings.broker) if each.topic in found.topics]
    for each in differences:
        yield Finding(Level.FAIL if each.serious else Level.WARN, "topics", f"{each.topic} {each.what}: {each.remedy}")
    if found.topics and not differences:
        yield Finding(Level.OK, "partitions", "equal where they must be, and as many as in docs/topics.md")


def groups(settings: Settings, reader: Reader, existing: Mapping[str, int]) -> Iterator[Finding]:
    """Per stage: are there workers, and how far behind are they in all that they read?"""
    workers: dict[str, int | None] = {}
    places: dict[str, tuple[Mapping[Place, int], Mapping[Place, Span]]] = {}
    for stage in STAGES:
        sources = [name for topic in inputs(stage) if (name := settings.topic_prefix + topic.name) in existing]
        if not sources:
            continue
        group = consumer_group(settings, stage)
        partitions = [(name, number) for name in sources for number in range(existing[name])]
        committed = committed_offsets(settings, group, partitions)  # waits for the group's broker, which `members` does not
        places[stage] = committed, all_spans(reader, sources)  # after the positions: the ends only grow
        workers[stage] = members(settings, group)
    none_at_all = set(workers.values()) == {0}
    for stage, count in workers.items():
        yield judge_group(stage, count, *places[stage], start="sluice worker" if none_at_all else f"sluice worker --stages {stage}")


def all_spans(reader: Reader, topics: Iterable[str]) -> dict[Place, Span]:
    """What each partition of these existing topics holds."""
    return {(topic, number): span for topic in topics for number, span in reader.spans(topic).items()}


def judge_group(stage: str, workers: int | None, committed: Mapping[Place, int], spans: Mapping[Place, Span], start: str) -> Finding:
    """Pure. `workers` None: the broker does not say. A partition that is not in `committed` was never read. `start`: what starts one."""
    mark = TRANSACTION_MARK if stage == TRANSACTIONAL else 0
    lost = [place for place, offset in committed.items() if not spans[place].low - mark <= offset <= spans[place].high]
    lag = sum(max(0, span.high - max(span.low, committed.get(place, 0))) for place, span in spans.items())
    name = f"stage {stage}"
    if lost:
        topic, number = first = min(lost)
        return Finding(
            Level.FAIL,
            name,
            f"its position in {len(lost)} of {len(spans)} partitions is outside what the topic holds, in {topic}[{number}] for one: it is "
            f"{committed[first]}, and the log goes from {spans[first].low} to {spans[first].high}: records are gone unread, or the topic "
            "was made anew; a worker stops with exit code 75 until `kafka-consumer-groups.sh --reset-offsets` sets the group's offsets",
        )
    if workers == 0:
        return Finding(Level.WARN, name, f"no worker runs it, {lag} records wait: start one with `{start}`")
    who = "workers unknown" if workers is None else f"{workers} worker{'s' if workers > 1 else ''}"
    if lag > LAG_WORTH_A_WORD:
        return Finding(Level.WARN, name, f"{who}, {lag} records wait: if that grows, start another `{start}`")
    return Finding(Level.OK, name, f"{who}, {lag} records wait")


def committed_offsets(settings: Settings, group: str, places: Iterable[Place]) -> dict[Place, int]:
    """The group's positions there; where it has none, the place is left out."""
    consumer = ck.Consumer({**quiet(client_config(settings), lambda _: None), "group.id": group, "enable.auto.commit": False})
    try:
        with broker_faults(f"group {group}"):
            found = consumer.committed([ck.TopicPartition(*place) for place in places], timeout=ANSWER_SECONDS)
    finally:
        consumer.close()
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}


def members(settings: Settings, group: str) -> int | None:
    """Members of a group; None where the broker does not tell."""
    admin = AdminClient(quiet(client_config(settings), lambda _: None))
    try:
        description = admin.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS)[group].result(ANSWER_SECONDS + 1)
    except ck.KafkaException as error:
        return 0 if error.args[0].code() == ck.KafkaError.GROUP_ID_NOT_FOUND else None
    return len(description.members)


def dead_letters(settings: Settings, reader: Reader, now: dt.datetime) -> Finding:
    """Those of the last hour, by reason."""
    name = settings.topic_prefix + DEAD_LETTERS.name
    spans = reader.spans(name)
    starts = {number: offset for number, offset in reader.since(name, now - LETTERS_SINCE).items() if offset >= 0}
    recent = [ck.TopicPartition(name, number, offset) for number, offset in starts.items() if offset < spans[number].high]
    reasons = Counter(letter(entry).reason for entry in reader.entries(recent, headers=True) if marked(entry) is None)
    if not reasons:
        return Finding(Level.OK, "dead letters", "none in the last hour")
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return Finding(Level.WARN, "dead letters", f"in the last hour {counts}: look at them with `sluice dead-letters list`")
