"""Counts what happens to cases, and shows what is open. Gauges are of the partitions that this process owns now."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import singledispatchmethod
from typing import NamedTuple

from prometheus_client import Gauge

from agents.edge import metrics
from agents.edge.metrics import Closed, DecisionMetrics
from pipeline.cases.facts import Asked, Confirmed, Erased, Expired, Fact, Judged, Leaving, Left, Overturned, Refused
from pipeline.cases.rules import Rules
from pipeline.cases.shard import Shard
from pipeline.cases.spec import Machine
from pipeline.language.languages import INSEPARABLE, LANGUAGES, OTHER, UNDETERMINED
from pipeline.policy.policy import PolicySet
from pipeline.policy.regions import Regions

ANSWERS = frozenset({Leaving.DECIDED, Leaving.ESCALATED})


class Held(NamedTuple):
    """What a shard holds. `open`: tasks by region, language and whether it is out of language; `oldest`: by region, when the first of them
    was asked for; `nobody_left`: by region, those that nobody may decide.
    """

    open: Counter[tuple[str, str, bool]]
    oldest: dict[str, dt.datetime]
    nobody_left: Counter[str]
    overdue: int
    balance: int
    audits: dict[tuple[str, str], tuple[int, int]]


def held(machine: Machine) -> Held:
    """Of one shard; called on its owner's thread."""
    if not isinstance(machine, Shard):
        raise TypeError(f"{type(machine).__name__} is no Shard")
    waiting = [each for region in machine.open.values() for each in region.values()]
    return Held(
        Counter((each.region, each.language, each.out_of_language) for each in waiting),
        {region: min(each.asked_at for each in found.values()) for region, found in machine.open.items() if found},
        Counter(each.region for each in waiting if each.nobody_left),
        len(machine.overdue),
        machine.balance,
        dict(machine.audits),
    )


def decision_metrics(policies: PolicySet, regions: Regions) -> DecisionMetrics:
    """With the closed sets of languages, markets and labels that the configuration knows."""
    return DecisionMetrics(
        languages={*LANGUAGES, OTHER, UNDETERMINED},
        markets={market for region in regions.regions for market in region.markets},
        labels={label for policy in policies.policies for label in policy.labels},
        spoken_until=spoken_until(regions),
    )


def spoken_until(regions: Regions) -> dict[str, dt.datetime]:
    """By language: when the last region that speaks it, or one that it cannot be told apart from, closes for good."""
    until: dict[str, dt.datetime] = {}
    for region in regions.regions:
        closes = region.closed_since or dt.datetime.max.replace(tzinfo=dt.UTC)
        for tag in {*region.languages, *(INSEPARABLE if set(INSEPARABLE) & set(region.languages) else ())}:
            until[tag] = max(closes, until.get(tag, closes))
    return until


