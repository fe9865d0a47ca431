"""What a policy asks of evidence before the machine may limit or remove alone: `[automation]`. No evidence, no automation."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.config import ConfigModel
from pipeline.policy.rules import RuleAction

STARTS = (0.98, 0.95, 0.9, 0.8, 0.7)
"""Thresholds at which the search for a band begins, each with an equal part of the error that the policy allows itself.

See pipeline.scoring.evaluation.bands.
"""

Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def _beside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("a path below the policy's folder is allowed")
    return name


class GroupTargets(ConfigModel):
    """For each group with at least `least_rows` labelled posts that are not what the label says.

    Of those, with the policy's confidence, at most the share `false_positive_rate` may be limited or removed.
    """

    false_positive_rate: Share
    least_rows: int = Field(ge=1)


class Targets(ConfigModel):
    """When a band opens: the lower bound of precision, at `confidence`, is at least the action's `precision`.

    And at least `least_rows` posts of the language were labelled for the label, of which at least `least_positives` are what it says.
    `prevalence`: the share of the traffic that is what a label says; without it precision is that of the labelled posts, as they are.
    """

    precision: dict[RuleAction, Share] = Field(min_length=1)
    confidence: Annotated[float, Field(ge=0.5, lt=1, allow_inf_nan=False)]
    least_rows: int = Field(ge=1)
    least_positives: int = Field(ge=1)
    prevalence: Share | None = None
    groups: GroupTargets | None = None

    @property
    def error(self) -> float:
        """Of one start, how often it may open a band that is not as precise as it must be."""
        return (1 - self.confidence) / len(STARTS)

    def least_without_errors(self, action: RuleAction) -> int:
        """Labelled posts below which no band can open, though the machine errs on none of them.

        As they are: so many must lie above the threshold, error = precision ** posts. For a prevalence: so many must not be what the label
        says and lie below the threshold, while half of those that are lie above it: error / 2 = (1 - false positive rate) ** posts.
        """
        target, share = self.precision[action], self.prevalence
        if share is None:
            return math.ceil(math.log(self.error) / math.log(target))
        false_rate = 0.5 * share / (1 - share) * (1 - target) / target
        return math.ceil(math.log(self.error / 2) / math.log1p(-false_rate))

    @model_validator(mode="after")
    def _of_the_machine(self) -> Self:
        if RuleAction.REVIEW in self.precision:
            raise ValueError("`precision` is allowed for limit and remove; a review needs no evidence")
        return self


class Automation(ConfigModel):
    """`evidence`: a file, from the policy's folder; without it everything that the machine would do is a review.

    Its SHA-256 makes it a part of the policy's version: other evidence needs another version, so a replay decides as it did.
    """

    targets: Targets
    evidence: Annotated[str, AfterValidator(_beside)] | None = None
    evidence_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.evidence is None) is not (self.evidence_sha256 is None):
            raise ValueError("`evidence` and `evidence_sha256` are allowed together only; `sluice calibrate` prints both")
        return self
