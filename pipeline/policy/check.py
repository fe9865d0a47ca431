"""Whether policy, regions and model fit together: for `sluice policy check`, and when routing starts."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Collection, Iterator
from typing import NamedTuple

from pipeline.config import ConfigError
from pipeline.policy import scopes
from pipeline.policy.explain import ANY_MARKET, acts_from, told, why_closed
from pipeline.policy.facts import Facts, scope_of
from pipeline.policy.policy import Policy, PolicySet, Scope
from pipeline.policy.regions import Regions
from pipeline.policy.roster import Roster
from pipeline.policy.rules import Rule, RuleAction

SIX_MONTHS_DAYS = 184
"""At most: July to December have so many."""


ALONE = (RuleAction.LIMIT, RuleAction.REMOVE)


class Level(enum.Enum):
    """Whether the pipeline would do something wrong, or something that is probably not meant."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One thing to look at, as a sentence."""

    level: Level
    text: str


def check(policy: Policy, regions: Regions, model: Facts) -> list[Finding]:
    """Findings on a policy, errors first."""
    findings = [
        *_labels(policy, model.labels),
        *_rule_languages(policy, model.languages),
        *(Finding(Level.WARNING, text) for text in (*scopes.of_rules(policy), *scopes.of_regions(regions))),
        *_automation(policy, model),
        *_order(policy),
        *_queues(policy, regions),
        *_appeals(policy),
        *_spoken(regions, model.languages),
    ]
    return sorted(findings, key=lambda finding: finding.level is not Level.ERROR)


def check_all(policies: PolicySet, regions: Regions, model: Facts) -> list[Finding]:
    """Findings on every version, errors first, each sentence once."""
    found = dict.fromkeys(finding for policy in policies.policies for finding in check(policy, regions, model))
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def check_roster(roster: Roster) -> list[Finding]:
    """Findings on what people speak."""
    return [Finding(Level.WARNING, text) for text in scopes.of_roster(roster)]


def require_fit(policies: PolicySet, regions: Regions, model: Facts) -> None:
    """Raises ConfigError with a sentence for each error: rules on labels that no score has would never be reached, in silence."""
    errors = [each.text for each in check_all(policies, regions, model) if each.level is Level.ERROR]
    if errors:
        raise ConfigError("\n".join(errors))


def openings(policy: Policy, model: Facts) -> list[str]:
    """What the machine may do alone, such as `remove hate in en from 0.95 (98 of 100 right), zh from ...`; where a market has its own rule
    that makes a difference, `en in DE from ...` or `en not in DE`.
    """
    found: dict[str, list[str]] = {}
    for language, label, action in itertools.product(sorted(model.languages), sorted(policy.labels), ALONE):
        everywhere = _start(policy, model, scope_of(language, ANY_MARKET), label, action)
        said = [f"{language} from {everywhere}"] if everywhere else []
        for market in sorted({market for rule in policy.rules for market in rule.markets}):
            there = _start(policy, model, scope_of(language, market), label, action)
            if there != everywhere:
                said.append(f"{language} in {market} from {there}" if there else f"{language} not in {market}")
        if said:
            found.setdefault(f"{action.value} {label}", []).extend(said)
    return [f"{what} in {', '.join(where)}" for what, where in sorted(found.items())]


def _start(policy: Policy, model: Facts, scope: Scope, label: str, action: RuleAction) -> str | None:
    start = acts_from(policy, model, scope, label, action)
    return None if start is None else told(policy, model, scope, label, action, start)


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
        for language in sorted((rule.languages & scopes.IDENTIFIED) - set(bundle_languages)):
            yield Finding(Level.WARNING, f"{policy.id}: rule {rule.id!r} is for {language!r}, a language that the model was not made for")


def _automation(policy: Policy, model: Facts) -> Iterator[Finding]:
    for rule in policy.rules:
        reasons = {why_closed(policy, rule, scope, model) for scope in _where(policy, rule, model)}
        if None not in reasons and reasons:
            why = reasons.pop() if len(reasons) == 1 else "`sluice policy explain` says for each language what is missing"
            yield Finding(Level.WARNING, f"{policy.id}: rule {rule.id!r} can never {rule.action.value} alone: {why}")
    yield from (Finding(Level.WARNING, text) for text in above_evidence(policy, model))


