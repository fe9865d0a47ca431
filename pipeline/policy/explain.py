"""What the machine may do for a label in a language, and why: in sentences, and as data."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.policy.automation import Targets
from pipeline.policy.evidence import Band, Closed, Evidence, Passed
from pipeline.policy.facts import Facts, scope_of
from pipeline.policy.policy import Policy, Scope
from pipeline.policy.rules import SEVERITY, Rule, RuleAction, UnassessedAction, UnassessedRule
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


def explain(policy: Policy, model: Facts, language: str, label: str, market: str | None = None) -> Explanation:
    """What follows for `label` in `language`, for posts that may as well be in one that it cannot be told from; without a market, by rules
    for all markets.
    """
    scope = scope_of(language, market or ANY_MARKET)
    views = tuple(_view(policy, rule, scope, model) for rule in _rules(policy, scope, label))
    elsewhere = [] if market else list(_elsewhere(policy, scope, label))
    sentences = [*(view.why for view in views)] or [f"No rule stands on {label} in {language}, so nothing follows from its probability."]
    if any(view.alone_from for view in views):
        sentences.append(
            f"Where a rule for something graver than {label} asks for people, or one for more than the machine does, the post goes to them "
            "all the same, and what the machine did holds until they have decided."
        )
    else:
        by = ", by rules for all markets" if elsewhere else " by itself"
        sentences.append(f"The machine limits or removes nothing for {label} in {language}{by}.")
    if elsewhere:
        sentences.append(f"In some markets other rules hold: {', '.join(elsewhere)}; `--market` says what follows there.")
    not_known = _not_known(policy, model, scope)
    sampling = policy.unassessed_rule([Unassessed.NO_CALIBRATION], language, scope.market)
    if not_known:
        sentences.append(_unreached(sampling, not_known))
        if not _not_known(policy, model, Scope((language,), scope.market)):
            sentences.append(f"Of what is surely in {language} the machine allows it.")
    else:
        sentences.append("What reaches no threshold of any label is allowed by the machine.")
    action, share = (sampling.action, sampling.review_share) if not_known else (UnassessedAction.ALLOW, 0.0)
    return Explanation(
        policy.id, model.version, language, label, market, not not_known, action.value, share, views, tuple(sentences)
    )  # fmt: skip


def acts_from(policy: Policy, model: Facts, scope: Scope, label: str, action: RuleAction) -> float | None:
    """As Policy.acts_alone_from, and None where the model's scores are not calibrated: then the machine never acts alone."""
    if scope.languages[0] in model.uncalibrated:
        return None
    return policy.acts_alone_from(scope, label, action, model.version)


def told(policy: Policy, model: Facts, scope: Scope, label: str, action: RuleAction, threshold: float) -> str:  # noqa: PLR0913, PLR0917 - what names a band, and where in it
    """A threshold that passed, and what lies from it on, in the first language of `scope`."""
    band = policy.evidence and policy.evidence.band(model.version, label, scope.languages[0], action)
    return next(counts(each) for each in (band.all_passed if band else ()) if each.threshold == threshold)


def _rules(policy: Policy, scope: Scope, label: str) -> list[Rule]:
    """All that such a post may reach, lowest threshold first."""
    found = {rule.id: rule for language in scope.languages for rule in policy.rules_for(language, scope.market).get(label, ())}
    return sorted(found.values(), key=lambda rule: (rule.at_least, SEVERITY[rule.action]))


def _elsewhere(policy: Policy, scope: Scope, label: str) -> Iterator[str]:
    """Rules for some markets, on the label or on what was not assessed."""
    on_label = [rule for rule in policy.rules if rule.label == label]
    for rule in (*on_label, *(rule for rule in policy.unassessed if Unassessed.NO_CALIBRATION in rule.reasons)):
        if rule.markets and (not rule.languages or rule.languages.intersection(scope.languages)):
            yield f"{rule.id} ({', '.join(sorted(rule.markets))})"


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


def _not_known(policy: Policy, model: Facts, scope: Scope) -> str | None:
    """Why nobody knows what the model's scores are worth where they reach nothing; None where somebody does."""
    if scope.languages[0] in model.uncalibrated:
        return _uncalibrated(model, scope)
    if lacking := [language for language in scope.languages if policy.lacks_evidence([language], model.version)]:
        if policy.evidence is not None and policy.evidence.reached_only:
            return f"all labelled posts reached a rule and say nothing of what {model.version} allows in {' and '.join(lacking)}"
        return f"no labelled posts say how good {model.version} is in {' and '.join(lacking)}"
    return None


