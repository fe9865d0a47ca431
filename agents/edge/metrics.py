"""Every metric, declared once; docs/metrics.md is generated from them. Labels are closed sets: what is outside is counted as `other`."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from schemas.records import Decision, ScoredPost

disable_created_metrics()
REGISTRY = CollectorRegistry(auto_describe=True)
for collector in (ProcessCollector, PlatformCollector, GCCollector):
    collector(registry=REGISTRY)

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
MINUTE, HOUR, DAY = 60, 3600, 86_400
DAYS = (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY)
POSTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
RATIOS = (0.05, 0.2, 0.4, 0.6, 0.8)
OTHER = "other"
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY)


POSTS_IN = _counter("sluice_posts_in_total", "Records read from a stage's topic.", "stage")
POSTS_DONE = _counter(
    "sluice_posts_total", "Records whose outputs the broker has confirmed, by result: ok, dead_letter or stage_error.", "stage", "result"
)
POSTS_OUT = _counter("sluice_outputs_total", "Records that the broker has confirmed, by topic.", "stage", "topic")
STAGE_SECONDS = Histogram(
    "sluice_stage_seconds", "Time to decode, handle and encode one batch.", ("stage",), buckets=SECONDS, registry=REGISTRY
)
BATCH_POSTS = Histogram("sluice_batch_posts", "Posts handled in one go.", ("stage",), buckets=POSTS, registry=REGISTRY)
END_TO_END_SECONDS = Histogram(
    "sluice_end_to_end_seconds", "From the broker's receipt of a post to its decision.", buckets=SECONDS, registry=REGISTRY
)
LAG = _gauge(
    "sluice_consumer_lag_records",
    "Records of the assigned partitions that are not acknowledged; of a partition that does not answer, those known of before.",
    "stage", "topic",
)  # fmt: skip
OLDEST = _gauge("sluice_oldest_unprocessed_seconds", "Age of the oldest record read and not acknowledged; 0 if none.", "stage", "topic")
COMMIT_AGE = _gauge("sluice_commit_age_seconds", "For how long acknowledged work has waited for a commit; 0 if none waits.", "stage")
ASSIGNED = _gauge("sluice_assigned_partitions", "Partitions that this process reads.", "stage")
SILENT = _gauge(
    "sluice_partitions_not_answering", "Of these, those whose broker has not answered for 15 s: what comes is not read.", "stage"
)
REPUBLISHED = _counter("sluice_republished_total", "Records that lay on another partition than their key's, and were put there.", "topic")
TRANSACTIONS = _counter(
    "sluice_transactions_total", "Kafka transactions of the cases stage, by result: committed, fenced or failed.", "result"
)
RESTORE_SECONDS = Histogram(
    "sluice_restore_seconds", "Time to restore the states of a partition number at its assignment.", buckets=SECONDS, registry=REGISTRY
)
STATES = _gauge("sluice_cases_states", "Posts whose state this process holds.")
SCORED = _counter("sluice_scored_texts_total", "Texts that got scores, by the tier of the model that gave them.", "tier", "language")
TOP_SCORE = Histogram(
    "sluice_top_score_ratio", "Probability of the likeliest label of a text.", ("language",), buckets=RATIOS, registry=REGISTRY
)
SCORE_CACHE = _counter(
    "sluice_score_cache_total", "Texts that a tier was asked for, by whether its scores were at hand (hit) or computed (miss).", "lookup"
)
DECISIONS = _counter(
    "sluice_decisions_total",
    "Decisions, by the label that weighed most (none where no rule fired).",
    "action", "language", "label", "automation",
)  # fmt: skip
MARKETS = _counter("sluice_decisions_by_market_total", "Decisions, by the market of the post.", "market", "action")
UNSPOKEN = _counter("sluice_unspoken_total", "Posts in a language that no open region speaks; `und` and `other` are left out.", "language")
UNASSESSED = _counter("sluice_unassessed_total", "Posts that the machine did not assess, or not wholly.", "reason")
CASES_ASKED = _counter("sluice_cases_asked_total", "Times that people were asked about a post, by why.", "purpose")
REVIEWS = _counter(
    "sluice_reviews_total", "Tasks that regions got, those handed on included.", "region", "language", "out_of_language"
)  # fmt: skip
OVER_CAPACITY = _counter("sluice_over_capacity_total", "Tasks for a region that is full, or not at work before they are due.", "region")
INCOMPLETE = _counter("sluice_incomplete_context_total", "Tasks whose conversation is not complete.", "region")
TASKS_LEFT = _counter(
    "sluice_tasks_left_total",
    "Tasks that ended: decided, escalated, handed_on (cannot_judge), timed_out, region_closed or withdrawn.",
    "region", "how",
)  # fmt: skip
ANSWERED = _counter("sluice_tasks_answered_total", "Tasks that people decided or escalated, in time or late.", "region", "in_time")
WAITED_SECONDS = Histogram(
    "sluice_case_waited_seconds", "From when people were first asked to their decision.", ("region",), buckets=DAYS, registry=REGISTRY
)
WAITED_VIEWS = _counter("sluice_waited_views_total", "Views that posts had when people were asked, of tasks that they answered.", "region")
VERDICTS = _counter("sluice_verdicts_total", "Verdicts that counted.", "region", "outcome")
CANNOT_JUDGE = _counter("sluice_cannot_judge_total", "Verdicts that hand a task on, by reason.", "region", "reason")
CONTEXT_SHOWN = _counter(
    "sluice_verdict_context_total",
    "Verdicts by whether the conversation was shown as it was sent (its digest came back), and by whether they may restrict in full.",
    "tool", "shown", "full",
)  # fmt: skip
REFUSED = _counter("sluice_refused_total", "Verdicts, appeals and reports that could not be dealt with, by reason.", "what", "reason")
EXPIRED = _counter("sluice_expired_total", "Events that waited in vain for their post.", "topic")
ERASURES = _counter(
    "sluice_erasures_total",
    "Erasures: done, those that wait until people have decided, were overtaken by an edit meanwhile, or found nothing.",
    "result",
)  # fmt: skip
OVERTURNED = _counter("sluice_overturned_total", "Restrictions that people undid.", "language", "decided_by", "on_appeal")
CONFIRM_SECONDS = Histogram(
    "sluice_enforcement_seconds", "From a decision of the cases stage to the platform's confirmation.", buckets=SECONDS, registry=REGISTRY
)
OPEN = _gauge("sluice_cases_open", "Open tasks.", "region", "language", "out_of_language")
OLDEST_OPEN = _gauge("sluice_cases_oldest_seconds", "How long the oldest open task has waited since people were first asked.", "region")
NOBODY_LEFT = _gauge(
    "sluice_cases_nobody_left", "Open tasks that nobody may decide: all who could see them have decided or handed them on.", "region"
)
UNCONFIRMED = _gauge("sluice_enforcements_overdue", "Decisions that the platform has not confirmed in time.")
BALANCE = _gauge("sluice_cases_balance", "Tasks restored and issued, less those that ended and are open: 0, or a task was lost.")
AUDIT_CHECKED = _gauge("sluice_audit_checked", "Decisions of the machine that people checked without knowing it.", "language", "label")
AUDIT_WRONG = _gauge("sluice_audit_wrong", "Of these, those that people corrected.", "language", "label")
REGION_LEVEL = _gauge(
    "sluice_region_level_seconds", "Within how long a region decides a task of normal priority, by its service level.", "region"
)
REGION_OPEN = _gauge("sluice_region_open", "1 while people of a region are at work, by its hours.", "region")
LAST_VERDICT = _gauge(
    "sluice_last_verdict_timestamp_seconds", "When a verdict of a region counted last, or this process started.", "region"
)
DEAD_LETTERS = _counter("sluice_dead_letters_total", "Records that could not be read.", "stage", "reason")
REBALANCES = _counter("sluice_rebalances_total", "Times that partitions were assigned to this process.", "stage")
RESTARTS = _counter("sluice_restarts_total", "Times that a stage has ended and is started again, by its exit code.", "stage", "code")
BUILD_INFO = _gauge("sluice_build_info", "1, with the versions that run.", "version", "python")
MODEL_INFO = _gauge("sluice_model_info", "1, with the model bundle that scores, one for each tier.", "model", "tier")
POLICY_INFO = _gauge(
    "sluice_policy_info",
    "1, with the policy in force at the start, and the hashes of all its versions, of regions and of roster.",
    "policy", "versions", "regions", "roster",
)  # fmt: skip

BUILD_INFO.labels(version("sluice-moderation"), platform.python_version()).set(1)


@dataclass(frozen=True)
class Closed:
    """A closed set of label values."""

    values: Collection[str]

    def __call__(self, value: str) -> str:
        """`value` if it belongs to the set, else `other`."""
        return value if value in self.values else OTHER


class ScoringMetrics:
    """Counts what scoring scored, and how its probabilities lie. `tiers`: from a model's version to its tier."""

    def __init__(self, tiers: Mapping[str, str], languages: Collection[str]) -> None:
        self._tiers, self._language = tiers, Closed(languages)

    def __call__(self, record: object) -> None:
        """Counts one confirmed output."""
        if isinstance(record, ScoredPost) and record.scores:
            language = self._language(record.language.tag)
            SCORED.labels(self._tiers.get(record.model_version, OTHER), language).inc()
            TOP_SCORE.labels(language).observe(max(record.scores.values()))


