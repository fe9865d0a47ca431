"""How many series a process can have at most, from the closed sets of its metrics' labels. docs/metrics.md has the table; tests hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from agents.edge import metrics
from agents.edge.metrics import OTHER
from agents.edge.supervisor import CODES
from agents.settings import Settings
from pipeline.cases.facts import Leaving
from pipeline.flow import STAGES
from pipeline.language.languages import LANGUAGES
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from pipeline.scoring.tiers import Tier
from schemas.cases import Purpose
from schemas.people import CannotJudge, Outcome
from schemas.records import Action, Automation, Unassessed
from schemas.topics import TOPICS
from schemas.wire import Unreadable

WORKER = "worker"
"""The process that starts the stages."""

LIBRARY = 30
"""Series of prometheus-client itself: process_*, python_gc_*, python_info."""

REASONS_OF_REFUSAL = 24
"""The sentences of pipeline/cases that refuse a verdict, an appeal or a report; each is a constant there."""

LABELS = {
    "stage": f"{', '.join(STAGES)}",
    "result": "`ok`: its outputs are confirmed; `dead_letter`: could not be read, or what came of it was too large; "
    "`stage_error`: went on as unassessed; of transactions: committed, fenced, failed; of erasures: done, waits, nothing",
    "topic": "names of `schemas/topics.py` without the prefix, with the regions of the regions file",
    "action": ", ".join(action.value for action in Action),
    "language": f"the languages that the identifier knows, `und`, `{OTHER}`",
    "market": f"the markets of the regions file, `{OTHER}`",
    "label": f"the labels of the policies, `none`, `{OTHER}`",
    "automation": ", ".join(automation.value for automation in Automation),
    "region": "the regions of the regions file",
    "out_of_language": "true, false",
    "purpose": ", ".join(purpose.value for purpose in Purpose),
    "how": ", ".join(how.value for how in Leaving),
    "in_time": "true, false: by the service level of the region",
    "outcome": ", ".join(outcome.value for outcome in Outcome),
    "tool": f"the review tools that the policies name, `none`, `{OTHER}`",
    "shown": "true, false: the digest of the conversation came back",
    "full": "true, false: it may restrict in full",
    "what": "verdict, appeal, report",
    "decided_by": "machine, person",
    "on_appeal": "true, false",
    "code": ", ".join(CODES),
    "reason": f"of unassessed posts: {', '.join(reason.value for reason in Unassessed)}; of dead letters: {', '.join(Unreadable)}; "
    f"of verdicts that hand on: {', '.join(reason.value for reason in CannotJudge)}; of refused ones: the sentences of `pipeline/cases`",
    "tier": f"{', '.join(tier.value for tier in Tier)}, `{OTHER}`",
    "lookup": "hit, miss",
    "version, python, model, policy, versions, regions, roster": "one series each: what runs",
}
"""What docs/metrics.md says of the values of each label."""

EVERY_STAGE = (
    metrics.POSTS_IN, metrics.POSTS_DONE, metrics.POSTS_OUT, metrics.STAGE_SECONDS, metrics.BATCH_POSTS, metrics.LAG, metrics.OLDEST,
    metrics.COMMIT_AGE, metrics.ASSIGNED, metrics.SILENT, metrics.DEAD_LETTERS, metrics.REBALANCES, metrics.BUILD_INFO,
)  # fmt: skip
DECIDING = (metrics.DECISIONS, metrics.MARKETS, metrics.UNSPOKEN, metrics.UNASSESSED, metrics.POLICY_INFO)
OF_PEOPLE = (
    metrics.CASES_ASKED, metrics.REVIEWS, metrics.OVER_CAPACITY, metrics.INCOMPLETE, metrics.TASKS_LEFT, metrics.ANSWERED,
    metrics.WAITED_SECONDS, metrics.WAITED_VIEWS, metrics.VERDICTS, metrics.CANNOT_JUDGE, metrics.CONTEXT_SHOWN, metrics.REFUSED,
    metrics.EXPIRED, metrics.ERASURES, metrics.OVERTURNED, metrics.OPEN, metrics.OLDEST_OPEN, metrics.AUDIT_CHECKED, metrics.AUDIT_WRONG,
    metrics.REGION_LEVEL, metrics.NOBODY_LEFT, metrics.REGION_OPEN, metrics.LAST_VERDICT, metrics.REPUBLISHED, metrics.TRANSACTIONS,
)  # fmt: skip
SERVED: Mapping[str, tuple[MetricWrapperBase, ...]] = {
    "language": EVERY_STAGE,
    "scoring": (*EVERY_STAGE, metrics.SCORED, metrics.TOP_SCORE, metrics.SCORE_CACHE, metrics.MODEL_INFO),
    "routing": (*EVERY_STAGE, *DECIDING),
    "cases": (*EVERY_STAGE, *DECIDING, *OF_PEOPLE),
    WORKER: (metrics.RESTARTS, metrics.BUILD_INFO),
}
"""Metrics with labels, by the process that has them. Those without labels are served by every stage."""


def sizes(settings: Settings) -> dict[str, int]:
    """Values of each label, with the policies and regions of these settings. Raises ConfigError where they cannot be read."""
    policies, regions = read_policies(settings.policy).policies, read_regions(settings.regions).regions
    reasons = max(len(Unassessed), len(Unreadable), len(CannotJudge), REASONS_OF_REFUSAL)
    return {
        "stage": 1,
        "result": 3,
        "topic": len(TOPICS) - 1 + len(regions),  # one of them stands for a topic per region
        "tier": len(Tier) + 1,
        "language": len(LANGUAGES) + 2,
        "lookup": 2,
        "action": len(Action),
        "label": len({label for policy in policies for label in policy.labels} | {"none", OTHER}),
        "automation": len(Automation),
        "market": len({market for region in regions for market in region.markets} | {OTHER}),
        "purpose": len(Purpose),
        "region": len(regions),
        "out_of_language": 2,
        "how": len(Leaving),
        "in_time": 2,
        "outcome": len(Outcome),
        "reason": reasons,
        "tool": len({tool for policy in policies for tool in policy.people.tools} | {"none", OTHER}),
        "shown": 2,
        "full": 2,
        "what": 3,
        "decided_by": 2,
        "on_appeal": 2,
        "code": len(CODES),
        **dict.fromkeys(("version", "python", "model", "policy", "versions", "regions", "roster"), 1),
    }


def most(process: str, settings: Settings) -> int:
    """Series that a stage's process, or the worker, can have."""
    size = sizes(settings)
    served = sum(most_of(metric, size) for metric in SERVED[process])
    if process == WORKER:
        return served * len(STAGES)
    return LIBRARY + served + sum(most_of(metric, size) for metric in declared() if not metric._labelnames)


def declared() -> list[MetricWrapperBase]:
    """Every metric of ours."""
    return [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]


def most_of(metric: MetricWrapperBase, size: Mapping[str, int]) -> int:
    """Series of one metric in a process. `size`: values of each label."""
    series = len(metric._upper_bounds) + 2 if isinstance(metric, Histogram) else 1  # a sum and a count beside the buckets
    return series * math.prod(size[label] for label in metric._labelnames)
