"""Whether policy, regions and model fit together: for `sluice policy check`, and when routing starts."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from typing import NamedTuple

from pipeline.config import ConfigError
from pipeline.policy import scopes
from pipeline.policy.explain import ANY_MARKET, counts, why_closed
from pipeline.policy.policy import Policy, PolicySet, Scope
from pipeline.policy.regions import Regions
from pipeline.policy.roster import Roster
from pipeline.policy.rules import Rule

SIX_MONTHS_DAYS = 184
"""At most: July to December have so many."""


class Level(enum.Enum):
    """Whether the pipeline would do something wrong, or something that is probably not meant."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One thing to look at, as a sentence."""

    level: Level
    text: str


class Facts(NamedTuple):
    """What a policy must know of the model: `name@version`, labels, languages that it was made for."""

    version: str
    labels: Collection[str]
    languages: Collection[str]


def check(policy: Policy, regions: Regions, model: Facts) -> list[Finding]:
    """Findings on a policy, errors first."""
    findings = [
        *_labels(policy, model.labels),
        *_rule_languages(policy, model.languages),
        *(Finding(Level.WARNING, text) for text in (*scopes.of_rules(policy), *scopes.of_regions(regions))),
        *_automation(policy, model),
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
    """What the machine may do alone, such as `remove hate in en from 0.95 (98 of 100 right), zh from ...`; by rules for all markets."""
    found: dict[str, list[str]] = {}
    for language in sorted(model.languages):
        for rules in policy.rules_for(language, ANY_MARKET).values():
            for rule in rules:
                start = policy.acts_alone_from(Scope((language,), ANY_MARKET), rule.label, rule.action, model.version)
                band = policy.evidence and policy.evidence.band(model.version, rule.label, language, rule.action)
                for passed in band.all_passed if band else ():
                    if passed.threshold == start:
                        found.setdefault(f"{rule.action.value} {rule.label}", []).append(f"{language} from {counts(passed)}")
    return [f"{what} in {', '.join(languages)}" for what, languages in sorted(found.items())]


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
        languages = sorted(rule.languages or model.languages)
        market = min(rule.markets, default=ANY_MARKET)
        reasons = {why_closed(policy, rule, Scope((language,), market), model.version) for language in languages}
        if None not in reasons and reasons:
            why = reasons.pop() if len(reasons) == 1 else "`sluice policy explain` says for each language what is missing"
            yield Finding(Level.WARNING, f"{policy.id}: rule {rule.id!r} can never {rule.action.value} alone: {why}")
    yield from (Finding(Level.WARNING, text) for text in above_evidence(policy, model))


def above_evidence(policy: Policy, model: Facts) -> Iterator[str]:
    """A sentence for each rule that lies above where its evidence begins: the machine acts from higher up than it could, or not at all."""
    for rule in policy.rules:
        languages, market = sorted(rule.languages or model.languages), min(rule.markets, default=ANY_MARKET)
        higher = [said for language in languages if (said := _higher(policy, rule, Scope((language,), market), model))]
        if higher:
            yield (
                f"{policy.id}: rule {rule.id!r} stands at {rule.at_least:g}, above the lowest threshold of its evidence: "
                f"{'; '.join(higher)}; lower the rule's to rely on more"
            )


def _higher(policy: Policy, rule: Rule, scope: Scope, model: Facts) -> str | None:
    """From where the machine acts by a rule that lies above where its band opens, and from where it could; None where it does not."""
    (language,) = scope.languages
    band = policy.evidence and policy.evidence.band(model.version, rule.label, language, rule.action)
    if not band or not band.all_passed or band.all_passed[0].threshold >= rule.at_least:
        return None
    start = policy.acts_alone_from(scope, rule.label, rule.action, model.version)
    there = next((f"acts from {counts(each)}" for each in band.all_passed if each.threshold == start), "never acts")
    return f"in {language} it {there} and could from {counts(band.all_passed[0])}"


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