def count_cache(hits: int, misses: int) -> None:
    """Counts a batch of look-ups."""
    SCORE_CACHE.labels("hit").inc(hits)
    SCORE_CACHE.labels("miss").inc(misses)


class DecisionMetrics:
    """Counts what routing and people decided. `spoken_until`: languages that regions speak, and when the last of these closes for good."""

    def __init__(
        self, languages: Collection[str], markets: Collection[str], labels: Collection[str], spoken_until: Mapping[str, dt.datetime]
    ) -> None:
        self._language, self._market, self._label = Closed(languages), Closed(markets), Closed({*labels, "none"})
        self._spoken_until = spoken_until
        self._unspoken = set(languages) - {"und", OTHER}
        for language in self._unspoken - spoken_until.keys():  # a series that began with its first count would hide that one
            UNSPOKEN.labels(language)

    def __call__(self, record: object) -> None:
        """Counts one confirmed output."""
        if isinstance(record, Decision):
            label = (record.reasons[0].label if record.reasons else None) or "none"
            action, language = record.action.value, self._language(record.language)
            DECISIONS.labels(action, language, self._label(label), record.automation.value).inc()
            MARKETS.labels(self._market(record.market), action).inc()
            if record.sequence == 0:
                END_TO_END_SECONDS.observe(max(0.0, (record.decided_at - record.received_at).total_seconds()))
                for reason in record.unassessed:
                    UNASSESSED.labels(reason.value).inc()
                if language in self._unspoken and self._spoken_until.get(language, NEVER) <= record.decided_at:
                    UNSPOKEN.labels(language).inc()
