"""How a stage is: what the watchdog and /healthz look at, and the gauges of its reading."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import faust

from agents.edge import metrics

if TYPE_CHECKING:
    from agents.edge.transport import Consumer

MEASURE_EVERY_SECONDS = 1.0
logger = logging.getLogger(__name__)


@dataclass
class Pulse:
    """What the watchdog and /healthz look at. Read anywhere; written on the event loop."""

    beats: int = 0
    done: int = 0
    outstanding: int = 0
    joined: bool = False
    rebalancing: bool = False
    answers: int = 0
    partitions: int = 0
    lag: int = 0
    commit_age: float = 0.0
    measured: float = field(default_factory=time.monotonic)


class Meter:
    """Takes the pulse of a stage that reads `topics`, once a second, on the event loop. `also` is done each time before."""

    def __init__(self, app: faust.App, stage: str, topics: Sequence[str], prefix: str, also: Callable[[], None] | None = None) -> None:
        """`topics` by their names without `prefix`."""
        self.pulse = Pulse()
        self._app, self._also = app, also
        self._lag = {prefix + topic: metrics.LAG.labels(stage, topic) for topic in topics}
        self._oldest = {prefix + topic: metrics.OLDEST.labels(stage, topic) for topic in topics}
        self._age, self._assigned = metrics.COMMIT_AGE.labels(stage), metrics.ASSIGNED.labels(stage)
        self._waiting_since: float | None = None
        self._known = False

    async def run(self) -> None:
        """For as long as the app runs."""
        while True:
            if self._also is not None:
                self._also()
            self._look()
            self.pulse.beats += 1
            self.pulse.measured = time.monotonic()
            await asyncio.sleep(MEASURE_EVERY_SECONDS)

    def _look(self) -> None:
        app, pulse = self._app, self.pulse
        consumer: Consumer = app.consumer
        pulse.joined, pulse.rebalancing = bool(app.consumer_generation_id), app.rebalancing
        if pulse.joined:
            pulse.answers = consumer.answers()
        if not pulse.joined or pulse.rebalancing:
            return
        lags = consumer.lags()
        pulse.partitions, pulse.lag = len(consumer.assignment()), sum(lags.values())
        since = max(consumer.last_commit, self._waiting_since or time.monotonic())
        self._waiting_since = since if consumer.uncommitted() else None
        pulse.commit_age = time.monotonic() - self._waiting_since if self._waiting_since else 0.0
        if not self._known:
            logger.info("joined: %d partitions", pulse.partitions)
            self._known = True
        oldest_ms = consumer.oldest_in_flight_ms()
        for topic, gauge in self._lag.items():
            gauge.set(lags.get(topic, 0))
            oldest = oldest_ms.get(topic)
            self._oldest[topic].set(0 if oldest is None else max(0.0, time.time() - oldest / 1000))
        self._assigned.set(pulse.partitions)
        self._age.set(pulse.commit_age)
