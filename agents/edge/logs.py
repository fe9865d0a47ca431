"""What Kafka's two client libraries log, through Python's logging and without floods: a dead broker is no news ten times a second."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Any

LIBRARIES = ("aiokafka", "librdkafka")
AGAIN_AFTER_SECONDS = 30.0
MOST_RECONNECT_BACKOFF_MS = 2000
"""librdkafka's default of 10 s would delay outputs by as much when the broker is back."""


class Repetition(logging.Filter):
    """Lets what a library says through once in AGAIN_AFTER_SECONDS. Numbers do not make it another message, nor how long it tried."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it. What does not come from a library always is."""
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        now = time.monotonic()
        message = re.sub(r"\d+", "", record.getMessage().partition(" (after ")[0])
        if message in self._said and now - self._said[message] < AGAIN_AFTER_SECONDS:
            return False
        self._said = {said: at for said, at in self._said.items() if now - at < AGAIN_AFTER_SECONDS}
        self._said[message] = now
        return True


def limit_repetition() -> None:
    """For all that the root logger's handlers write."""
    repetition = Repetition()  # one for all threads: at worst a line comes twice
    for handler in logging.getLogger().handlers:
        handler.addFilter(repetition)


def logged(client: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a stage's confluent-kafka client, so that it speaks through logging and soon finds a broker that is back."""
    return {**client, "logger": logging.getLogger("librdkafka"), "reconnect.backoff.max.ms": MOST_RECONNECT_BACKOFF_MS}
