"""A policy, its versions, and the one in force at a time. docs/policy.md explains the file."""

from __future__ import annotations

import bisect
import datetime as dt
import enum
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import Field, PrivateAttr, model_validator

from pipeline.config import ConfigError, ConfigModel, UtcTime, read_toml
from pipeline.policy.automation import Automation, Targets
from pipeline.policy.evidence import Evidence, read_evidence
from pipeline.policy.order import ANYTHING_ELSE, unreached
from pipeline.policy.people import OF_THE_MACHINE, Audit, People, Queue, QueueName
from pipeline.policy.rules import Ground, Label, LabelName, Rule, RuleAction, UnassessedRule, applicable, faults
from schemas.records import Media, Unassessed

MAX_CONTEXT_POSTS = 50
MAX_CONTEXT_BYTES = 16 * 1024
"""With the largest post and every byte escaped in JSON, a task and a case file with all its decisions are still under
schemas.topics.MAX_MESSAGE_BYTES: a larger one would stop the stage that makes it, again and again."""

MAX_CACHED_SCOPES = 10_000
"""(language, market) pairs whose rules are kept at hand: tens of languages in 249 markets, and a bound if a producer invents markets."""

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class ContentType(enum.Enum):
    """Content types of the DSA transparency database."""

    APP = "CONTENT_TYPE_APP"
    AUDIO = "CONTENT_TYPE_AUDIO"
    IMAGE = "CONTENT_TYPE_IMAGE"
    PRODUCT = "CONTENT_TYPE_PRODUCT"
    SYNTHETIC_MEDIA = "CONTENT_TYPE_SYNTHETIC_MEDIA"
    TEXT = "CONTENT_TYPE_TEXT"
    VIDEO = "CONTENT_TYPE_VIDEO"
    OTHER = "CONTENT_TYPE_OTHER"


MADE_OF = {ContentType.IMAGE: "image/", ContentType.VIDEO: "video/", ContentType.AUDIO: "audio/"}
"""How the media type begins that tells of one."""

NOT_TOLD = frozenset({ContentType.APP, ContentType.PRODUCT, ContentType.SYNTHETIC_MEDIA})
"""What neither a text nor a media type tells: so it is said by the policy, of every post."""


class SourceType(enum.Enum):
    """What led to the decision, in the words of the DSA transparency database."""

    ARTICLE_16 = "SOURCE_ARTICLE_16"
    TRUSTED_FLAGGER = "SOURCE_TRUSTED_FLAGGER"
    OTHER_NOTIFICATION = "SOURCE_TYPE_OTHER_NOTIFICATION"
    VOLUNTARY = "SOURCE_VOLUNTARY"


class Statement(ConfigModel):
    """What every statement of reasons says unless a label says otherwise."""

    ground: Ground
    content_type: ContentType
    source_type: SourceType

    def content_types(self, text: str | None, media: Iterable[Media]) -> tuple[str, ...]:
        """All that a post is, in the words of the DSA transparency database; what the policy says where its text and media tell nothing."""
        types = [each.type.strip().lower() for each in media]
        told = {kind for kind, begins in MADE_OF.items() if any(each.startswith(begins) for each in types)}
        if text and not text.isspace():
            told.add(ContentType.TEXT)
        if not told or self.content_type in NOT_TOLD:
            told.add(self.content_type)
        return tuple(sorted(each.value for each in told))


class Review(ConfigModel):
    """Of what goes to people: how much of the conversation goes along. By when they should answer is a region's service level."""

    context_posts: int = Field(ge=0, le=MAX_CONTEXT_POSTS)
    context_bytes: int = Field(ge=1024, le=MAX_CONTEXT_BYTES)


class Scope(NamedTuple):
    """Of a post: the languages that it may be in, which could not be told apart, and its market."""

    languages: tuple[str, ...]
    market: str


