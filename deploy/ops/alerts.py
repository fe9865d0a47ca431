"""All alerts, in one list: what is asked, how long it must hold, whom it wakes, and the page that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

from agents.edge.watchdog import COMMIT_AGE_LIMIT_SECONDS
from deploy.ops.objectives import Flow, MachineGoals, Objectives, People
from deploy.ops.rules import Alert, Group, Windows
from pipeline.flow import STAGES

PAGE, TICKET = "page", "ticket"
NOW, HOURS = "{{ $value | humanizeDuration }}", '{{ $value | printf "%.1f" }} hours'
SHARE, NUMBER = "{{ $value | humanizePercentage }}", '{{ $value | printf "%.0f" }}'


def alerting(goals: Objectives, w: Windows) -> list[Group]:
    """The groups of the file."""
    return [
        Group("sluice-alerts-flow", w.of("30s"), [*waiting(goals.flow, w), *faults(goals.flow), *processes(goals.flow, w)]),
        Group("sluice-alerts-people", w.of("1m"), [*regions(goals.people, w), *reviews(goals.people, w)]),
        Group("sluice-alerts-machine", w.of("1m"), list(machine(goals.machine, goals.flow.least, w))),
    ]


def waiting(flow: Flow, w: Windows) -> Iterator[Alert]:
    """Posts wait."""
    out = 'sum(stage_result:sluice_posts:rate5m{stage="routing"})'
    waits, comes = 'sum(stage:sluice_lag_records:sum{stage!="cases"}) > 0', 'sum(stage:sluice_posts_in:rate5m{stage!="cases"}) > 0'
    yield Alert(
        "SluiceNothingFlows",
        f"({out} or vector(0)) == 0 and on () ({waits} or {comes})",
        PAGE,
        f"No post has been decided for {flow.quiet}, though posts wait or come in.",
        "nothing-flows",
        w.of(flow.quiet),
    )
    for burn in flow.burn:
        limit = round(burn.rate * (1 - flow.in_time), 6)
        yield Alert(
            "SluiceOldestPostTooOld",
            f"sluice:too_old:ratio_{burn.long} > {limit} and sluice:too_old:ratio_{burn.short} > {limit}",
            PAGE,
            f"In {SHARE} of the last {burn.long} some post had waited for more than {flow.oldest_seconds:g} s: "
            f"the budget of 30 days burns more than {burn.rate:g} times too fast.",
            "oldest-post-too-old",
            labels={"burn": f"{burn.rate:g}"},
        )


def faults(flow: Flow) -> Iterator[Alert]:
    """Records that cannot be read or handled."""
    total = "sum by (stage) (stage_result:sluice_posts:increase1h)"
    for name, result, limit, runbook, what in (
        ("SluiceDeadLetters", "dead_letter", flow.dead_letters, "dead-letters", "could not be read"),
        ("SluiceStageErrors", "stage_error", flow.stage_errors, "stage-errors", "failed, and went on as not assessed"),
    ):
        found = f'sum by (stage) (stage_result:sluice_posts:increase1h{{result="{result}"}})'
        yield Alert(
            name,
            f"{found} / {total} > {limit:g} and {found} >= {flow.least}",
            TICKET,
            f"{SHARE} of the records that {{{{ $labels.stage }}}} read in the last hour {what}.",
            runbook,
        )


def processes(flow: Flow, w: Windows) -> Iterator[Alert]:
    """Stages that do not run, or run and do nothing."""
    yield Alert(
        "SluiceStageDown",
        " or ".join(f'absent(sluice_assigned_partitions{{stage="{stage}"}})' for stage in STAGES),
        PAGE,
        f"No process of the stage {{{{ $labels.stage }}}} has been seen for {flow.down}.",
        "stage-down",
        w.of(flow.down),
    )
    yield Alert(
        "SluiceProcessUnreachable",
        'up{job="sluice"} == 0',
        TICKET,
        "{{ $labels.instance }} does not answer Prometheus.",
        "process-unreachable",
        w.of("5m"),
    )
    yield Alert(
        "SluiceStageRestarting",
        f"stage_code:sluice_restarts:most15m >= {flow.restarts} - 0.5",
        TICKET,
        f"The stage {{{{ $labels.stage }}}} of one worker ended {NUMBER} times within 15 minutes: {{{{ $labels.code }}}}.",
        "stage-restarting",
    )
    yield Alert(
        "SluiceStageStuck",
        "stage:sluice_lag_records:sum > 0 and on (stage) sum by (stage) (stage_result:sluice_posts:rate5m) == 0",
        PAGE,
        f"{NUMBER} records wait for the stage {{{{ $labels.stage }}}}, and none has been done for {flow.stuck}.",
        "stage-stuck",
        w.of(flow.stuck),
    )
    yield Alert(
        "SluicePartitionNotAnswering",
        "sum by (stage) (sluice_partitions_not_answering) > 0",
        PAGE,
        f"{NUMBER} partitions that the stage {{{{ $labels.stage }}}} reads have not answered for {flow.down}: what comes there waits.",
        "partition-not-answering",
        w.of(flow.down),
    )
    yield Alert(
        "SluiceNotCommitting",
        f"max by (stage) (sluice_commit_age_seconds) > {COMMIT_AGE_LIMIT_SECONDS:g}",
        PAGE,
        f"The stage {{{{ $labels.stage }}}} has not committed for {NOW}: posts flow, but after a restart all of that is done again.",
        "not-committing",
        w.of(flow.down),
    )
    yield Alert(
        "SluicePostsDeletedUnread",
        'sum by (stage) (stage_code:sluice_restarts:increase15m{code="lost"}) > 0',
        PAGE,
        "The stage {{ $labels.stage }} stopped because its committed offset lies outside the log: records are gone unread, or the topic "
        "was made anew.",
        "posts-deleted-unread",
    )
    yield Alert(
        "SluiceVersionsDiffer",
        " or ".join(
            f'label_replace(count(count by ({label}) ({metric})) > 1, "what", "{what}", "", "")'
            for what, label, metric in (
                ("policy", "versions", "sluice_policy_info"),
                ("regions", "regions", "sluice_policy_info"),
                ("roster", "roster", "sluice_policy_info"),
                ("model", "model", 'sluice_model_info{tier="accurate"}'),
                ("fast model", "model", 'sluice_model_info{tier="fast"}'),
                ("program", "version", "sluice_build_info"),
            )
        ),
        TICKET,
        f"Workers run with {NUMBER} versions of the {{{{ $labels.what }}}}.",
        "versions-differ",
        w.of("30m"),
    )


def regions(people: People, w: Windows) -> Iterator[Alert]:
    """Whether people keep up."""
    yield Alert(
        "SluiceRegionBehind",
        f"region:sluice_hours_to_clear:ratio > {people.clear:g} * region:sluice_level_hours:max"
        f" and region:sluice_open:sum >= {people.least}",
        TICKET,
        "{{ if gt $value 1e6 }}"  # at the pace of nobody: +Inf
        "Nobody in {{ $labels.region }} has answered a task in the last day, and tasks are open."
        "{{ else }}"
        f"At the pace of its people {{{{ $labels.region }}}} needs {HOURS} for what is open, more than its service level allows."
        "{{ end }}",
        "region-behind",
        w.of("30m"),
    )
    yield Alert(
        "SluiceNoVerdict",
        f"region:sluice_verdict_age_seconds:min > {w.seconds(people.no_verdict):g}"
        f" and region:sluice_open:decidable > 0 and min_over_time(region:sluice_at_work:max[{w.of(people.no_verdict)}]) == 1",
        PAGE,
        f"No verdict has come from {{{{ $labels.region }}}} for {NOW}, though it is at work and has open tasks.",
        "no-verdict",
    )
    yield Alert(
        "SluiceNobodyLeft",
        "sum by (region) (sluice_cases_nobody_left) > 0",
        TICKET,
        f"Nobody on the roster may decide {NUMBER} of the open tasks of {{{{ $labels.region }}}}: they wait until somebody new is on it.",
        "nobody-left",
        w.of("30m"),
    )
    yield Alert(
        "SluiceReviewsOutOfLanguage",
        f"region:sluice_out_of_language:ratio_6h > {people.out_of_language:g} and region:sluice_tasks:increase6h >= {people.least}"
        f" or region:sluice_out_of_language:open / region:sluice_open:sum > {people.out_of_language:g}"
        f" and region:sluice_out_of_language:open >= {people.least}",
        TICKET,
        f"Nobody in {{{{ $labels.region }}}} is known to speak the language of {SHARE} of its tasks: of those of the last 6 hours, or of "
        "those that are open.",
        "reviews-out-of-language",
    )
    yield Alert(
        "SluiceEnforcementNotConfirmed",
        f"sum(sluice_enforcements_overdue) >= {people.unconfirmed}",
        PAGE,
        f"The platform has not confirmed {NUMBER} decisions in time: what should be hidden may still be shown.",
        "enforcement-not-confirmed",
        w.of("10m"),
    )
    yield Alert(
        "SluiceEnforcementOverdue",
        "sum(sluice_enforcements_overdue) >= 1",
        TICKET,
        f"For {people.overdue} decisions have waited longer than they may for the platform's word that they are carried out"
        f" (now: {NUMBER}): what was restored may still be hidden.",
        "enforcement-not-confirmed",
        w.of(people.overdue),
    )
    yield Alert(
        "SluiceCasesUnbalanced",
        "sum(abs(sluice_cases_balance)) > 0",
        PAGE,
        f"The books of the cases stage differ from its open tasks by {NUMBER}: a task was lost, or counted twice.",
        "cases-unbalanced",
        w.of("5m"),
    )


def reviews(people: People, w: Windows) -> Iterator[Alert]:
    """Whether people can judge, and do so as usual."""
    yield Alert(
        "SluiceContextIncomplete",
        f"region:sluice_incomplete:ratio_6h > {people.incomplete:g} and region:sluice_tasks:increase6h >= {people.least}",
        TICKET,
        f"The conversation was not complete in {SHARE} of the tasks that {{{{ $labels.region }}}} got in the last 6 hours.",
        "context-incomplete",
    )
    yield Alert(
        "SluiceContextNotShown",
        f"tool:sluice_not_shown:ratio_6h > {people.not_shown:g} and tool:sluice_context:increase6h >= {people.least}",
        TICKET,
        f"The review tool {{{{ $labels.tool }}}} did not show the conversation as it was sent with {SHARE} of its verdicts.",
        "context-not-shown",
    )
    yield Alert(
        "SluiceVerdictMixJump",
        f"region:sluice_verdict_mix:change > {people.mix_change:g} and region:sluice_verdicts:increase6h >= {people.least}",
        TICKET,
        f"{SHARE} of the verdicts of {{{{ $labels.region }}}} go elsewhere than in the week before.",
        "verdict-mix-jump",
        w.of("30m"),
    )


def machine(goals: MachineGoals, least: int, w: Windows) -> Iterator[Alert]:
    """Whether the machine is right, and as usual."""
    yield Alert(
        "SluiceAuditErrorOverTarget",
        f"language_label:sluice_audit_error:low > {goals.audit_error:g}"
        f" and language_label:sluice_audit_checked:window >= {goals.audit_least}",
        TICKET,
        f"The machine errs more than it may on {{{{ $labels.label }}}} in {{{{ $labels.language }}}}: at least {SHARE}"
        " of what people checked ({{ with printf `language_label:sluice_audit_checked:window{language='%s',label='%s'}` $labels.language"
        " $labels.label | query }}{{ . | first | value }}{{ end }} decisions).",
        "audit-error-over-target",
        w.of("10m"),
    )
    yield Alert(
        "SluiceMachineShareJump",
        f"abs(sluice:machine:ratio_1h - sluice:machine:ratio_7d) > {goals.share_change:g}",
        TICKET,
        f"The share of posts that the machine decides alone has changed by {SHARE} against the week before.",
        "machine-share-jump",
        w.of("30m"),
    )
    yield Alert(
        "SluiceScoreDrift",
        f"language:sluice_scores:drift > {goals.score_drift:g} and language:sluice_scores:increase6h >= {goals.score_least}",
        TICKET,
        f"The scores of texts in {{{{ $labels.language }}}} lie elsewhere than in the week before, by up to {SHARE} of the texts.",
        "score-drift",
        w.of("30m"),
    )
    yield Alert(
        "SluiceLanguageUnspoken",
        f"language:sluice_unspoken:increase1h >= {least}",
        TICKET,
        f"{NUMBER} posts of the last hour are in {{{{ $labels.language }}}}, which no open region speaks.",
        "language-unspoken",
    )
