"""From the posterior of the identifiers to how often such an answer is right."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pipeline.config import ConfigModel, read_toml

DEFAULT = Path(__file__).with_name("calibration.toml")
"""Fitted by tests/bench/fit_language.py, which says on what."""

_Share = Annotated[float, Field(ge=0, le=1)]


class Bucket(ConfigModel):
    """A curve through points (posterior, share of answers that are right), straight between them, for texts of some length.

    It is used for cleaned texts of fewer than `below` characters; the last bucket has none and takes the rest.
    """

    below: Annotated[int, Field(gt=0)] | None = None
    posterior: Annotated[tuple[_Share, ...], Field(min_length=2)]
    right: tuple[_Share, ...]

    @model_validator(mode="after")
    def _is_a_rising_curve(self) -> Bucket:
        if len(self.posterior) != len(self.right):
            raise ValueError("`posterior` and `right` must be equally long")
        if any(a >= b for a, b in zip(self.posterior, self.posterior[1:], strict=False)):
            raise ValueError("`posterior` must rise")
        if any(a > b for a, b in zip(self.right, self.right[1:], strict=False)):
            raise ValueError("`right` must not fall")
        return self

    def confidence(self, posterior: float) -> float:
        """The curve at `posterior`; outside the points, the value of the nearest."""
        xs, ys = self.posterior, self.right
        i = bisect_right(xs, posterior)
        if i == 0:
            return ys[0]
        if i == len(xs):
            return ys[-1]
        return ys[i - 1] + (ys[i] - ys[i - 1]) * (posterior - xs[i - 1]) / (xs[i] - xs[i - 1])


class Calibration(ConfigModel):
    """A curve per length of the cleaned text."""

    buckets: Annotated[tuple[Bucket, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _covers_every_length(self) -> Calibration:
        bounds = [bucket.below for bucket in self.buckets]
        if bounds[-1] is not None or None in bounds[:-1]:
            raise ValueError("every bucket but the last needs `below`, the last must have none")
        limits = [bound for bound in bounds if bound is not None]
        if limits != sorted(set(limits)):
            raise ValueError("`below` must rise from bucket to bucket")
        return self

    def confidence(self, posterior: float, characters: int) -> float:
        """How often an answer with this posterior, on a cleaned text of that length, is right: 0 to 1, rising with the posterior."""
        for bucket in self.buckets:
            if bucket.below is None or characters < bucket.below:
                return bucket.confidence(posterior)
        raise AssertionError("the last bucket takes every length")


def load(path: Path = DEFAULT) -> Calibration:
    """The calibration in a TOML file. Raises pipeline.config.ConfigError."""
    return read_toml(path, Calibration)
