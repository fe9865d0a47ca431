"""What follows from a post's probabilities under a policy. Pure: no ids, no clock, no context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from pipeline.ids import draw
from pipeline.policy.policy import Policy, Scope
from pipeline.policy.rules import SEVERITY, Ground, Interim, Label, Rule, RuleAction, UnassessedAction, UnassessedRule, reach_weight
from pipeline.reasons import UNSCORED
from schemas.records import Action, Automation, Post, PostKind, Reason, ScoredPost, Unassessed

MACHINE_MAY_ACT_DESPITE = frozenset({Unassessed.MEDIA, Unassessed.TOO_LONG})
"""With these a part of the post was assessed in full: what was found in it stays found, whatever the rest holds."""


class Grounds(NamedTuple):
    """What a statement of reasons says: ground (terms or law), clause, category."""

    ground: str
    clause: str
    category: str


class Judgement(NamedTuple):
    """`pending`: a person will look, and `action` holds until then, be it the machine's own or the labels' interim. `weight`: 0 to 100,
    how grave it is (see `weight`).

    `unassessed`: what the post says of itself, and what `with_gaps` and `uncovered` add. A deletion leaves nothing to assess, so nothing
    was left out.
    """

    action: Action
    automation: Automation
    pending: bool = False
    reasons: tuple[Reason, ...] = ()
    unassessed: tuple[Unassessed, ...] = ()
    weight: float = 0.0
    grounds: Grounds | None = None


class Fired(NamedTuple):
    """A rule whose threshold was reached. `action` is what follows: a look, where the machine may not act alone.

    `threshold`: the rule's, or that of the evidence where the machine acts and it is higher.
    """

    action: RuleAction
    rule: Rule
    label: Label
    probability: float
    threshold: float


_NOT_FOR_WANT_OF_EVIDENCE = frozenset(
    {
        Unassessed.NO_LANGUAGE,
        Unassessed.LANGUAGE_UNKNOWN,
        Unassessed.LANGUAGE_UNSUPPORTED,
        Unassessed.STAGE_ERROR,
        Unassessed.NO_CALIBRATION,
    }
)
"""Any of these says already that the scores cannot be relied on."""

_PASSED_ON = Judgement(Action.ALLOW, Automation.NONE)
_ALLOWED = Judgement(Action.ALLOW, Automation.FULL)


def judge(scored: ScoredPost, policy: Policy) -> Judgement:
    """What happens to a post. A deletion is passed on; among what fired, the most severe action wins.

    What the machine does alone takes nothing graver away from people: then it holds until they have decided (`graver_is_open`).
    """
    if scored.post.kind is PostKind.DELETED:
        return _PASSED_ON
    assessed = with_gaps(scored, policy)
    fired = _fired(assessed, policy)
    alone = bool(fired) and fired[0].action is not RuleAction.REVIEW
    scored = assessed if alone or not uncovered(scored, policy) else _with(assessed, Unassessed.NO_CALIBRATION)
    reasons = [Reason(rule=f.rule.id, label=f.rule.label, probability=f.probability, threshold=f.threshold) for f in fired]
    unassessed = None
    if scored.unassessed:
        unassessed = policy.unassessed_rule(scored.unassessed, scored.language.tag, scored.post.market)
        reasons.append(Reason(rule=unassessed.id))
    if not fired:
        return _unassessed(scored, policy, unassessed, tuple(reasons)) if unassessed else _ALLOWED
    first = fired[0]
    pending = not alone or graver_is_open(fired)
    return Judgement(
        action=Action(first.action.value) if alone else _interim(fired, unassessed),
        automation=Automation.PARTIAL if pending else Automation.FULL,
        pending=pending,
        reasons=tuple(reasons),
        unassessed=scored.unassessed,
        weight=weight(scored, policy, fired),
        grounds=Grounds((first.label.ground or policy.statement.ground).value, first.label.clause, first.label.category.value),
    )


def with_gaps(scored: ScoredPost, policy: Policy) -> ScoredPost:
    """`scored`, with what the policy finds missing in its scores.

    `stage_error` where it has scores, but none for a label on which a rule for it stands; and where it has none at all and does not say
    why. A missing score is no 0: the post comes from a model that this policy was not written for (an upgrade half done, a replay of old
    posts) or from another writer, and nobody knows what the rule would have found.
    """
    if scored.scores:
        whole = all(policy.rules_for(tag, scored.post.market).keys() <= scored.scores.keys() for tag in _tags(scored))
    else:
        whole = not UNSCORED.isdisjoint(scored.unassessed) or (bool(scored.unassessed) and not scored.post.text)
    return scored if whole else _with(scored, Unassessed.STAGE_ERROR)


def uncovered(scored: ScoredPost, policy: Policy) -> bool:
    """Whether a post counts as `no_calibration` unless the machine acts alone: no evidence says what this model's scores are worth where
    they reach nothing in the post's language, and to allow it is a machine's decision too. A band may be open all the same: evidence on
    posts that reached a rule is enough for that.
    """
    if not scored.scores or not _NOT_FOR_WANT_OF_EVIDENCE.isdisjoint(scored.unassessed):
        return False
    return policy.lacks_evidence(_tags(scored), scored.model_version)


def _tags(scored: ScoredPost) -> tuple[str, ...]:
    return scored.language.tag, *scored.language.alternatives


def _with(scored: ScoredPost, reason: Unassessed) -> ScoredPost:
    return msgspec.structs.replace(scored, unassessed=tuple(dict.fromkeys((*scored.unassessed, reason))))


def _unassessed(scored: ScoredPost, policy: Policy, rule: UnassessedRule, reasons: tuple[Reason, ...]) -> Judgement:
    heavy = weight(scored, policy, ())
    pending = draw("review-share", scored.post.post_id) < review_share(rule.review_share, scored.post, heavy)
    restricted = rule.action is not UnassessedAction.ALLOW
    grounds = None
    if restricted and rule.clause is not None and rule.category is not None:
        grounds = Grounds(Ground.TERMS.value, rule.clause, rule.category.value)  # nobody knows of anything illegal in it
    return Judgement(
        action=Action.LIMIT if restricted else Action.ALLOW,
        automation=Automation.PARTIAL if pending else Automation.FULL,
        pending=pending,
        reasons=reasons,
        unassessed=scored.unassessed,
        weight=heavy,
        grounds=grounds,
    )


def _fired(scored: ScoredPost, policy: Policy) -> list[Fired]:
    """Every rule whose threshold is reached, most severe first.

    A language that cannot be told from others (ms and id) is judged as each of them: the machine acts alone only where it might in all.
    """
    scores = scored.scores
    if not scores:
        return []
    tags, market = tuple(dict.fromkeys(_tags(scored))), scored.post.market
    once = {rule.id: rule for tag in tags for rule in _reached(policy.rules_for(tag, market), scores)}
    if not once:
        return []
    scope = Scope(tags, market)
    may_act = MACHINE_MAY_ACT_DESPITE.issuperset(scored.unassessed)
    fired = []
    for rule in once.values():
        probability = scores[rule.label]
        asks = rule.action is RuleAction.REVIEW or not may_act
        start = None if asks else policy.acts_alone_from(scope, rule.label, rule.action, scored.model_version)
        alone = start is not None and probability >= start
        action, threshold = (rule.action, start) if alone else (RuleAction.REVIEW, None)
        fired.append(Fired(action, rule, policy.labels[rule.label], probability, threshold or rule.at_least))
    return sorted(fired, key=_order)


def graver_is_open(fired: Sequence[Fired]) -> bool:
    """Whether people have to look although the machine acts: at a suspicion of something graver than what it acts for, or at one whose rule
    asks for more than it does. None that the machine itself has answered, by acting for the same label as severely as the rule asks.
    """
    acting = [each for each in fired if each.action is not RuleAction.REVIEW]
    done = {each.rule.label: SEVERITY[each.action] for each in reversed(acting)}  # the most severe of a label comes first
    most, gravest = SEVERITY[acting[0].action], max(each.label.severity for each in acting)
    return any(
        SEVERITY[each.rule.action] > done.get(each.rule.label, -1) and (each.label.severity > gravest or SEVERITY[each.rule.action] > most)
        for each in fired
        if each.action is RuleAction.REVIEW
    )


def _reached(rules_by_label: dict[str, tuple[Rule, ...]], scores: dict[str, float]) -> list[Rule]:
    reached = []
    for label, rules in rules_by_label.items():
        probability = scores.get(label)
        for rule in rules:
            if probability is None or probability < rule.at_least:
                break
            reached.append(rule)
    return reached


def _order(fired: Fired) -> tuple[int, int, int, float, str]:
    return (-SEVERITY[fired.action], -fired.label.severity, -SEVERITY[fired.rule.action], -fired.probability, fired.rule.id)


def _interim(fired: Iterable[Fired], unassessed: UnassessedRule | None) -> Action:
    limited = any(f.label.interim is Interim.LIMIT for f in fired) or (unassessed and unassessed.action is not UnassessedAction.ALLOW)
    return Action.LIMIT if limited else Action.ALLOW


def weight(scored: ScoredPost, policy: Policy, fired: Iterable[Fired]) -> float:
    """How grave a post is, 0 to 100: the severity of the gravest label that fired, else of any label times its probability."""
    gravest = max((f.label.severity for f in fired), default=None)
    if gravest is not None:
        return float(gravest)
    labels = policy.labels
    return max((labels[name].severity * probability for name, probability in scored.scores.items() if name in labels), default=0.0)


def review_share(share: float, post: Post, heavy: float) -> float:
    """The policy's share, raised by reach and gravity to at most eight times: share * (1 + min(log10(1 + reach), 6) + weight / 100)."""
    return min(1.0, share * (1.0 + reach_weight(post.reach) + heavy / 100))


def stratum(scored: ScoredPost, policy: Policy) -> str | None:
    """The label of the policy that the model finds likeliest; None where nothing was scored. Audits are counted by it."""
    return max(((p, name) for name, p in scored.scores.items() if name in policy.labels), default=(0.0, None))[1]
