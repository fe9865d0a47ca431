"""The parts of a policy: labels, rules on their probabilities, rules for what was not assessed; and which of them apply to a post."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from pipeline.config import ConfigModel
from schemas.records import Unassessed

RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
LabelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
LANGUAGE_TAG = r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*|other)$"
Language = Annotated[str, Field(pattern=LANGUAGE_TAG)]
Market = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class RuleAction(enum.Enum):
    """What a rule asks for, from least to most severe: a person's look, the machine's limit, the machine's removal."""

    REVIEW = "review"
    LIMIT = "limit"
    REMOVE = "remove"


SEVERITY = {action: rank for rank, action in enumerate(RuleAction)}


class Interim(enum.Enum):
    """What holds for a post while people decide."""

    ALLOW = "allow"
    LIMIT = "limit"


class UnassessedAction(enum.Enum):
    """What happens to a post that was not assessed; `hold` limits it until a person has decided."""

    ALLOW = "allow"
    LIMIT = "limit"
    HOLD = "hold"


class Ground(enum.Enum):
    """Why something is restricted: the platform's terms, or the law."""

    TERMS = "terms"
    LAW = "law"


class Category(enum.Enum):
    """Categories of the DSA transparency database, schema of July 2025."""

    ANIMAL_WELFARE = "STATEMENT_CATEGORY_ANIMAL_WELFARE"
    CONSUMER_INFORMATION = "STATEMENT_CATEGORY_CONSUMER_INFORMATION"
    CYBER_VIOLENCE = "STATEMENT_CATEGORY_CYBER_VIOLENCE"
    CYBER_VIOLENCE_AGAINST_WOMEN = "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN"
    DATA_PROTECTION = "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
    HARMFUL_SPEECH = "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    INTELLECTUAL_PROPERTY = "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
    ELECTIONS = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"
    NOT_SPECIFIED = "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE"
    OTHER_TERMS = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    MINORS = "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
    PUBLIC_SECURITY = "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
    SCAMS = "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    SELF_HARM = "STATEMENT_CATEGORY_SELF_HARM"
    PRODUCTS = "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS"
    VIOLENCE = "STATEMENT_CATEGORY_VIOLENCE"


def _not_empty(given: object) -> object:
    """A list that was emptied by mistake would make a rule for one language one for all of them."""
    if given == []:
        raise ValueError("a list with at least one value is allowed; without the key the rule holds for all")
    return given


T = TypeVar("T")
Named = Annotated[frozenset[T], BeforeValidator(_not_empty)]
"""Values that a rule names; the key left out means all."""


class ScopedRule(ConfigModel):
    """A rule's name and where it holds: none named means all. Languages are compared as they are: `pt` does not cover `pt-BR`."""

    id: RuleId
    languages: Named[Language] = frozenset()
    markets: Named[Market] = frozenset()

    def covers(self, language: str, market: str) -> bool:
        """Whether a post of this language and market is meant."""
        return (not self.languages or language in self.languages) and (not self.markets or market in self.markets)

    @property
    def named_scope(self) -> dict[str, frozenset[str]]:
        """Languages and markets, by key."""
        return {"languages": self.languages, "markets": self.markets}

    @property
    def specificity(self) -> int:
        """Language and market 3, language 2, market 1, neither 0."""
        return 2 * bool(self.languages) + bool(self.markets)


class Label(ConfigModel):
    """What a label of the model means here. `severity`: 0 (hardly matters) to 100; it orders reasons and people's work.

    `self_evident`: what it names is recognised without the language and the conversation, so whoever sees it may restrict it in full.
    `queue`: where a reviewer's escalation goes.
    """

    category: Category
    clause: str = Field(min_length=1, max_length=200)
    severity: int = Field(ge=0, le=100)
    interim: Interim
    ground: Ground | None = None
    self_evident: bool = False
    queue: str | None = None


class Rule(ScopedRule):
    """`action` where the probability of `label` is at least `at_least`."""

    label: LabelName
    action: RuleAction
    at_least: float = Field(gt=0, le=1, allow_inf_nan=False)


