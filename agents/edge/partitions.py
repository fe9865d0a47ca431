"""What a stage that owns partition numbers is told of them."""

from __future__ import annotations

from typing import Protocol

from faust.types import TP


class Partitions(Protocol):
    """Called on the event loop.

    A consumer that has one to tell reads only what committed transactions wrote, and has its partitions assigned by number: with equal
    partition counts, one worker has a number of all its topics.
    """

    def assigned(self, partitions: set[TP]) -> None:
        """These are all that there are now. None of their records has been handed over yet."""
        ...

    def revoked(self) -> None:
        """All are gone. What was handed over is another's to do, or will be handed over again."""
        ...