def _where(policy: Policy, rule: Rule, model: Facts) -> list[Scope]:
    """Languages and markets in which it is this rule that applies."""
    scopes_of_rule = itertools.product(sorted(rule.languages or model.languages), sorted(rule.markets) or [ANY_MARKET])
    return [scope_of(*each) for each in scopes_of_rule if policy.rule_for(*each, rule.label, rule.action) == rule]


def above_evidence(policy: Policy, model: Facts) -> Iterator[str]:
    """A sentence for each rule that lies above where its evidence begins: the machine acts from higher up than it could, or not at all."""
    for rule in policy.rules:
        higher = dict.fromkeys(said for scope in _where(policy, rule, model) if (said := _higher(policy, rule, scope, model)))
        if higher:
            yield (
                f"{policy.id}: rule {rule.id!r} stands at {rule.at_least:g}, above the lowest threshold of its evidence: "
                f"{'; '.join(higher)}; lower the rule's to rely on more"
            )


def _higher(policy: Policy, rule: Rule, scope: Scope, model: Facts) -> str | None:
    """From where the machine acts by a rule that lies above where its evidence begins, and from where it could; None where it does not."""
    lowest = min(policy.passed(scope, rule.label, rule.action, model.version), default=None)
    if lowest is None or lowest >= rule.at_least or scope.languages[0] in model.uncalibrated:
        return None
    start = _start(policy, model, scope, rule.label, rule.action)
    acts = f"acts from {start}" if start else "never acts"
    return f"in {scope.languages[0]} it {acts} and could from {told(policy, model, scope, rule.label, rule.action, lowest)}"


def _order(policy: Policy) -> Iterator[Finding]:
    for kind, rule, parts in policy.unreached():
        yield Finding(Level.WARNING, f"{policy.id}: {kind} {rule!r} is never reached for {', '.join(parts)}: rules before it take that")


def _queues(policy: Policy, regions: Regions) -> Iterator[Finding]:
    known = ", ".join(region.name for region in regions.regions)
    for name, queue in sorted(policy.queues.items()):
        region = regions.by_name(queue.region)
        if region is None:
            yield Finding(Level.ERROR, f"{policy.id}: queue {name!r} is for the region {queue.region!r}; allowed are {known}")
        elif region.closed_since is not None:
            yield Finding(
                Level.WARNING, f"{policy.id}: queue {name!r} is for {queue.region!r}, which closes; then escalations go elsewhere"
            )
        if name not in {label.queue for label in policy.labels.values()}:
            yield Finding(Level.WARNING, f"{policy.id}: no label names the queue {name!r}, so nothing reaches it")


def _appeals(policy: Policy) -> Iterator[Finding]:
    if (days := policy.people.appeal_days) < SIX_MONTHS_DAYS:
        yield Finding(
            Level.WARNING,
            f"{policy.id}: people.appeal_days is {days}; in the EU people can appeal for six months at least (DSA, Article 20): up to "
            f"{SIX_MONTHS_DAYS} days from when they were told",
        )


def _spoken(regions: Regions, bundle_languages: Collection[str]) -> Iterator[Finding]:
    spoken = {language for region in regions.regions for language in region.languages}
    staying = {language for region in regions.staying for language in region.languages}
    for language in sorted(set(bundle_languages) - staying):
        who = f"no region that stays open speaks {language!r}" if language in spoken else f"no region speaks {language!r}"
        yield Finding(Level.WARNING, f"{who}, a language of the model: its posts go to their market's region, flagged out of language")
    for language in sorted(staying.intersection(bundle_languages)):
        speakers = [region for region in regions.staying if language in region.languages]
        unseen = sorted(
            market for rule in regions.data for market in rule.markets if not any(regions.may_see(each, market) for each in speakers)
        )
        if unseen:
            yield Finding(
                Level.WARNING,
                f"nobody who speaks {language!r} may see posts of {', '.join(unseen)}: there they go to others, flagged out of language",
            )
    for region in regions.regions:
        if not region.markets and not region.default:
            yield Finding(Level.WARNING, f"region {region.name!r} serves no market: posts reach it by their language only")
