"""Commands whose libraries are an optional extra of the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config import ConfigError


@contextmanager
def extra(name: str, command: str) -> Iterator[None]:
    """Around imports: what is missing is a sentence that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"`{command}` needs {error.name}, which is not installed: in a checkout, pip install '.[{name}]' (`make setup` brings it)"
        ) from error
