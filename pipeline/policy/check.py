"""Whether policy, regions and model fit together: for `sluice policy check`, and when routing starts."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from typing import NamedTuple

from pipeline.config import ConfigError
from pipeline.policy.policy import Policy, PolicySet
from pipeline.policy.regions import Regions
from pipeline.policy.rules import RuleAction


class Level(enum.Enum):
    """Whether the pipeline would do something wrong, or something that is probably not meant."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One thing to look at, as a sentence."""

    level: Level
    text: str


def check(policy: Policy, regions: Regions, bundle_labels: Collection[str], bundle_languages: Collection[str]) -> list[Finding]:
    """Findings on a policy, errors first. `bundle_labels` and `bundle_languages` are those of the model that scores."""
    findings = [
        *_labels(policy, bundle_labels),
        *_rule_languages(policy, bundle_languages),
        *_spoken(regions, bundle_languages),
    ]
    return sorted(findings, key=lambda finding: finding.level is not Level.ERROR)


def check_all(policies: PolicySet, regions: Regions, bundle_labels: Collection[str], bundle_languages: Collection[str]) -> list[Finding]:
    """Findings on every version, errors first, each sentence once."""
    found = dict.fromkeys(finding for policy in policies.policies for finding in check(policy, regions, bundle_labels, bundle_languages))
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def require_fit(policies: PolicySet, regions: Regions, bundle_labels: Collection[str], bundle_languages: Collection[str]) -> None:
    """Raises ConfigError with a sentence for each error: rules on labels that no score has would never be reached, in silence."""
    errors = [each.text for each in check_all(policies, regions, bundle_labels, bundle_languages) if each.level is Level.ERROR]
    if errors:
        raise ConfigError("\n".join(errors))


def _labels(policy: Policy, bundle_labels: Collection[str]) -> Iterator[Finding]:
    known, used = set(policy.labels), {rule.label for rule in policy.rules}
    for label in sorted(known - set(bundle_labels)):
        yield Finding(Level.ERROR, f"{policy.id}: label {label!r} is none of the model's ({', '.join(sorted(bundle_labels))})")
    for label in sorted(set(bundle_labels) - known):
        yield Finding(Level.WARNING, f"{policy.id}: the model's label {label!r} is not in the policy, so nothing follows from it")
    for label in sorted(known - used):
        yield Finding(Level.WARNING, f"{policy.id}: label {label!r} has no rule, so nothing follows from it")


def _rule_languages(policy: Policy, bundle_languages: Collection[str]) -> Iterator[Finding]:
    for rule in policy.rules:
        for language in sorted(rule.languages - set(bundle_languages)):
            yield Finding(Level.WARNING, f"{policy.id}: rule {rule.id!r} is for {language!r}, a language that the model was not made for")
        if rule.action is not RuleAction.REVIEW and not rule.languages:
            yield Finding(
                Level.WARNING,
                f"{policy.id}: by rule {rule.id!r} the machine may {rule.action.value} alone in every language of the model; "
                "name those where labelled posts show how often it errs",
            )


def _spoken(regions: Regions, bundle_languages: Collection[str]) -> Iterator[Finding]:
    spoken = {language for region in regions.regions for language in region.languages}
    for language in sorted(set(bundle_languages) - spoken):
        yield Finding(
            Level.WARNING,
            f"no region speaks {language!r}, a language of the model: its posts go to their market's region, flagged out of language",
        )
    for region in regions.regions:
        if not region.markets and not region.default:
            yield Finding(Level.WARNING, f"region {region.name!r} serves no market: posts reach it by their language only")
