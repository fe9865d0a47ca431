"""How a stage is: what the watchdog and /healthz look at, and the gauges of its reading."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import faust

from agents.edge import metrics
from agents.edge.failures import stop_for
from agents.edge.membership import ended

if TYPE_CHECKING:
    from faust.types import TP

    from agents.edge.transport import Consumer

MEASURE_EVERY_SECONDS = 1.0
SILENT_LOOKS = 15
"""A broker that is killed is replaced within ten seconds by those that have copies of its partitions."""

logger = logging.getLogger(__name__)
K = TypeVar("K")


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
    silent: Sequence[str] = ()
    lag: int = 0
    commit_age: float = 0.0
    measured: float = field(default_factory=time.monotonic)


class Silence(Generic[K]):
    """For how many looks in a row nothing new was heard of each one, such as a partition.

    Looks are counted, not time: a process may have slept.
    """

    def __init__(self) -> None:
        self._heard: dict[K, tuple[object, int]] = {}

    def look(self, heard: Mapping[K, object]) -> list[K]:
        """`heard`: of each one that should be heard of, what changes with every answer. Returns those silent for SILENT_LOOKS."""
        before = self._heard
        self._heard = {
            one: (answer, before[one][1] + 1 if one in before and before[one][0] == answer else 0) for one, answer in heard.items()
        }  # fmt: skip
        return [one for one, (_, looks) in self._heard.items() if looks >= SILENT_LOOKS]


class Meter:
    """Takes the pulse of a stage that reads `topics`, once a second, on the event loop. `also` is done each time before."""

    def __init__(self, app: faust.App, stage: str, topics: Sequence[str], prefix: str, also: Callable[[], None] | None = None) -> None:
        """`topics` by their names without `prefix`."""
        self.pulse = Pulse()
        self._app, self._also = app, also
        self._lag = {prefix + topic: metrics.LAG.labels(stage, topic) for topic in topics}
        self._oldest = {prefix + topic: metrics.OLDEST.labels(stage, topic) for topic in topics}
        self._silence: Silence[TP] = Silence()
        self._silent = metrics.SILENT.labels(stage)
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
        if (fault := consumer.fault()) is not None:
            stop_for(ended(fault, app.conf.consumer_group_instance_id), "keeping a place in the group")
        pulse.joined, pulse.rebalancing = bool(app.consumer_generation_id), app.rebalancing
        if pulse.joined:
            pulse.answers = consumer.answers()
        if not pulse.joined or pulse.rebalancing:
            return
        self._listen(consumer)
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

    def _listen(self, consumer: Consumer) -> None:
        """Which partitions' brokers are silent; said once when it begins and once when it is over."""
        silent = tuple(f"{tp.topic}[{tp.partition}]" for tp in sorted(self._silence.look(consumer.heard())))
        for name in set(silent).difference(self.pulse.silent):
            logger.error("%s: its broker does not answer; waiting, nothing is lost", name)
        for name in set(self.pulse.silent).difference(silent):
            logger.warning("%s: is read again, or by another worker", name)
        self.pulse.silent = silent
        self._silent.set(len(silent))
