"""What is promised: deploy/objectives.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from agents.edge.metrics import SECONDS
from pipeline.config import ConfigModel, read_toml

FILE = Path(__file__).parents[1] / "objectives.toml"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]*)([smhd])")


def seconds(duration: str) -> int:
    """`5m` as 300. ValueError if it is no whole number of s, m, h or d."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError("a whole number with its unit s, m, h or d, such as 5m, is allowed")
    return int(found[1]) * UNITS[found[2]]


def _duration(value: str) -> str:
    seconds(value)
    return value


def _bucket(value: float) -> float:
    if value not in SECONDS:
        raise ValueError(f"a bucket of sluice_end_to_end_seconds is allowed: {', '.join(map(str, SECONDS))}")
    return value


Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Duration = Annotated[str, AfterValidator(_duration)]


class Burn(ConfigModel):
    """An error budget burns `rate` times faster than it may: over `long`, and still over `short`."""

    rate: Annotated[float, Field(gt=1, le=1000)]
    long: Duration
    short: Duration


class Flow(ConfigModel):
    """Of posts on their way. Shares are of the records that a stage reads, but for those named `in_time`."""

    oldest_seconds: Annotated[float, Field(gt=0, le=86_400)]
    in_time: Share
    decided_seconds: Annotated[float, AfterValidator(_bucket)]
    decided_in_time: Share
    quiet: Duration
    down: Duration
    stuck: Duration
    restarts: Count
    least: Count
    dead_letters: Share
    stage_errors: Share
    burn: tuple[Burn, ...] = Field(min_length=1)


class People(ConfigModel):
    """Of regions and of the tools that their people work with."""

    in_time: Share
    clear: Annotated[float, Field(gt=0, le=100)]
    no_verdict: Duration
    out_of_language: Share
    incomplete: Share
    not_shown: Share
    mix_change: Share
    unconfirmed: Count
    overdue: Duration
    least: Count


class MachineGoals(ConfigModel):
    """Of what is decided by machine alone."""

    audit_error: Share
    audit_confidence: Share
    audit_days: Annotated[int, Field(ge=1, le=365)]
    audit_least: Count
    share_change: Share
    score_drift: Share
    score_least: Count


class Objectives(ConfigModel):
    """All of them. `runbooks`: what a link to a page of docs/runbooks begins with."""

    runbooks: Annotated[str, Field(min_length=1)]
    flow: Flow
    people: People
    machine: MachineGoals


def read_objectives(path: Path = FILE) -> Objectives:
    """Raises ConfigError, with file, key and what is allowed, when it cannot be read or does not fit."""
    return read_toml(path, Objectives)
