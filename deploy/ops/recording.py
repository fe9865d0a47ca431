"""Recording rules: what dashboards and alerts read instead of the series of every worker."""

from __future__ import annotations

from statistics import NormalDist

from deploy.ops.objectives import Objectives
from deploy.ops.rules import Group, Record, Windows


def recording(goals: Objectives, w: Windows) -> list[Group]:
    """All of them, in the order in which they need each other.

    A share of which the mean of a week is taken has `> 0` at its denominator, so that there is none in quiet hours: 0 / 0 is recorded as
    NaN, and one NaN makes the mean NaN for as long as it is in the week.
    """
    often, seldom = w.of("30s"), w.of("1m")
    return [
        Group("sluice-flow", often, flow(goals, w)),
        Group("sluice-machine", seldom, machine(w)),
        Group("sluice-scores", seldom, scores(w)),
        Group("sluice-audit", seldom, audit(goals, w)),
        Group("sluice-people", seldom, people(w)),
        Group("sluice-verdicts", seldom, verdicts(w)),
    ]


def flow(goals: Objectives, w: Windows) -> list[Record]:
    """Whether posts come, go, and how long that takes."""
    spans = sorted({span for burn in goals.flow.burn for span in (burn.long, burn.short)})
    buckets = f"sum by (le) (rate(sluice_end_to_end_seconds_bucket[{w.short}]))"
    return [
        Record("stage:sluice_posts_in:rate5m", f"sum by (stage) (rate(sluice_posts_in_total[{w.short}]))"),
        Record("stage_result:sluice_posts:rate5m", f"sum by (stage, result) (rate(sluice_posts_total[{w.short}]))"),
        Record("stage_topic:sluice_outputs:rate5m", f"sum by (stage, topic) (rate(sluice_outputs_total[{w.short}]))"),
        Record("stage:sluice_lag_records:sum", "sum by (stage) (sluice_consumer_lag_records)"),
        Record("stage:sluice_oldest_seconds:max", "max by (stage) (sluice_oldest_unprocessed_seconds)"),
        Record("sluice:too_old:bool", f"max(sluice_oldest_unprocessed_seconds) > bool {goals.flow.oldest_seconds:g}"),
        *(Record(f"sluice:too_old:ratio_{span}", f"avg_over_time(sluice:too_old:bool[{w.of(span)}])") for span in spans),
        *(Record(f"sluice:end_to_end_seconds:p{q}", f"histogram_quantile({q / 100:g}, {buckets})") for q in (50, 95, 99)),
        Record(
            "sluice:decided_in_time:ratio_5m",
            f'sum(rate(sluice_end_to_end_seconds_bucket{{le="{float(goals.flow.decided_seconds)}"}}[{w.short}]))'
            f" / sum(rate(sluice_end_to_end_seconds_count[{w.short}]))",
        ),
        Record("stage_reason:sluice_dead_letters:increase1h", f"sum by (stage, reason) (increase(sluice_dead_letters_total[{w.hour}]))"),
        Record("stage_result:sluice_posts:increase1h", f"sum by (stage, result) (increase(sluice_posts_total[{w.hour}]))"),
        Record("stage_code:sluice_restarts:increase15m", f"sum by (stage, code) (increase(sluice_restarts_total[{w.quarter}]))"),
        Record("stage_code:sluice_restarts:most15m", f"max by (stage, code) (increase(sluice_restarts_total[{w.quarter}]))"),
        Record(
            "stage:sluice_busy:ratio_5m",
            f"sum by (stage) (rate(sluice_stage_seconds_sum[{w.short}])) / count by (stage) (sluice_assigned_partitions)",
        ),
        Record(
            "stage:sluice_batch_posts:mean5m",
            f"sum by (stage) (rate(sluice_batch_posts_sum[{w.short}])) / sum by (stage) (rate(sluice_batch_posts_count[{w.short}]))",
        ),
    ]


