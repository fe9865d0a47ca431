"""The commands that stand on the runbooks' pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from deploy.ops.runbooks import ROLES
from tests.support.java import ROOT

FOLDER = ROOT / "docs" / "runbooks"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
LINE = re.compile(r"^sluice ([^#|>\n]+)", re.M)
INLINE = re.compile(r"`sluice ([^`]+)`")


class Command(NamedTuple):
    """`words`: what stands behind `sluice`."""

    page: str
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its key in ROLES. AssertionError if nobody has said who may run it."""
        found = [kind for kind in ROLES if tuple(kind.split()) == self.words[: len(kind.split())]]
        assert found, f"{self.page}: `sluice {' '.join(self.words)}` has no role in deploy/ops/runbooks.py"
        return found[0]


def commands() -> Iterator[Command]:
    """All of them, in blocks and in sentences; those of the made page too."""
    for page in sorted(FOLDER.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        blocks = "".join(BLOCK.findall(text))
        for command in (*LINE.findall(blocks), *INLINE.findall(BLOCK.sub("", text))):
            yield Command(page.stem, tuple(shlex.split(command)))