class CaseMetrics:
    """Of the cases stage in this process."""

    def __init__(self, rules: Rules, now: Callable[[], float] = time.time) -> None:
        self._rules, self._now = rules, now
        self._language = Closed({*LANGUAGES, OTHER, UNDETERMINED})
        self._tool = Closed({"none"}.union(*(policy.people.tools for policy in rules.policies.policies)))
        self._label = Closed({"none", *(label for policy in rules.policies.policies for label in policy.labels)})
        self._decided = decision_metrics(rules.policies, rules.regions)
        for region in rules.regions.regions:
            metrics.LAST_VERDICT.labels(region.name).set(now())
            metrics.REGION_LEVEL.labels(region.name).set(region.levels.normal * metrics.HOUR)
            for counter in (metrics.OVER_CAPACITY, metrics.INCOMPLETE):  # a series that began with its first count would hide that one
                counter.labels(region.name)
        for tool in self._tool.values:
            metrics.CONTEXT_SHOWN.labels(tool, "false", "false")

    def observe(self, record: object) -> None:
        """Counts one committed output."""
        self._decided(record)

    def show(self, shards: Sequence[Held]) -> None:
        """Sets the gauges; of what is no longer held nothing is left."""
        open_tasks = sum((each.open for each in shards), Counter[tuple[str, str, bool]]())
        self._fill(metrics.OPEN, (((region, self._language(tag), _word(out)), n) for (region, tag, out), n in open_tasks.items()))
        oldest: dict[str, dt.datetime] = {}
        for each in shards:
            for region, asked_at in each.oldest.items():
                oldest[region] = min(asked_at, oldest.get(region, asked_at))
        self._fill(metrics.OLDEST_OPEN, (((region,), max(0.0, self._now() - at.timestamp())) for region, at in oldest.items()))
        for known in self._rules.regions.regions:
            metrics.NOBODY_LEFT.labels(known.name).set(sum(each.nobody_left[known.name] for each in shards))
        metrics.UNCONFIRMED.set(sum(each.overdue for each in shards))
        metrics.BALANCE.set(sum(each.balance for each in shards))
        checked, wrong = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for each in shards:
            for (tag, label), (n, bad) in each.audits.items():
                key = self._language(tag), self._label(label)
                checked[key] += n
                wrong[key] += bad
        self._fill(metrics.AUDIT_CHECKED, checked.items())
        self._fill(metrics.AUDIT_WRONG, ((key, wrong[key]) for key in checked))
        now = dt.datetime.fromtimestamp(self._now(), dt.UTC)
        for known in self._rules.regions.regions:
            metrics.REGION_OPEN.labels(known.name).set(known.is_open(now))

    @staticmethod
    def _fill(gauge: Gauge, values: Iterable[tuple[tuple[str, ...], float]]) -> None:
        found: dict[tuple[str, ...], float] = {}
        for key, value in values:
            found[key] = found.get(key, 0.0) + value
        gauge.clear()
        for key, value in found.items():
            gauge.labels(*key).set(value)

    @singledispatchmethod
    def count(self, fact: Fact) -> None:
        """Counts one committed fact; an audit is counted by the shard."""

    @count.register
    def _(self, fact: Asked) -> None:
        if not fact.anew:
            metrics.CASES_ASKED.labels(fact.purpose.value).inc()
        metrics.REVIEWS.labels(fact.region, self._language(fact.language), _word(fact.out_of_language)).inc()
        if fact.over_capacity:
            metrics.OVER_CAPACITY.labels(fact.region).inc()
        if not fact.complete:
            metrics.INCOMPLETE.labels(fact.region).inc()

    @count.register
    def _(self, fact: Left) -> None:
        metrics.TASKS_LEFT.labels(fact.region, fact.how.value).inc()
        if fact.how in ANSWERS:
            metrics.ANSWERED.labels(fact.region, _word(fact.in_time)).inc()
            metrics.WAITED_VIEWS.labels(fact.region).inc(fact.views)
            metrics.WAITED_SECONDS.labels(fact.region).observe(fact.waited)

    @count.register
    def _(self, fact: Judged) -> None:
        metrics.VERDICTS.labels(fact.region, fact.outcome.value).inc()
        metrics.CONTEXT_SHOWN.labels(self._tool(fact.tool), _word(fact.shown), _word(fact.full)).inc()
        metrics.LAST_VERDICT.labels(fact.region).set(self._now())
        if fact.cannot_judge is not None:
            metrics.CANNOT_JUDGE.labels(fact.region, fact.cannot_judge.value).inc()

    @count.register
    def _(self, fact: Refused) -> None:
        metrics.REFUSED.labels(fact.what, fact.reason).inc()

    @count.register
    def _(self, fact: Overturned) -> None:
        decided_by = "machine" if fact.by_machine else "person"
        metrics.OVERTURNED.labels(self._language(fact.language), decided_by, _word(fact.on_appeal)).inc()

    @count.register
    def _(self, fact: Confirmed) -> None:
        metrics.CONFIRM_SECONDS.observe(fact.seconds)

    @count.register
    def _(self, fact: Expired) -> None:
        metrics.EXPIRED.labels(fact.topic).inc()

    @count.register
    def _(self, fact: Erased) -> None:
        metrics.ERASURES.labels(fact.result.value).inc()


def _word(value: bool) -> str:
    return str(value).lower()