def _reasons(given: object) -> object:
    if given == "all":
        return frozenset(Unassessed)
    if isinstance(given, str):
        raise ValueError('`"all"` or a list of reasons is allowed')  # noqa: TRY004 - pydantic reports only ValueError
    return given


class UnassessedRule(ScopedRule):
    """What happens to posts with one of `reasons`: the share `review_share` goes to people, `action` holds for all of them."""

    reasons: Annotated[frozenset[Unassessed], BeforeValidator(_reasons)] = Field(min_length=1)
    review_share: float = Field(ge=0, le=1, allow_inf_nan=False)
    action: UnassessedAction
    category: Category | None = None
    clause: str | None = Field(None, min_length=1, max_length=200)

    @property
    def named(self) -> dict[str, frozenset[str]]:
        """What it is for, by key."""
        every = self.reasons == frozenset(Unassessed)
        return {**self.named_scope, "reasons": frozenset() if every else frozenset(each.value for each in self.reasons)}

    @property
    def catches_all(self) -> bool:
        """Whether no unassessed post is left for a later rule."""
        return self.reasons == frozenset(Unassessed) and not self.specificity

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.action is UnassessedAction.HOLD and self.review_share != 1:
            raise ValueError(
                f'`action = "hold"` of {self.id!r} needs `review_share = 1`: a held post that no person sees would stay limited for ever'
            )
        if self.action is not UnassessedAction.ALLOW and (self.category is None or self.clause is None):
            raise ValueError(f"{self.id!r} restricts posts, so it needs `category` and `clause`: their authors are told why")
        return self


def applicable(rules: Iterable[Rule], language: str, market: str) -> dict[str, tuple[Rule, ...]]:
    """By label, the most specific rule of each action, lowest threshold first."""
    best: dict[tuple[str, RuleAction], Rule] = {}
    for rule in rules:
        known = best.get((rule.label, rule.action))
        if rule.covers(language, market) and (known is None or rule.specificity > known.specificity):
            best[rule.label, rule.action] = rule
    by_label: dict[str, list[Rule]] = {}
    for rule in sorted(best.values(), key=lambda rule: (rule.at_least, SEVERITY[rule.action])):
        by_label.setdefault(rule.label, []).append(rule)
    return {label: tuple(chosen) for label, chosen in by_label.items()}


def faults(rules: Collection[Rule], labels: Collection[str]) -> Iterator[str]:
    """What is wrong between rules, a sentence each."""
    for rule in rules:
        if rule.label not in labels:
            yield f"rule {rule.id!r} names the label {rule.label!r}; allowed are {', '.join(sorted(labels))}"
    for one, other in itertools.combinations(rules, 2):
        if (one.label, one.action, one.specificity) == (other.label, other.action, other.specificity) and _meet(one, other):
            yield f"rules {one.id!r} and {other.id!r} hold for the same posts and neither is more specific; only one of them is allowed"
    yield from _thresholds_out_of_order(rules)


def _meet(one: Rule, other: Rule) -> bool:
    languages = not one.languages or bool(one.languages & other.languages)
    return languages and (not one.markets or bool(one.markets & other.markets))


def _thresholds_out_of_order(rules: Collection[Rule]) -> Iterator[str]:
    # "" stands for every language or market that no rule names.
    languages = sorted({"", *itertools.chain.from_iterable(rule.languages for rule in rules)})
    markets = sorted({"", *itertools.chain.from_iterable(rule.markets for rule in rules)})
    seen = set()
    for language, market in itertools.product(languages, markets):
        for chosen in applicable(rules, language, market).values():
            for lower, higher in itertools.pairwise(chosen):
                if SEVERITY[lower.action] > SEVERITY[higher.action] and (lower.id, higher.id) not in seen:
                    seen.add((lower.id, higher.id))
                    yield (
                        f"rule {lower.id!r} asks for {lower.action.value} from {lower.at_least}, rule {higher.id!r} only for "
                        f"{higher.action.value} from {higher.at_least}, and both hold for the same posts; "
                        "the threshold of the more severe action must be at least the other's"
                    )


def reach_weight(reach: int) -> float:
    """What a post's views weigh: their order of magnitude, 0 to 6. Beyond a million nothing weighs more."""
    return min(math.log10(1 + reach), 6.0)
