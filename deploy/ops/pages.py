"""The pages: Overview, and Languages and models. Those of people and workers stand in deploy/ops/pages_of_work.py."""

from __future__ import annotations

from deploy.ops.objectives import Objectives
from deploy.ops.pages_of_work import people, workers
from deploy.ops.panels import Limit, Page, Query, Row, Unit, lines, side_by_side, stat, table
from deploy.ops.rules import Windows

COUNT, RATE, SECONDS, SHARE = Unit.COUNT, Unit.RATE, Unit.SECONDS, Unit.SHARE


def pages(goals: Objectives, w: Windows) -> tuple[Page, ...]:
    """In the order in which one looks at them."""
    return overview(goals, w), languages(goals), people(goals, w), workers(goals, w)


def overview(goals: Objectives, w: Windows) -> Page:
    """Ten seconds: do posts flow, do people keep up, is the machine right?"""
    flow, peoples, machine = goals.flow, goals.people, goals.machine
    budget = round(1 - flow.in_time, 6)
    faults = 'stage_result:sluice_posts:increase1h{result=~"dead_letter|stage_error"}'
    return Page("overview", "Sluice: overview", "Whether posts flow, whether people keep up, and whether the machine is right.", (
        Row("Now", side_by_side(
            stat("Alerts", COUNT, 'count(ALERTS{alertstate="firing"}) or vector(0)', "Each has a page in docs/runbooks.", Limit(1)),
            stat("Posts in", RATE, 'sum(stage:sluice_posts_in:rate5m{stage="language"})', "Read from the incoming topic."),
            stat("Decided", RATE, 'sum(stage_result:sluice_posts:rate5m{stage="routing"})', "As many as come in, if all is well."),
            stat("Oldest post", SECONDS, "max(stage:sluice_oldest_seconds:max)", "Waits at some stage.", Limit(flow.oldest_seconds)),
            stat("Decided in time", SHARE, "sluice:decided_in_time:ratio_5m",
                 f"Share of the posts that are decided within {flow.decided_seconds:g} s.", Limit(flow.decided_in_time, below=True)),
            stat("By machine alone", SHARE, "sluice:machine:ratio_1h", "The others go to people."),
            stat("Regions behind", COUNT,
                 f"count(region:sluice_hours_to_clear:ratio > {peoples.clear:g} * region:sluice_level_hours:max) or vector(0)",
                 "They need longer for what is open than their service level allows.", Limit(1)),
            stat("Audit error", SHARE, "max(language_label:sluice_audit_error:low)",
                 "The worst lower end of the intervals: so often the machine is wrong at least.", Limit(machine.audit_error)),
        )),
        Row("Do posts flow?", (
            lines("Posts", RATE, "Done by each stage, dead letters included. The first gap says where it stops.",
                  ("sum by (stage) (stage_result:sluice_posts:rate5m)", "{stage}")),
            lines("Oldest post", SECONDS, "Age of the oldest record at hand, by stage.", ("stage:sluice_oldest_seconds:max", "{stage}"),
                  limit=Limit(flow.oldest_seconds)),
            lines("Latency", SECONDS, "From the broker's receipt of a post to its decision.",
                  *((f"sluice:end_to_end_seconds:p{q}", f"{q} of 100") for q in (50, 95, 99))),
            lines("Records at hand", COUNT, "Not yet acknowledged, by stage.", ("stage:sluice_lag_records:sum", "{stage}")),
            lines("Dead letters and stage errors", COUNT, "In the last hour. `sluice dead-letters list` shows the letters.",
                  (f"sum by (stage, result) ({faults}) > 0", "{stage}: {result}"), limit=Limit(flow.least)),
            lines("Why records are dead letters", COUNT, "In the last hour.",
                  ("sum by (reason) (stage_reason:sluice_dead_letters:increase1h) > 0", "{reason}")),
            lines("Outputs", RATE, "Records that the broker has confirmed, by topic.",
                  ("sum by (topic) (stage_topic:sluice_outputs:rate5m)", "{topic}")),
            lines("Error budget",
                  SHARE, f"What is left of the {budget:.1%} of the time in which a post may be too old; below 0 it is overdrawn.",
                  (f"1 - avg_over_time(sluice:too_old:bool[{w.of('30d')}]) / {budget:g}", "left of 30 days"), limit=Limit(0, below=True)),
            lines("Not assessed", RATE, "Posts that the machine did not assess, or not wholly, by reason.",
                  ("reason:sluice_unassessed:rate1h", "{reason}")),
        )),
        Row("Who decides?", (
            lines("Share decided by machine alone", SHARE, "Against the week before.",
                  ("sluice:machine:ratio_1h", "last hour"), ("sluice:machine:ratio_7d", "week before")),
            lines("Actions", RATE, "Decisions, by action.", ("sum by (action) (label_action:sluice_decisions:rate1h)", "{action}")),
            lines("Open tasks", COUNT, "By region.", ("region:sluice_open:sum", "{region}")),
        )),
        Row("Alerts", (
            table("Firing", "docs/runbooks says what each means and what to do.",
                  Query('max by (alertname, severity, stage, region, language, label, tool, what) (ALERTS{alertstate="firing"})', "fires")),
        )),
    ))  # fmt: skip


