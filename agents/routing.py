"""The routing agent: posts.scored.v1 -> decisions, and what opens cases."""

from __future__ import annotations

import datetime as dt
import hashlib

from agents.edge import metrics
from agents.edge.case_metrics import decision_metrics
from agents.edge.runner import Agent
from agents.settings import Settings
from pipeline import flow
from pipeline.policy.check import require_fit
from pipeline.policy.policy import PolicySet, read_policies
from pipeline.policy.regions import Regions, read_regions
from pipeline.policy.settled import require_settled
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.facts import facts_of
from schemas.records import ScoredPost


def agent(settings: Settings) -> Agent[ScoredPost]:
    """The stage with this worker's settings. Raises ConfigError where policy, regions and model do not fit together."""
    policies, regions = fitting(settings)
    inform(settings, policies)
    shown = flow.Shown(settings.context_bytes, settings.model, settings.highlight_passes)
    spec = flow.routing(policies, shown, history=settings.context_history, batch=settings.batch_posts)
    return Agent(spec, decision_metrics(policies, regions))


def inform(settings: Settings, policies: PolicySet) -> None:
    """Shows with which policy, regions and roster this process works. Hashes, because a file may change under the same name."""
    policy = settings.policy
    files = (sorted(policy.glob("*.toml")) if policy.is_dir() else [policy], [settings.regions], [settings.roster])
    hashes = (hashlib.sha256(b"".join(file.read_bytes() for file in each)).hexdigest()[:12] for each in files)
    metrics.POLICY_INFO.labels(policies.at(dt.datetime.now(dt.UTC)).id, *hashes).set(1)


def fitting(settings: Settings) -> tuple[PolicySet, Regions]:
    """Policy versions and regions. Raises ConfigError when one cannot be read, or when a version does not fit the model's description."""
    policies, regions, bundle = read_policies(settings.policy), read_regions(settings.regions), read_bundle(settings.model)
    require_fit(policies, regions, facts_of(bundle))
    require_settled(policies, bundle.settle_below)
    return policies, regions
