"""What the machine may do for a label in a language, and why: in sentences, and as data."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.policy.automation import Targets
from pipeline.policy.evidence import Band, Closed, Passed
from pipeline.policy.policy import Policy, Scope
from pipeline.policy.rules import Rule, RuleAction, UnassessedAction, UnassessedRule
from schemas.records import Unassessed

ANY_MARKET = ""
"""Covered by no rule that names markets."""

DONE = {RuleAction.LIMIT: "limited", RuleAction.REMOVE: "removed"}


class RuleView(msgspec.Struct, frozen=True):
    """A rule that applies. `alone_from`: the probability from which the machine does it without a person; None: a person looks."""

    rule: str
    action: str
    at_least: float
    alone_from: float | None
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """`unreached`: what happens to posts that reach no rule: `allow`, `limit`, or `hold`, a limit until a person has decided.

    `unreached_to_people`: the share of them that goes to people all the same, before reach and gravity raise it.
    """

    policy: str
    model_version: str
    language: str
    label: str
    market: str | None
    has_evidence: bool
    unreached: str
    unreached_to_people: float
    rules: tuple[RuleView, ...]
    sentences: tuple[str, ...]


def explain(policy: Policy, model_version: str, language: str, label: str, market: str | None = None) -> Explanation:
    """What follows for `label` in `language`; without a market, by rules for all markets."""
    where = market or ANY_MARKET
    scope = Scope((language,), where)
    views = tuple(_view(policy, rule, scope, model_version) for rule in policy.rules_for(language, where).get(label, ()))
    lacks = policy.lacks_evidence([language], model_version)
    sampling = policy.unassessed_rule([Unassessed.NO_CALIBRATION], language, where)
    sentences = [*(view.why for view in views)] or [f"No rule stands on {label} in {language}, so nothing follows from its probability."]
    if any(view.alone_from for view in views):
        sentences.append(
            f"Where a rule for something graver than {label} asks for people, or one for more than the machine does, the post goes to them "
            "all the same, and what the machine did holds until they have decided."
        )
    else:
        sentences.append(f"The machine limits or removes nothing for {label} in {language} by itself.")
    if lacks:
        sentences.append(_unreached(sampling, _not_known(policy, model_version, language)))
    else:
        sentences.append("What reaches no threshold of any label is allowed by the machine.")
    action, share = (sampling.action, sampling.review_share) if lacks else (UnassessedAction.ALLOW, 0.0)
    return Explanation(policy.id, model_version, language, label, market, not lacks, action.value, share, views, tuple(sentences))


def _unreached(rule: UnassessedRule, not_known: str) -> str:
    """What becomes of posts that reach no threshold, where nobody knows what they are worth."""
    by = f"(rule {rule.id}, no_calibration)"
    if rule.action is UnassessedAction.HOLD:
        return f"What reaches no threshold is limited until a person has decided, as {not_known}: all of it goes to people {by}."
    done = "limited" if rule.action is UnassessedAction.LIMIT else "allowed"
    if rule.review_share in {0, 1}:
        share = "all of it goes to people" if rule.review_share else "none of it goes to people"
    else:
        share = f"{100 * rule.review_share:.3g}% of it go to people, more of what is read much or grave"
    return f"What reaches no threshold is {done}; as {not_known}, {share} {by}."


def _not_known(policy: Policy, model_version: str, language: str) -> str:
    if policy.evidence is not None and policy.evidence.reached_only:
        return f"all labelled posts reached a rule and say nothing of what {model_version} allows in {language}"
    return f"no labelled posts say how good {model_version} is in {language}"


def why_closed(policy: Policy, rule: Rule, scope: Scope, model_version: str) -> str | None:
    """Why the machine may not do in `scope` what the rule says; None where it may, or where people are asked to look anyway."""
    if rule.action is RuleAction.REVIEW or policy.acts_alone_from(scope, rule.label, rule.action, model_version) is not None:
        return None
    return _missing_for(policy, rule, model_version) or _why_no_threshold(policy, rule, scope, model_version)


def _missing_for(policy: Policy, rule: Rule, model_version: str) -> str | None:
    """What there is not, whatever the language."""
    evidence, automation = policy.evidence, policy.automation
    if automation is None:
        return f"{policy.id} has no [automation], which would say how precise the machine must be"
    if rule.action not in automation.targets.precision:
        return f"{policy.id} names no target precision for {rule.action.value}"
    if evidence is None:
        return f"the [automation] of {policy.id} names no evidence"
    if model_version not in evidence.model_versions:
        return f"the evidence is on {', '.join(evidence.model_versions)}, not on {model_version}"
    return None


def _why_no_threshold(policy: Policy, rule: Rule, scope: Scope, model_version: str) -> str | None:
    evidence = policy.evidence
    if evidence is None:
        return None
    (language,) = scope.languages
    band = evidence.band(model_version, rule.label, language, rule.action)
    if band is None:
        return _unlabelled(evidence.targets, rule, language)
    return _too_high(rule, band) if band.closed is None else _missing(evidence.targets, band)


def counts(passed: Passed) -> str:
    """A threshold that passed, and what lies from it on."""
    return f"{passed.threshold:g} ({passed.correct} of {passed.flagged} right)"


def _view(policy: Policy, rule: Rule, scope: Scope, model_version: str) -> RuleView:
    start = policy.acts_alone_from(scope, rule.label, rule.action, model_version)
    (language,) = scope.languages
    band = policy.evidence and policy.evidence.band(model_version, rule.label, language, rule.action)
    if rule.action is RuleAction.REVIEW:
        why = f"From {rule.at_least:g} a person looks (rule {rule.id})."
    elif start is not None and band and policy.evidence:
        why = " ".join(_acts(policy.evidence.targets, rule, band, start))
    else:
        closed = why_closed(policy, rule, scope, model_version)
        why = f"From {rule.at_least:g} rule {rule.id} asks for {rule.action.value}, but a person looks instead: {closed}."
    return RuleView(rule.id, rule.action.value, rule.at_least, start, why)


def _acts(targets: Targets, rule: Rule, band: Band, start: float) -> Iterator[str]:
    share = f" in traffic of which {targets.prevalence:g} is {band.label}" if targets.prevalence else ""
    own, *_ = band.all_passed
    there = next(each for each in band.all_passed if each.threshold == start)
    yield f"From {start:g} a post is {DONE[rule.action]} by the machine alone (rule {rule.id}): of {band.rows} labelled posts"
    yield f"{there.flagged} lie there, {there.correct} of them rightly; precision{share} is at least {there.precision_low:.1%},"
    recall = f"; it finds {band.recall_low:.0%} to {band.recall_high:.0%} of what is {band.label}" if there == own else ""
    yield f"{targets.precision[band.action]:.0%} is needed{recall}."
    if rule.at_least < start:
        yield f"Between {rule.at_least:g} and {start:g} a person looks instead."
    if own.threshold < rule.at_least:
        yield f"The evidence holds from {counts(own)}, too: with a lower `at_least` the rule could rely on that."
    for group in band.groups:
        yield (
            f"Of {group.rows} posts of {group.name} that are not {band.label}, {group.flagged} lie from {own.threshold:g} on "
            f"(at most {group.high:.1%})."
        )


def _too_high(rule: Rule, band: Band) -> str:
    """The band is open, and not from where the rule stands."""
    own, highest = band.all_passed[0], band.all_passed[-1]
    up_to = "" if own == highest else f" and, among others, from {counts(highest)}"
    return (
        f"the evidence holds from {counts(own)}{up_to}, and what lies above a threshold says nothing of what lies above a higher one, "
        f"such as {rule.at_least:g}; with a lower `at_least` the rule could rely on it"
    )


def _unlabelled(targets: Targets, rule: Rule, language: str) -> str:
    least = max(targets.least_rows, targets.least_without_errors(rule.action) + (targets.least_positives if targets.prevalence else 0))
    return (
        f"no labelled posts say how precise {rule.label} is in {language}; about {least} are needed, {targets.least_positives} of them "
        f"{rule.label}, and that only if the machine errs on none"
    )


def _missing(targets: Targets, band: Band) -> str:
    known = f"{band.rows - band.undecided} posts are labelled, {band.positives} of them {band.label}"
    if band.undecided:
        known += f" ({band.undecided} more that nobody decided count as not {band.label})"
    more = f"; about {band.more_rows} more like them would open it" if band.more_rows else ""
    if band.closed is Closed.FEW_ROWS:
        return f"{known}, and at least {targets.least_rows} are needed{more}"
    if band.closed is Closed.FEW_POSITIVES:
        return f"{known}, and at least {targets.least_positives} of these are needed{more}"
    if band.closed is Closed.GROUP and targets.groups:
        worst = max(band.groups, key=lambda group: group.high, default=None)
        shown = f" ({worst.name}: {worst.flagged} of {worst.rows}, at most {worst.high:.1%})" if worst else ""
        return f"{known}, and a group's false positive rate may be as high as the {targets.groups.false_positive_rate:.1%} allowed{shown}"
    share = f" in traffic of which {targets.prevalence:g} is {band.label}" if targets.prevalence else ""
    return (
        f"{known}; nearest, from {band.threshold:g}, {band.correct} of {band.flagged} are right, so precision{share} is at least "
        f"{band.precision_low:.1%} and {targets.precision[band.action]:.0%} is needed{more or '; no number of posts like these would do'}"
    )