def languages(goals: Objectives) -> Page:
    """What the machine sees, how sure it is, and how often it is wrong."""
    error = "language_label:sluice_audit_error"
    audit = goals.machine
    return Page("languages", "Sluice: languages and models", "What the machine sees, how its scores lie, and how often it is wrong.", (
        Row("Now", side_by_side(
            stat("Languages", COUNT, "count(sum by (language) (language_automation:sluice_decisions:rate1h) > 0)",
                  "Seen in the last hour."),
            stat("Nothing linguistic, or unknown", SHARE,
                 'sum(language_automation:sluice_decisions:rate1h{language=~"und|other"})'
                 " / sum(language_automation:sluice_decisions:rate1h)",
                 "Posts in no language that the identifier knows (`other`) or with nothing to identify (`und`)."),
            stat("Spoken by no region", COUNT, "sum(language:sluice_unspoken:increase1h) or vector(0)", "Posts of the last hour.",
                  Limit(goals.flow.least)),
            stat("Worst drift", SHARE, "max(language:sluice_scores:drift)", "Of the scores of a language, against the week before.",
                 Limit(audit.score_drift)),
            stat("Texts from the cache", SHARE, "sluice:score_cache_hits:ratio_1h", "They cost nothing."),
            stat("Settled by the fast tier", SHARE,
                 '(sum(tier_language:sluice_scored:rate1h{tier="fast"}) or vector(0)) / sum(tier_language:sluice_scored:rate1h)',
                 "The others need the accurate model."),
        )),
        Row("Is the machine right?", (
            table(f"Share by machine beside its audit error, {audit.audit_days} days",
                  f"People check a sample without knowing it. The interval is Wilson's, {audit.audit_confidence:.0%} sure; an alert "
                  f"compares its lower end with {audit.audit_error:.0%}.",
                  Query("language_label:sluice_audit_checked:window > 0", "checked (n)"),
                  Query("language_label:sluice_audit_wrong:window", "wrong"),
                  Query(f"{error}:ratio", "error", SHARE),
                  Query(f"{error}:low", "at least", SHARE, Limit(audit.audit_error)),
                  Query(f"{error}:high", "at most", SHARE),
                  Query(f"0 * {error}:ratio + on (language) group_left () language:sluice_machine:ratio_1h", "by machine alone", SHARE),
                  width=14),
            table("Languages", "Posts of the last hour, how many of them the machine decides alone, and how their scores lie.",
                  Query("sum by (language) (language_automation:sluice_decisions:rate1h)", "posts a second", RATE),
                  Query("language:sluice_machine:ratio_1h", "by machine alone", SHARE),
                  Query("language:sluice_scores:mean6h", "mean score", SHARE),
                  Query("language:sluice_scores:drift", "drift", SHARE, Limit(audit.score_drift)), width=10),
        )),
        Row("What does it see?", (
            lines("Volume", RATE, "Posts by language, the ten with most.",
                  ("topk(10, sum by (language) (language_automation:sluice_decisions:rate1h))", "{language}")),
            lines("und and other", RATE, "Posts in no known language, or with nothing to identify.",
                  ('sum by (language) (language_automation:sluice_decisions:rate1h{language=~"und|other"})', "{language}")),
            lines("Spoken by no region", COUNT, "Posts of the last hour, by language.",
                  ("language:sluice_unspoken:increase1h > 0", "{language}")),
            lines("Labels", RATE, "Decisions by the label that weighed most.",
                  ('sum by (label) (label_action:sluice_decisions:rate1h{label!="none"})', "{label}")),
            lines("Limited and removed", RATE, "By label.",
                  ('sum by (label, action) (label_action:sluice_decisions:rate1h{action=~"limit|remove"})', "{label}: {action}")),
            lines("Markets", RATE, "Decisions, the ten with most.", ("topk(10, sum by (market) (market_action:sluice_decisions:rate1h))",
                  "{market}")),
        )),
        Row("How sure is it?", (
            lines("Distribution of scores", SHARE, "Share of the texts whose likeliest label is at most so probable, over all languages.",
                  ("sum by (le) (language_le:sluice_scores:share_6h * on (language) group_left () language:sluice_scores:increase6h)"
                   " / on () group_left () sum(language:sluice_scores:increase6h)", "up to {le}")),
            lines("Mean score", SHARE, "Of the likeliest label, by language.", ("topk(10, language:sluice_scores:mean6h)", "{language}")),
            lines("Drift", SHARE, "Distance of six hours' distribution from the week before, by language.",
                  ("topk(10, language:sluice_scores:drift)", "{language}"), limit=Limit(audit.score_drift)),
            lines("Tiers", RATE, "Texts scored, by the tier that gave the scores.", ("sum by (tier) (tier_language:sluice_scored:rate1h)",
                  "{tier}")),
            lines("By machine alone", SHARE, "By language, the ten with least.",
                  ("bottomk(10, language:sluice_machine:ratio_1h)", "{language}")),
            lines("Texts from the cache", SHARE, "Share that was at hand.", ("sluice:score_cache_hits:ratio_1h", "hits")),
        )),
    ))  # fmt: skip