def machine(w: Windows) -> list[Record]:
    """What is decided, by whom, in which language. Automation is full, or partial where people will look; what people decide has none."""
    alone = 'language_automation:sluice_decisions:rate1h{automation="full"}'
    decided = 'language_automation:sluice_decisions:rate1h{automation=~"full|partial"}'
    return [
        Record("language_automation:sluice_decisions:rate1h", f"sum by (language, automation) (rate(sluice_decisions_total[{w.hour}]))"),
        Record("label_action:sluice_decisions:rate1h", f"sum by (label, action) (rate(sluice_decisions_total[{w.hour}]))"),
        Record("market_action:sluice_decisions:rate1h", f"sum by (market, action) (rate(sluice_decisions_by_market_total[{w.hour}]))"),
        Record(
            "language:sluice_machine:ratio_1h",
            f"(sum by (language) ({alone}) or 0 * sum by (language) ({decided})) / sum by (language) ({decided})",
        ),
        Record("sluice:machine:ratio_1h", f"(sum({alone}) or vector(0)) / (sum({decided}) > 0)"),
        Record("sluice:machine:ratio_7d", f"avg_over_time(sluice:machine:ratio_1h[{w.week}] offset {w.hour})"),
        Record("reason:sluice_unassessed:rate1h", f"sum by (reason) (rate(sluice_unassessed_total[{w.hour}]))"),
        Record("language:sluice_unspoken:increase1h", f"sum by (language) (increase(sluice_unspoken_total[{w.hour}]))"),
        Record("tier_language:sluice_scored:rate1h", f"sum by (tier, language) (rate(sluice_scored_texts_total[{w.hour}]))"),
        Record(
            "sluice:score_cache_hits:ratio_1h",
            f'sum(rate(sluice_score_cache_total{{lookup="hit"}}[{w.hour}])) / sum(rate(sluice_score_cache_total[{w.hour}]))',
        ),
    ]


def scores(w: Windows) -> list[Record]:
    """How the likeliest label's probability lies, now and usually. The drift is the Kolmogorov-Smirnov distance between both."""
    return [
        Record("language:sluice_scores:increase6h", f"sum by (language) (increase(sluice_top_score_ratio_count[{w.six}]))"),
        Record("language:sluice_scores:mean6h",
               f"sum by (language) (increase(sluice_top_score_ratio_sum[{w.six}])) / language:sluice_scores:increase6h"),
        Record("language_le:sluice_scores:share_6h",
               f"sum by (language, le) (increase(sluice_top_score_ratio_bucket[{w.six}]))"
               " / on (language) group_left () (language:sluice_scores:increase6h > 0)"),
        Record("language_le:sluice_scores:share_7d", f"avg_over_time(language_le:sluice_scores:share_6h[{w.week}] offset {w.six})"),
        Record("language:sluice_scores:drift",
               "max by (language) (abs(language_le:sluice_scores:share_6h - language_le:sluice_scores:share_7d))"),
    ]  # fmt: skip


def audit(goals: Objectives, w: Windows) -> list[Record]:
    """The machine's error by language and label, with Wilson's interval (1927): point, lower and upper end, and n.

    The counts are of all time, and fall for a moment while partitions change hands: hence the largest of some minutes, less the largest of
    some weeks ago.
    """
    back, z = w.of(f"{goals.machine.audit_days}d"), NormalDist().inv_cdf(0.5 + goals.machine.audit_confidence / 2)
    p, n = "language_label:sluice_audit_error:ratio", "language_label:sluice_audit_checked:window"
    middle = f"({p} + {z * z / 2:.6f} / {n})"
    half = f"{z:.6f} * sqrt({p} * (1 - {p}) / {n} + {z * z / 4:.6f} / {n} ^ 2)"
    over = f"(1 + {z * z:.6f} / {n})"
    counts = [
        rule
        for what in ("checked", "wrong")
        for rule in (
            Record(f"language_label:sluice_audit_{what}:sum", f"sum by (language, label) (sluice_audit_{what})"),
            Record(
                f"language_label:sluice_audit_{what}:window",
                f"clamp_min(max_over_time(language_label:sluice_audit_{what}:sum[{w.quarter}]) - (max_over_time("
                f"language_label:sluice_audit_{what}:sum[{w.quarter}] offset {back}) or 0 * language_label:sluice_audit_{what}:sum), 0)",
            ),
        )
    ]
    return [
        *counts,
        Record(p, f"language_label:sluice_audit_wrong:window / ({n} > 0)"),
        Record("language_label:sluice_audit_error:low", f"clamp_min(({middle} - {half}) / {over}, 0)"),
        Record("language_label:sluice_audit_error:high", f"({middle} + {half}) / {over}"),
    ]


