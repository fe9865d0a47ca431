"""What labelled posts say of a model: from which probability on it may act alone, per label, language and action.

Written by `sluice calibrate` (pipeline.scoring.evaluation.bands), read by routing. docs/policy.md explains the file.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import itertools
from collections import Counter
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from pipeline.config import ConfigError, ConfigModel, read_toml
from pipeline.policy.automation import Automation, Targets
from pipeline.policy.rules import LabelName, Language, RuleAction

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class Closed(enum.Enum):
    """Why a band is closed; the first that holds, in this order."""

    FEW_ROWS = "few_rows"
    FEW_POSITIVES = "few_positives"
    PRECISION = "precision"  # at no threshold is its lower bound high enough
    GROUP = "group"  # it would be, but somewhere the false positive rate of a group is not low enough


class GroupRate(ConfigModel):
    """Of `rows` posts of a group that are not what the label says, `flagged` lie above the band's threshold.

    `high`: the upper bound of that rate.
    """

    name: str
    rows: Count
    flagged: Count
    high: Share


class Passed(ConfigModel):
    """A threshold that passed: `flagged` labelled posts lie from it on, `correct` of them rightly; `precision_low` meets the target."""

    threshold: Share
    flagged: Count
    correct: Count
    precision_low: Share


class Band(ConfigModel):
    """A label in a language: `rows` were labelled, `positives` are what it says. `undecided` of the rows were for people to label and
    nobody did: they count as what it does not say, and towards no number of rows that is needed.

    From `threshold` on, `flagged` of them are reached, `correct` of these rightly: open from there, or, where `closed` says why not, the
    threshold that came nearest. `passed`: the higher ones from which it is open, too; what holds of all that lies above one threshold says
    nothing of what lies above a higher one, so from any that is not among them the machine may not act. `precision` is that of traffic with
    the targets' prevalence, where they name one, and `precision_low` its lower bound, which the target is compared with; the bounds of
    recall are two-sided.
    `more_rows`: about how many more posts like these would open it, if they go on as they began; absent where that does not say.
    """

    label: LabelName
    language: Language
    action: RuleAction
    rows: Count
    positives: Count
    undecided: Count = 0
    closed: Closed | None = None
    threshold: Share
    flagged: Count
    correct: Count
    precision: Share | None = None
    precision_low: Share
    recall_low: Share
    recall_high: Share
    more_rows: Count | None = None
    groups: tuple[GroupRate, ...] = ()
    passed: tuple[Passed, ...] = ()

    @property
    def all_passed(self) -> tuple[Passed, ...]:
        """Every threshold from which the machine may act, lowest first; none where the band is closed."""
        if self.closed is not None:
            return ()
        own = Passed(threshold=self.threshold, flagged=self.flagged, correct=self.correct, precision_low=self.precision_low)
        return own, *self.passed

    @property
    def key(self) -> tuple[str, str, RuleAction]:
        """What it is a band of."""
        return self.label, self.language, self.action

    @property
    def enough_rows(self) -> bool:
        """Whether the labelled posts say something about the model, be it good or bad."""
        return self.closed not in {Closed.FEW_ROWS, Closed.FEW_POSITIVES}

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        if not (self.correct <= self.flagged <= self.rows and self.correct <= self.positives <= self.rows):
            raise ValueError("`correct` may be at most `flagged` and `positives`, these at most `rows`")
        if self.positives + self.undecided > self.rows:
            raise ValueError("`positives` and `undecided` may be at most `rows` together: what nobody labelled is not what the label says")
        for lower, higher in itertools.pairwise(self.all_passed):
            if not (higher.threshold > lower.threshold and higher.correct <= higher.flagged <= lower.flagged):
                raise ValueError("`passed` holds thresholds above the band's, lowest first, each with at most the rows of the one before")
        if self.closed is not None and self.passed:
            raise ValueError("`passed` is allowed for an open band only")
        return self


class DataFile(ConfigModel):
    """Labelled rows that were read, and the SHA-256 of the file, unpacked."""

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rows: Count


class Source(ConfigModel):
    """Where rows come from."""

    name: str
    licence: str
    rows: Count


class Evidence(ConfigModel):
    """Bands of the models `model_versions` (both tiers of a cascade) for `targets`, and what they rest on.

    `reached_only`: all rows are posts that reached a rule. Such evidence may open a band; of what is allowed it says nothing.
    """

    made_on: dt.date
    model_versions: tuple[str, ...] = Field(min_length=1)
    reached_only: bool = False
    targets: Targets
    data: tuple[DataFile, ...]
    sources: tuple[Source, ...]
    bands: tuple[Band, ...]
    _by_key: dict[tuple[str, str, RuleAction], Band] = PrivateAttr(default_factory=dict)
    _languages: set[str] = PrivateAttr(default_factory=set)

    def band(self, model_version: str, label: str, language: str, action: RuleAction) -> Band | None:
        """None where there is none, or only of another model."""
        return self._by_key.get((label, language, action)) if model_version in self.model_versions else None

    def covers(self, model_version: str, language: str) -> bool:
        """Whether for any label of the language enough rows say how good this model is, on what it finds and on what it does not."""
        return not self.reached_only and model_version in self.model_versions and language in self._languages

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._by_key.update({band.key: band for band in self.bands})
        self._languages.update(band.language for band in self.bands if band.enough_rows)
        twice = sorted(f"{label} {language} {action.value}" for (label, language, action), n in _keys(self.bands).items() if n > 1)
        if twice:
            raise ValueError(f"a band may stand once, {', '.join(twice)} stands more often")
        for band in self.bands:
            target = self.targets.precision.get(band.action)
            if target is None:
                raise ValueError(f"`bands` are allowed for {', '.join(action.value for action in self.targets.precision)}")
            enough = band.rows - band.undecided >= self.targets.least_rows and band.positives >= self.targets.least_positives
            if band.closed is None and not (enough and all(each.precision_low >= target for each in band.all_passed)):
                raise ValueError(
                    f"the band of {band.label} {band.language} {band.action.value} is open and does not meet `targets`: "
                    "only files that `sluice calibrate` wrote are allowed"
                )
        return self


def _keys(bands: tuple[Band, ...]) -> Counter[tuple[str, str, RuleAction]]:
    return Counter(band.key for band in bands)


def read_evidence(policy_file: Path, automation: Automation) -> Evidence | None:
    """The evidence that the policy of `policy_file` names; None where it names none.

    ConfigError when it cannot be read, is not the one that the policy was written with, or was made for other targets.
    """
    if automation.evidence is None:
        return None
    path = policy_file.parent / automation.evidence
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{policy_file}: automation.evidence: {path} cannot be read: {error.strerror}") from error
    if found != automation.evidence_sha256:
        raise ConfigError(
            f"{path}: its sha256 is {found}, but {policy_file.name} allows only automation.evidence_sha256 = {automation.evidence_sha256}; "
            "other evidence needs another version of the policy"
        )
    evidence = read_toml(path, Evidence)
    if evidence.targets != automation.targets:
        raise ConfigError(
            f"{path}: targets: only those of {policy_file.name}, automation.targets, are allowed: run `sluice calibrate` again"
        )
    return evidence