class Policy(ConfigModel):
    """One version of a policy."""

    name: Word
    version: Word
    effective_from: UtcTime
    statement: Statement
    review: Review
    labels: dict[LabelName, Label] = Field(min_length=1)
    rules: tuple[Rule, ...]
    unassessed: tuple[UnassessedRule, ...]
    automation: Automation | None = None
    people: People = People()
    queues: dict[QueueName, Queue] = Field({})
    audit: Audit | None = None
    _evidence: Evidence | None = PrivateAttr(default=None)
    _applicable: dict[tuple[str, str], dict[str, tuple[Rule, ...]]] = PrivateAttr(default_factory=dict)

    @property
    def id(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def evidence(self) -> Evidence | None:
        """Where the machine may act alone. Without it, nowhere."""
        return self._evidence

    def with_evidence(self, evidence: Evidence | None) -> Self:
        """The same version with what its `[automation]` names."""
        copy = self.model_copy()
        copy._evidence = evidence
        return copy

    def acts_alone_from(self, scope: Scope, label: str, action: RuleAction, model_version: str) -> float | None:
        """The probability from which the machine may do this without a person, to a post that may be in any language of `scope`.

        The lowest threshold that passed in each of them and lies at or above the rule's in each. None: at none.
        """
        rules = [self.rule_for(language, scope.market, label, action) for language in scope.languages]
        lowest = max(rule.at_least if rule else math.inf for rule in rules)
        return min((each for each in self.passed(scope, label, action, model_version) if each >= lowest), default=None)

    def passed(self, scope: Scope, label: str, action: RuleAction, model_version: str) -> frozenset[float]:
        """The thresholds that passed in every language of `scope`, wherever the rule stands."""
        bands = [self._evidence and self._evidence.band(model_version, label, language, action) for language in scope.languages]
        return frozenset.intersection(*(frozenset(each.threshold for each in band.all_passed) if band else frozenset() for band in bands))

    def rule_for(self, language: str, market: str, label: str, action: RuleAction) -> Rule | None:
        """The one that applies."""
        return next((rule for rule in self.rules_for(language, market).get(label, ()) if rule.action is action), None)

    def lacks_evidence(self, languages: Iterable[str], model_version: str) -> bool:
        """Whether the policy asks for evidence and there is none on what this model allows in one of `languages`."""
        if self.automation is None:
            return False
        evidence = self._evidence
        return evidence is None or not all(evidence.covers(model_version, language) for language in languages)

    def rules_for(self, language: str, market: str) -> dict[str, tuple[Rule, ...]]:
        """By label, the rules that apply, lowest threshold first."""
        found = self._applicable.get((language, market))
        if found is None:
            if len(self._applicable) >= MAX_CACHED_SCOPES:
                self._applicable.clear()
            found = self._applicable[language, market] = applicable(self.rules, language, market)
        return found

    def unassessed_rule(self, reasons: Collection[Unassessed], language: str, market: str) -> UnassessedRule:
        """The first that matches one of `reasons`; the last one matches everything."""
        return next(rule for rule in self.unassessed if not rule.reasons.isdisjoint(reasons) and rule.covers(language, market))

    def gravest_first(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Each once, by severity; equal ones, and those that the policy does not know, in the order in which they come."""
        return tuple(sorted(dict.fromkeys(labels), key=lambda label: -self.labels[label].severity if label in self.labels else 1))

    def queue_of(self, label: str | None) -> str | None:
        """The queue to which an escalation under `label` goes; None where the policy names none."""
        known = self.labels.get(label or "")
        return known.queue if known else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, label in self.labels.items():
            if label.queue and label.queue not in self.queues:
                raise ValueError(f"label {name!r} names the queue {label.queue!r}; allowed are {', '.join(sorted(self.queues)) or 'none'}")
        if self.people.keep_days < self.people.appeal_days:
            raise ValueError("`people.keep_days` must be at least `people.appeal_days`: an appeal needs the case file")
        ids = Counter(rule.id for rule in [*self.rules, *self.unassessed, *(self.audit.rules if self.audit else ())])
        twice = sorted(name for name, times in ids.items() if times > 1)
        if twice:
            raise ValueError(f"a rule's `id` may stand once in a policy, {', '.join(twice)} stands more often")
        for fault in (*faults(self.rules, self.labels), *self._audit_faults()):
            raise ValueError(fault)
        catch_all = [rule.catches_all for rule in self.unassessed]
        if not any(catch_all):
            raise ValueError('`unassessed` needs a last rule with `reasons = "all"` and neither languages nor markets')
        if any(catch_all[:-1]):
            raise ValueError(f"`unassessed` rules after {self.unassessed[catch_all.index(True)].id!r} are never reached")
        for kind, rule, parts in self.unreached():
            if not parts:
                raise ValueError(f"{kind} {rule!r} is never reached: rules before it take all of its posts")
        return self

    def unreached(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Of rules of which the first that fits counts: kind and id of each that is never reached, and with which of what it names; with
        none of it where that is empty.
        """
        unassessed = [rule.named for rule in self.unassessed]
        for place, parts in unreached(unassessed, {"reasons": frozenset(each.value for each in Unassessed)}):
            yield "unassessed rule", self.unassessed[place].id, parts
        audits = self.audit.rules if self.audit else ()
        known = {"labels": frozenset({*self.labels, ANYTHING_ELSE}), "actions": OF_THE_MACHINE}
        for place, parts in unreached([rule.named for rule in audits], known):
            yield "audit rule", audits[place].id, parts

    def _audit_faults(self) -> Iterator[str]:
        for rule in self.audit.rules if self.audit else ():
            for label in sorted(rule.labels - self.labels.keys()):
                yield f"audit rule {rule.id!r} names the label {label!r}; allowed are {', '.join(sorted(self.labels))}"
            for action in sorted({each.value for each in rule.actions} - OF_THE_MACHINE):
                yield f"audit rule {rule.id!r} names the action {action!r}; allowed are {', '.join(sorted(OF_THE_MACHINE))}"


class PolicySet:
    """Versions of a policy, each in force from its `effective_from` until that of the next."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.effective_from))
        self._starts = [policy.effective_from for policy in self.policies]

    def at(self, received_at: dt.datetime) -> Policy:
        """The newest that is in force when a post is received; before the first one, the first. A replay so uses the same one."""
        return self.policies[max(0, bisect.bisect_right(self._starts, received_at) - 1)]


def read_policies(path: Path) -> PolicySet:
    """One file, or every `.toml` of a folder. ConfigError when one does not fit, two are the same version or start at the same time."""
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: holds no policy; at least one .toml file is needed")
    policies = [_read(file) for file in files]
    ids: dict[str, Path] = {}
    starts: dict[dt.datetime, Path] = {}
    for file, policy in zip(files, policies, strict=True):
        if policy.id in ids:
            raise ConfigError(f"{file}: version: {policy.id} is also in {ids[policy.id].name}; a version may stand once")
        if policy.effective_from in starts:
            same = starts[policy.effective_from].name
            raise ConfigError(f"{file}: effective_from: {same} starts at the same time; each version needs its own")
        ids[policy.id] = starts[policy.effective_from] = file
    return PolicySet(policies)


def _read(file: Path) -> Policy:
    policy = read_toml(file, Policy)
    return policy.with_evidence(read_evidence(file, policy.automation)) if policy.automation else policy


def read_versions(path: Path) -> list[tuple[Policy, Path]]:
    """Every version in `path` with its file, without the evidence that it names."""
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: holds no policy; at least one .toml file is needed")
    return [(read_toml(file, Policy), file) for file in files]


def read_newest(path: Path) -> tuple[Policy, Path]:
    """The newest version in `path` with its file, without the evidence that it names."""
    return max(read_versions(path), key=lambda version: version[0].effective_from)


def read_targets(path: Path) -> tuple[Path, Targets]:
    """What the newest version in `path` asks of evidence, and its file. What evidence it names does not matter: it may be made anew."""
    policy, file = read_newest(path)
    if policy.automation is None:
        raise ConfigError(f"{file}: automation: is missing; it says which precision the machine needs to act alone")
    return file, policy.automation.targets