def people(w: Windows) -> list[Record]:
    """Whether regions keep up. Of the rates of a day and of the last hour the better one counts: a day has the night in it, and an hour
    is right also after a start. Of a region where nothing is open there is no series: it is 0.
    """
    none = "0 * max by (region) (sluice_region_open)"
    return [
        Record("region:sluice_open:sum", f"sum by (region) (sluice_cases_open) or {none}"),
        Record(
            "region:sluice_open:decidable",
            "(region:sluice_open:sum - sum by (region) (sluice_cases_nobody_left)) or region:sluice_open:sum",
        ),
        Record("region:sluice_oldest_seconds:max", f"max by (region) (sluice_cases_oldest_seconds) or {none}"),
        Record("region:sluice_at_work:max", "max by (region) (sluice_region_open)"),
        Record("region:sluice_verdict_age_seconds:min", "time() - max by (region) (sluice_last_verdict_timestamp_seconds)"),
        Record("region:sluice_level_hours:max", "max by (region) (sluice_region_level_seconds) / 3600"),
        Record("region:sluice_arrivals:rate1h", f"sum by (region) (rate(sluice_reviews_total[{w.hour}]))"),
        Record("region_how:sluice_left:rate1h", f"sum by (region, how) (rate(sluice_tasks_left_total[{w.hour}]))"),
        Record("region:sluice_answers:rate1h", f"sum by (region) (rate(sluice_tasks_answered_total[{w.hour}]))"),
        Record("region:sluice_answers:rate1d", f"sum by (region) (rate(sluice_tasks_answered_total[{w.day}]))"),
        Record(
            "region:sluice_answers:best", "(region:sluice_answers:rate1h > region:sluice_answers:rate1d) or region:sluice_answers:rate1d"
        ),
        Record(
            "region:sluice_hours_to_clear:ratio",
            "region:sluice_open:sum / ((region:sluice_answers:best or 0 * region:sluice_open:sum) * 3600) and region:sluice_open:sum > 0"
            " or 0 * region:sluice_open:sum",
        ),
        Record(
            "region:sluice_due:rate1d",  # a task that timed out was to be answered, too
            f'sum by (region) (rate(sluice_tasks_answered_total[{w.day}]) or rate(sluice_tasks_left_total{{how="timed_out"}}[{w.day}]))',
        ),
        Record("region:sluice_in_time:rate1d", f'sum by (region) (rate(sluice_tasks_answered_total{{in_time="true"}}[{w.day}]))'),
        Record("region:sluice_in_time:ratio_1d", "region:sluice_in_time:rate1d / region:sluice_due:rate1d"),
        Record("region:sluice_tasks:increase6h", f"sum by (region) (increase(sluice_reviews_total[{w.six}]))"),
        Record(
            "region:sluice_out_of_language:ratio_6h",
            f'(sum by (region) (increase(sluice_reviews_total{{out_of_language="true"}}[{w.six}])) or 0 * region:sluice_tasks:increase6h)'
            " / region:sluice_tasks:increase6h",
        ),
        Record(  # a move of many tasks within one scrape is no increase: the series of the counter begins with it
            "region:sluice_out_of_language:open", 'sum by (region) (sluice_cases_open{out_of_language="true"})'
        ),
        Record(
            "region:sluice_incomplete:ratio_6h",
            f"sum by (region) (increase(sluice_incomplete_context_total[{w.six}])) / region:sluice_tasks:increase6h",
        ),
        Record("region:sluice_over_capacity:increase6h", f"sum by (region) (increase(sluice_over_capacity_total[{w.six}]))"),
        Record(
            "region:sluice_waited_seconds:p90_1d",
            f"histogram_quantile(0.9, sum by (region, le) (rate(sluice_case_waited_seconds_bucket[{w.day}])))",
        ),
    ]


def verdicts(w: Windows) -> list[Record]:
    """What people say, on what their tools have shown them. The change of the mix is the share of verdicts that go elsewhere."""
    now, usual = "region_outcome:sluice_verdicts:share_6h", "region_outcome:sluice_verdicts:share_7d"
    return [
        Record("region:sluice_verdicts:increase6h", f"sum by (region) (increase(sluice_verdicts_total[{w.six}]))"),
        Record(now,
               f"sum by (region, outcome) (increase(sluice_verdicts_total[{w.six}]))"
               " / on (region) group_left () (region:sluice_verdicts:increase6h > 0)"),
        Record(usual, f"avg_over_time({now}[{w.week}] offset {w.six})"),
        Record("region:sluice_verdict_mix:change",
               f"sum by (region) (abs(({now} or 0 * {usual}) - ({usual} or 0 * {now}))) / 2 and on (region) {usual}"
               " and on (region) region:sluice_verdicts:increase6h > 0"),
        Record("tool:sluice_context:increase6h", f"sum by (tool) (increase(sluice_verdict_context_total[{w.six}]))"),
        Record("tool:sluice_not_shown:ratio_6h",
               f'sum by (tool) (increase(sluice_verdict_context_total{{shown="false"}}[{w.six}])) / tool:sluice_context:increase6h'),
        Record("decided_by:sluice_overturned:rate1d", f"sum by (decided_by, on_appeal) (rate(sluice_overturned_total[{w.day}]))"),
        Record("sluice:enforcement_seconds:p95",
               f"histogram_quantile(0.95, sum by (le) (rate(sluice_enforcement_seconds_bucket[{w.hour}])))"),
    ]  # fmt: skip
