"""What an exception does is decided by its type, here and nowhere else. Failure never means `allow`.

| what happens | what is done |
|---|---|
| a record cannot be decoded | dead letter, go on |
| a stage fails on a batch | its posts one by one; what fails alone goes on as unassessed, reason `stage_error` |
| even the stage's fallback fails | stop: BUG |
| many dead letters or stage errors on an internal topic (a bad deploy) | stop: POISONED; on the incoming topic: go on |
| the broker is away | retry for `delivery_timeout_seconds`, then stop: DELIVERY or UNREACHABLE; nothing was acknowledged |
| a topic or right is missing | stop: DENIED |
| no progress though there is work | stop: STUCK |
| another worker has the same name, or owns the partition number whose transaction this one would commit | stop: FENCED |
| the log no longer holds what was not yet handled, or a case file that a state names | stop: LOST |
| anything else | stop: BUG |

Stopping is immediate (crash-only): nothing unconfirmed was acknowledged, so a restart reads it again.
The supervisor restarts with back-off.
"""

from __future__ import annotations

import enum
import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from typing import NoReturn

logger = logging.getLogger(__name__)


class ExitCode(enum.IntEnum):
    """Exit codes of a stage's process."""

    OK = 0
    UNREACHABLE = 69  # no broker answers
    DELIVERY = 70  # the broker did not confirm an output
    STUCK = 71  # no progress though there is work
    BUG = 72  # an exception nobody foresaw
    DENIED = 73  # a topic or group is missing or not allowed
    FENCED = 74  # another worker has the same name, or has taken over meanwhile what this one was at
    LOST = 75  # the committed offset, or that of a case file, is outside the log: posts are gone, or the topic was made anew
    POISONED = 76  # too many dead letters or stage errors on an internal topic
    CONFIG = 78  # a wrong setting, policy, region or model


class StopWorker(Exception):  # noqa: N818 - it is no error of the code that raises it
    """Ends the process with `code`. The message is for the operator."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def deleted_unread(partition: str, expected: int, earliest: int) -> StopWorker:
    """The log of `partition` starts at `earliest`, behind the offset that would have been read next."""
    return StopWorker(
        ExitCode.LOST,
        f"{partition}: {earliest - expected} records from offset {expected} were deleted before they were handled (the log starts at "
        f"{earliest}). Lengthen the retention; then set the group's offset to go on.",
    )


def made_anew(partition: str, expected: int) -> StopWorker:
    """The log of `partition` ends before the offset that would have been read next."""
    return StopWorker(
        ExitCode.LOST,
        f"{partition}: the group is at offset {expected}, behind the log's end: was the topic made anew? Set the group's offset to go on.",
    )


def stop(code: ExitCode, message: str) -> NoReturn:
    """Ends the process at once, from any thread. Faust's own shutdown can hang, and would commit."""
    logger.critical("stopping with exit code %d (%s): %s", code, code.name, message)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def stop_for(error: BaseException, doing: str) -> NoReturn:
    """Ends the process for an exception: with its own code if it is a StopWorker, else as a bug."""
    if isinstance(error, StopWorker):
        stop(error.code, str(error))
    logger.critical("unforeseen error while %s", doing, exc_info=error)
    stop(ExitCode.BUG, f"{type(error).__name__} while {doing}")


def guarded(call: Callable[..., None], doing: str) -> Callable[..., None]:
    """`call`, for where nobody notices that it raised, as an event loop's callback does: then it ends the process."""

    def guard(*arguments: object) -> None:
        try:
            call(*arguments)
        except BaseException as error:  # noqa: BLE001 - its type decides
            stop_for(error, doing)

    return guard


class FaultShare:
    """Share of dead letters and stage errors among the last posts of a topic that a stage of ours wrote."""

    WINDOW = 1000
    LEAST = 100  # posts before a share means anything
    LIMIT = 0.5

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque()
        self._posts = self._faults = 0

    def add(self, posts: int, faults: int) -> None:
        """Counts a batch. Raises StopWorker when faults prevail."""
        self._recent.append((posts, faults))
        self._posts += posts
        self._faults += faults
        while self._posts - self._recent[0][0] >= self.WINDOW:
            posts, faults = self._recent.popleft()
            self._posts -= posts
            self._faults -= faults
        if self._posts >= self.LEAST and self._faults > self.LIMIT * self._posts:
            raise StopWorker(
                ExitCode.POISONED,
                f"{self._faults} of the last {self._posts} posts could not be handled: does the stage before run another version?",
            )
