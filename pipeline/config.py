"""Configuration files: TOML, validated when they are read. An error is one sentence that names the file, the key and what is allowed."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic


class ConfigError(ValueError):
    """A wrong setting, policy, region or model description. The message is for the operator: file, key, what is allowed."""


class ConfigModel(pydantic.BaseModel):
    """Base of everything read from a configuration file: unknown keys are refused, values cannot be changed."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def _utc(time: dt.datetime) -> dt.datetime:
    if time.utcoffset():
        raise ValueError("a time in UTC, as in 2026-11-01T00:00:00Z, is allowed")
    return time


UtcTime = Annotated[pydantic.AwareDatetime, pydantic.AfterValidator(_utc)]

M = TypeVar("M", bound=pydantic.BaseModel)


def read_toml(path: Path, model: type[M]) -> M:
    """The file's content as `model`. Raises ConfigError when it cannot be read, is no TOML or does not fit."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        raise ConfigError("\n".join(sentences(error, str(path)))) from error


def sentences(error: pydantic.ValidationError, where: str) -> list[str]:
    """One sentence per fault: `where: key: what is allowed (got ...)`."""
    return [sentence(where, key(fault["loc"]), fault) for fault in error.errors(include_url=False)]


def key(location: tuple[int | str, ...]) -> str:
    """`('rules', 2, 'above')` as `rules[2].above`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "(whole file)"


def sentence(where: str, path: str, fault: Mapping[str, Any]) -> str:
    """A fault of pydantic as a sentence."""
    if fault["type"] == "extra_forbidden":
        return f"{where}: {path}: no such key; see the documentation for the allowed ones"
    if fault["type"] == "missing":
        return f"{where}: {path}: is missing"
    message = fault["msg"].removeprefix("Value error, ")
    shown = repr(fault["input"])
    return f"{where}: {path}: {message} (got {shown if len(shown) <= 80 else shown[:77] + '...'})"
