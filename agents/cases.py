"""The cases agent: what routing hands over, and what people, their tools and the platform say -> decisions, review tasks, notices."""

from __future__ import annotations

from agents.edge.case_metrics import CaseMetrics, Held, held
from agents.edge.cases_runner import CasesAgent
from agents.routing import fitting, inform
from agents.settings import Settings
from pipeline import flow
from pipeline.cases.rules import Rules
from pipeline.policy.roster import read_roster


def agent(settings: Settings) -> CasesAgent[Held]:
    """The stage with this worker's settings. Raises ConfigError where policy, regions, roster and model do not fit together."""
    policies, regions = fitting(settings)
    rules = Rules(policies, regions, read_roster(settings.roster, regions))
    inform(settings, policies)
    counts = CaseMetrics(rules)
    return CasesAgent(flow.cases(rules), measure=held, show=counts.show, observe=counts.observe, count=counts.count)
