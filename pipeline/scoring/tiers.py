"""The tiers of a cascade by their descriptions: which bundles score, and whether they fit together. Loads no model."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.config import ConfigError
from pipeline.scoring.bundle import DESCRIPTION, Bundle, read_bundle


class Tier(enum.Enum):
    """Which of a cascade's models gave a text's scores; a bundle without a cascade is the accurate one."""

    ACCURATE = "accurate"
    FAST = "fast"


class Described(NamedTuple):
    """A tier's bundle and where it lies."""

    directory: Path
    bundle: Bundle


def read_tiers(directory: Path) -> dict[Tier, Described]:
    """The bundle in `directory` and, where it names one, the fast tier before it. ConfigError when they do not fit together."""
    bundle = read_bundle(directory)
    tiers = {Tier.ACCURATE: Described(directory, bundle)}
    if bundle.cascade is not None:
        place = directory / bundle.cascade.fast
        fast = read_bundle(place)
        if fault := _fault(bundle, fast):
            raise ConfigError(f"{directory / DESCRIPTION}: cascade: {fault}")
        tiers[Tier.FAST] = Described(place, fast)
    return tiers


def settles_below(settle_below: Mapping[str, Mapping[str, float]], languages: Iterable[str]) -> Mapping[str, float] | None:
    """Per label, below which probability the fast tier settles a text that may be in any of `languages`: the lowest threshold of theirs.

    None where one of them has no table: there it settles nothing.
    """
    tables = [settle_below.get(language) for language in languages]
    known = [table for table in tables if table]
    if len(known) < len(tables):
        return None
    return {label: min(table[label] for table in known) for label in known[0]}


def _fault(accurate: Bundle, fast: Bundle) -> str | None:
    """Why the fast tier cannot stand before the accurate one."""
    cascade = accurate.cascade
    if cascade is None:
        return None
    if fast.model_version != cascade.fast_version:
        return f"fast_version: the bundle in {cascade.fast} is {fast.model_version}; only {cascade.fast_version} is allowed"
    if fast.cascade is not None:
        return f"fast: {fast.model_version} has a cascade itself; only one fast tier is allowed"
    if set(fast.labels) != set(accurate.labels):
        return f"fast: {fast.model_version} has the labels {', '.join(fast.labels)}; exactly {', '.join(accurate.labels)} are allowed"
    if unknown := sorted(cascade.settle_below.keys() - set(fast.languages)):
        return f"settle_below: {fast.model_version} was not made for {', '.join(unknown)}; allowed are {', '.join(fast.languages)}"
    return None