def _uncalibrated(model: Facts, scope: Scope) -> str:
    language, *others = scope.languages
    apart = f" and {' and '.join(others)}, which cannot be told apart" if others else ""
    return f"the scores of {model.version} are not calibrated for {language}{apart}"


def why_closed(policy: Policy, rule: Rule, scope: Scope, model: Facts) -> str | None:
    """Why the machine may not do in `scope` what the rule says; None where it may, or where people are asked to look anyway."""
    if rule.action is RuleAction.REVIEW or acts_from(policy, model, scope, rule.label, rule.action) is not None:
        return None
    missing = _missing_for(policy, rule, model.version)
    if missing is None and scope.languages[0] in model.uncalibrated:
        return _uncalibrated(model, scope)
    return missing or _why_no_threshold(policy, rule, scope, model.version)


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
    """In the first of the languages that has none; where all have, that none is of all."""
    language, *others = scope.languages
    for tag in scope.languages:
        if why := _why_closed_in(policy, rule, tag, scope.market, model_version):
            return f"{why} (a post in {language} may as well be in {tag})" if tag != language else why
    return f"no threshold passed both in {language} and in {' and '.join(others)}, which cannot be told apart"


def _why_closed_in(policy: Policy, rule: Rule, language: str, market: str, model_version: str) -> str | None:
    evidence = policy.evidence
    own = policy.rule_for(language, market, rule.label, rule.action)
    if own is None:
        return f"no rule asks for {rule.action.value} in {language}"
    if evidence is None:
        return None
    band = evidence.band(model_version, rule.label, language, rule.action)
    if band is None:
        return _unlabelled(evidence.targets, rule, language)
    if band.closed is not None:
        return _missing(evidence.targets, band)
    return _too_high(own, band) if band.all_passed[-1].threshold < own.at_least else None


def counts(passed: Passed) -> str:
    """A threshold that passed, and what lies from it on."""
    return f"{passed.threshold:g} ({passed.correct} of {passed.flagged} right)"


def _view(policy: Policy, rule: Rule, scope: Scope, model: Facts) -> RuleView:
    start = acts_from(policy, model, scope, rule.label, rule.action)
    if rule.action is RuleAction.REVIEW:
        why = f"From {rule.at_least:g} a person looks (rule {rule.id})."
    elif start is not None and policy.evidence:
        why = " ".join(_acts(policy.evidence, rule, scope, model.version, start))
    else:
        closed = why_closed(policy, rule, scope, model)
        why = f"From {rule.at_least:g} rule {rule.id} asks for {rule.action.value}, but a person looks instead: {closed}."
    sure = acts_from(policy, model, Scope(scope.languages[:1], scope.market), rule.label, rule.action)
    if sure is not None and sure != start:
        why += f" What is surely in {scope.languages[0]} is {DONE[rule.action]} by the machine alone from {sure:g}."
    return RuleView(rule.id, rule.action.value, rule.at_least, start, why)


def _acts(evidence: Evidence, rule: Rule, scope: Scope, model_version: str, start: float) -> Iterator[str]:
    targets = evidence.targets
    band, *others = [band for tag in scope.languages if (band := evidence.band(model_version, rule.label, tag, rule.action))]
    share = f" in traffic of which {targets.prevalence:g} is {band.label}" if targets.prevalence else ""
    own, there = band.all_passed[0], _at(band, start)
    yield f"From {start:g} a post is {DONE[rule.action]} by the machine alone (rule {rule.id}): of {band.rows} labelled posts"
    yield f"{there.flagged} lie there, {there.correct} of them rightly; precision{share} is at least {there.precision_low:.1%},"
    recall = f"; it finds {band.recall_low:.0%} to {band.recall_high:.0%} of what is {band.label}" if there == own else ""
    yield f"{targets.precision[band.action]:.0%} is needed{recall}."
    for other in others:
        lie = _at(other, start)
        yield f"In {other.language}, which cannot be told from it, {lie.flagged} of {other.rows} lie there, {lie.correct} of them rightly."
    if rule.at_least < start:
        yield f"Between {rule.at_least:g} and {start:g} a person looks instead."
    if own.threshold < rule.at_least:
        yield f"The evidence holds from {counts(own)}, too: with a lower `at_least` the rule could rely on that."
    for group in band.groups:
        yield (
            f"Of {group.rows} posts of {group.name} that are not {band.label}, {group.flagged} lie from {own.threshold:g} on "
            f"(at most {group.high:.1%})."
        )


def _at(band: Band, threshold: float) -> Passed:
    return next(each for each in band.all_passed if each.threshold == threshold)


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
