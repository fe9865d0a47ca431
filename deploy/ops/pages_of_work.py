"""The pages of those who work: people in their regions, and the workers that run the stages."""

from __future__ import annotations

from deploy.ops.objectives import Objectives
from deploy.ops.panels import Limit, Page, Query, Row, Unit, lines, side_by_side, stat, table
from deploy.ops.rules import Windows

COUNT, RATE, SECONDS, HOURS, SHARE, BYTES = Unit.COUNT, Unit.RATE, Unit.SECONDS, Unit.HOURS, Unit.SHARE, Unit.BYTES
JOB = 'job="sluice"'


def people(goals: Objectives, w: Windows) -> Page:
    """Per region: what comes, what goes, what waits, and on what people judge."""
    aim = goals.people
    return Page("people", "Sluice: people", "Whether regions keep up, whether they can judge, and what becomes of it.", (
        Row("Now", side_by_side(
            stat("Open tasks", COUNT, "sum(region:sluice_open:sum)", "Of all regions."),
            stat("Regions at work", COUNT, "sum(region:sluice_at_work:max)", "By their hours."),
            stat("Answered in time", SHARE,
                 "sum(region:sluice_in_time:rate1d) / sum(region:sluice_due:rate1d)",
                 "By the service levels, of the last day; a task that times out was not.", Limit(aim.in_time, below=True)),
            stat("Not confirmed", COUNT, "sum(sluice_enforcements_overdue)",
                 "Decisions that the platform has not confirmed in time.", Limit(aim.unconfirmed)),
            stat("Lost or counted twice", COUNT, "sum(abs(sluice_cases_balance))", "Tasks. Anything but 0 is a mistake.", Limit(1)),
            stat("Views while waiting", RATE, f"sum(rate(sluice_waited_views_total[{w.day}]))",
                  "Of posts that people decided late or not yet."),
        )),
        Row("Do regions keep up?", (
            table("Regions", "Hours to clear: what is open, at the pace of the last day or hour, whichever is better.",
                  Query("region:sluice_at_work:max", "at work"),
                  Query("region:sluice_arrivals:rate1h * 3600", "come an hour"),
                  Query('sum by (region) (region_how:sluice_left:rate1h{how=~"decided|escalated"}) * 3600', "answered an hour"),
                  Query("region:sluice_open:sum", "open"),
                  Query("region:sluice_oldest_seconds:max", "oldest", SECONDS),
                  Query("region:sluice_hours_to_clear:ratio", "hours to clear", HOURS),
                  Query("region:sluice_level_hours:max", "service level", HOURS),
                  Query("region:sluice_in_time:ratio_1d", "in time", SHARE, Limit(aim.in_time, below=True)),
                  Query("region:sluice_waited_seconds:p90_1d", "90 of 100 waited", SECONDS),
                  Query("region:sluice_out_of_language:ratio_6h", "out of language", SHARE, Limit(aim.out_of_language)),
                  Query("region:sluice_incomplete:ratio_6h", "incomplete", SHARE, Limit(aim.incomplete)),
                  Query("region:sluice_over_capacity:increase6h", "over capacity, 6 h", COUNT, Limit(1)),
                  Query("region:sluice_verdict_age_seconds:min", "last verdict", SECONDS),
                  Query("region:sluice_verdict_mix:change", "change of mix", SHARE, Limit(aim.mix_change))),
            lines("Open", COUNT, "By region.", ("region:sluice_open:sum", "{region}")),
            lines("Hours to clear", HOURS, "By region.", ("region:sluice_hours_to_clear:ratio", "{region}")),
            lines("Oldest task", SECONDS, "By region.", ("region:sluice_oldest_seconds:max", "{region}")),
            lines("Open, by language", COUNT, "The ten with most.", ("topk(10, sum by (language) (sluice_cases_open))", "{language}")),
            lines("How tasks end", RATE, "Of all regions.", ("sum by (how) (region_how:sluice_left:rate1h)", "{how}")),
            lines("Why people are asked", RATE, "Reviews, audits, reports, confirmations, appeals.",
                  (f"sum by (purpose) (rate(sluice_cases_asked_total[{w.hour}]))", "{purpose}")),
        )),
        Row("Can they judge?", (
            lines("Context not shown", SHARE, "Verdicts whose tool did not show the conversation as it was sent.",
                  ("tool:sluice_not_shown:ratio_6h", "{tool}"), limit=Limit(aim.not_shown)),
            lines("Out of language", SHARE, "Tasks in a language that the region does not speak.",
                  ("region:sluice_out_of_language:ratio_6h", "{region}"),
                  ("region:sluice_out_of_language:open / region:sluice_open:sum", "{region}: open"), limit=Limit(aim.out_of_language)),
            lines("Handed on", RATE, "Verdicts `cannot_judge`, by reason.",
                  (f"sum by (reason) (rate(sluice_cannot_judge_total[{w.hour}]))", "{reason}")),
        )),
        Row("What do they say?", (
            lines("Verdicts", SHARE, "Share of each outcome, over all regions.",
                  (f"sum by (outcome) (increase(sluice_verdicts_total[{w.six}])) / on () group_left ()"
                   f" sum(increase(sluice_verdicts_total[{w.six}]))",
                   "{outcome}")),
            lines("Change of the mix", SHARE, "Share of a region's verdicts that go elsewhere than in the week before.",
                  ("region:sluice_verdict_mix:change", "{region}"), limit=Limit(aim.mix_change)),
            lines("Overturned", RATE, "Restrictions that people undid, by who had decided.",
                  ("sum by (decided_by, on_appeal) (decided_by:sluice_overturned:rate1d)", "{decided_by}, on appeal: {on_appeal}")),
            lines("Refused", RATE, "Verdicts, appeals and reports that could not be dealt with.",
                  (f"sum by (what, reason) (rate(sluice_refused_total[{w.hour}]))", "{what}: {reason}")),
            lines("Waited in vain, and erased", RATE, "Events whose post never came; requests to erase, by what became of them.",
                  (f"sum by (topic) (rate(sluice_expired_total[{w.hour}]))", "{topic}"),
                  (f"sum by (result) (rate(sluice_erasures_total[{w.hour}]))", "erasure: {result}")),
            lines("Confirmed within", SECONDS, "95 of 100 decisions, by the platform.", ("sluice:enforcement_seconds:p95", "95 of 100")),
        )),
    ))  # fmt: skip


