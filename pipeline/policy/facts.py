"""What a policy must know of the model."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pipeline.language.languages import inseparable_from
from pipeline.policy.policy import Scope


class Facts(NamedTuple):
    """`version`: `name@version`. Labels, languages that it was made for, and those of them in which nothing was fitted for its scores: the
    scoring stage marks their posts `no_calibration`.
    """

    version: str
    labels: Collection[str]
    languages: Collection[str]
    uncalibrated: Collection[str] = ()


def scope_of(language: str, market: str) -> Scope:
    """That of a post in `language` which may be in any that cannot be told from it."""
    return Scope((language, *inseparable_from(language)), market)
