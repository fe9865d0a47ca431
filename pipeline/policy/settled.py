"""Whether a rule could be reached by what a cascade's fast tier settles alone: for `sluice policy check`, and when routing starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.config import ConfigError
from pipeline.policy.check import Finding, Level
from pipeline.policy.policy import Policy, PolicySet
from pipeline.policy.rules import RuleAction

SettleBelow = Mapping[str, Mapping[str, float]]
"""Language to label to probability: `cascade.settle_below` of a bundle, empty where it has no cascade."""


def check_settled(policies: PolicySet, settle_below: SettleBelow) -> list[Finding]:
    """Findings on every version, errors first, each sentence once.

    Scores of the fast tier stand only where they lie below `settle_below`, so a rule whose threshold is lower still is decided by it.
    That the machine acts alone on the word of the weaker model is an error; that people look is a warning.
    """
    found = dict.fromkeys(finding for policy in policies.policies for finding in _reached(policy, settle_below))
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def require_settled(policies: PolicySet, settle_below: SettleBelow) -> None:
    """Raises ConfigError with a sentence for each error."""
    errors = [each.text for each in check_settled(policies, settle_below) if each.level is Level.ERROR]
    if errors:
        raise ConfigError("\n".join(errors))


def _reached(policy: Policy, settle_below: SettleBelow) -> Iterator[Finding]:
    markets = sorted({"", *(market for rule in policy.rules for market in rule.markets)})  # "" stands for all that no rule names
    for language, table in settle_below.items():
        for label, below in table.items():
            for rule in {rule.id: rule for market in markets for rule in policy.rules_for(language, market).get(label, ())}.values():
                if rule.at_least < below:
                    yield Finding(
                        Level.WARNING if rule.action is RuleAction.REVIEW else Level.ERROR,
                        f"{policy.id}: rule {rule.id!r} asks for {rule.action.value} from {rule.at_least}, but in {language!r} the model's "
                        f"fast tier alone decides on {label!r} below {below}: a threshold of at least that is allowed",
                    )