def workers(goals: Objectives, w: Windows) -> Page:
    """The processes, and whether they are alike."""
    return Page("workers", "Sluice: workers", "The processes: how busy they are, what they need, and whether they are alike.", (
        Row("Now", side_by_side(
            stat("Processes", COUNT, f"count(up{{{JOB}}} == 1)", "That answer Prometheus."),
            stat("Without an answer", COUNT, f"count(up{{{JOB}}} == 0) or vector(0)", "The same, of those that should.", Limit(1)),
            stat("Restarts", COUNT, "round(max(stage_code:sluice_restarts:most15m)) or vector(0)",
                 "Of the stage of a worker that ended most often in 15 minutes.", Limit(goals.flow.restarts)),
            stat("Policies", COUNT, "count(count by (versions, regions, roster) (sluice_policy_info))",
                  "Versions of policy, regions or roster at work.", Limit(2)),
            stat("Models", COUNT, 'count(count by (model) (sluice_model_info{tier="accurate"}))', "At work in the accurate tier.",
                  Limit(2)),
            stat("Series", COUNT, f"sum(scrape_samples_scraped{{{JOB}}})", "That Prometheus keeps of Sluice."),
        )),
        Row("Are they alike?", (
            table("Policy, regions, roster",
                  "Hashes of the files, and the policy in force at the start. One row, if all workers are alike.",
                  Query("count by (policy, versions, regions, roster) (sluice_policy_info)", "processes"), width=12),
            table("Models and program", "One row for each tier, and one for the program.",
                  Query("count by (model, tier) (sluice_model_info) or count by (version, python) (sluice_build_info)", "processes"),
                  width=12),
        )),
        Row("How busy are they?", (
            lines("Busy", SHARE, "Share of the time that a stage handles batches. Near 100%, start more; cases handles several at once.",
                  ("stage:sluice_busy:ratio_5m", "{stage}")),
            lines("Batches", COUNT, "Posts handled in one go, on average.", ("stage:sluice_batch_posts:mean5m", "{stage}")),
            lines("CPU", COUNT, "Cores, by stage.",
                  (f"sum by (stage) (rate(process_cpu_seconds_total{{{JOB}}}[{w.short}])"
                   " * on (instance) group_left (stage) (sluice_assigned_partitions >= bool 0))", "{stage}")),
            lines("Memory", BYTES, "Of each process, the ten with most.",
                  (f"topk(10, process_resident_memory_bytes{{{JOB}}})", "{instance}")),
            lines("Open files", COUNT, "Of each process, the ten with most.", (f"topk(10, process_open_fds{{{JOB}}})", "{instance}")),
            lines("Series", COUNT, "Of each process, the ten with most.", (f"topk(10, scrape_samples_scraped{{{JOB}}})", "{instance}")),
        )),
        Row("Do they hold?", (
            lines("Processes", COUNT, "By stage.", ("count by (stage) (sluice_assigned_partitions)", "{stage}")),
            lines("Partitions", COUNT, "Assigned, by stage: as many as the stage's topics have. Of these, those whose broker is silent.",
                  ("sum by (stage) (sluice_assigned_partitions)", "{stage}"),
                  ("sum by (stage) (sluice_partitions_not_answering)", "{stage}: not answering")),
            lines("Rebalances", COUNT, "Assignments in the last hour.", (f"sum by (stage) (increase(sluice_rebalances_total[{w.hour}]))",
                  "{stage}")),
            lines("Commit age", SECONDS, "For how long acknowledged work has waited for a commit.",
                  ("max by (stage) (sluice_commit_age_seconds)", "{stage}")),
            lines("Restarts", COUNT, "Of stages in 15 minutes, by exit code.",
                  ("stage_code:sluice_restarts:increase15m > 0", "{stage}: {code}")),
            lines("Transactions", RATE, "Of the cases stage.",
                  (f"sum by (result) (rate(sluice_transactions_total[{w.short}]))", "{result}")),
            lines("Restoring", SECONDS, "States of a partition number: 95 of 100 assignments within.",
                  (f"histogram_quantile(0.95, sum by (le) (rate(sluice_restore_seconds_bucket[{w.day}])))", "95 of 100")),
            lines("States", COUNT, "Posts whose case is held in memory.", ("sum(sluice_cases_states)", "posts")),
            lines("Moved to their partition", RATE, "Records that lay on another partition than their key's.",
                  (f"sum by (topic) (rate(sluice_republished_total[{w.hour}]))", "{topic}")),
        )),
    ))  # fmt: skip
