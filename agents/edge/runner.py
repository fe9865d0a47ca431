"""Runs any stage under Faust: read, gather, handle off the event loop, produce, wait for the broker's word, acknowledge, count."""

from __future__ import annotations

import asyncio
import datetime as dt
import operator
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agents.edge import metrics
from agents.edge.app import Schema, limits_of, make_app
from agents.edge.chunks import Chunk
from agents.edge.counts import Counts, Sent
from agents.edge.failures import FaultShare, guarded, stop_for
from agents.edge.inbox import Group, Inbox
from agents.edge.logs import logged
from agents.edge.producer import SideProducer
from agents.edge.pulse import Meter
from agents.edge.restore import history
from agents.edge.security import client_config
from agents.edge.transport import Consumer
from agents.edge.work import Restore, Result, Work
from agents.settings import Settings
from pipeline.stage import StageSpec
from schemas.records import Record
from schemas.topics import POSTS_INCOMING

R = TypeVar("R", bound=Record)
FINISH_SECONDS = 5.0
"""For which SIGTERM waits for the batch in hand; a supervisor waits for longer."""

CONFIRM_SECONDS, CONFIRM_BATCHES = 0.1, 4
"""While batch follows on batch, the broker's word is waited for so often, or when what came of so many full batches waits for it. It comes
within milliseconds, but some at each batch add up."""

_TOPIC = operator.attrgetter("topic")


@dataclass(frozen=True)
class Agent(Generic[R]):
    """A stage on Kafka. `observe` is called once for each confirmed output, to count it."""

    spec: StageSpec[R]
    observe: Callable[[Record], None] | None = None


class Runner(Generic[R]):
    """One stage in this process."""

    def __init__(self, agent: Agent[R], settings: Settings, instance: str) -> None:
        spec = agent.spec
        client = logged(client_config(settings))
        self.agent, self.settings = agent, settings
        self.sources = [settings.topic_prefix + spec.source.name]
        restore: Restore = lambda tp, offset: history(client, tp.topic, tp.partition, offset, spec.history)  # noqa: E731
        self._work = Work(
            spec, restore, prefix=settings.topic_prefix, dead_letter_bytes=settings.dead_letter_bytes,
            keep_outputs=agent.observe is not None,
        )  # fmt: skip
        self._producer = SideProducer(client, delivery_timeout_seconds=settings.delivery_timeout_seconds)
        self._faults = None if spec.source is POSTS_INCOMING else FaultShare()
        group = Group(spec.max_batch, settings.batch_bytes, spec.quick_batch)
        self._inbox = Inbox(group)
        self._tell = guarded(self._done, f"acknowledging {self.sources[0]}")
        self._sent: list[tuple[Any, Sent]] = []  # events whose outputs are on their way
        self._confirm_at = 0.0
        self.app = make_app(settings, spec.name, limits_of(settings, group.quick or group.records), instance)
        self._counts = Counts(spec.name, settings.topic_prefix, agent.observe)
        meter = Meter(self.app, spec.name, [spec.source.name], settings.topic_prefix)
        self.pulse = meter.pulse
        topic = self.app.topic(*self.sources, schema=Schema(), key_serializer="raw")
        self.app.agent(topic, name=spec.name)(self._read)
        self.app.task(self._start)
        self.app.task(meter.run)
        self.app.finish = self._finish
        self.app.on_partitions_assigned.connect(self._assigned)

    @property
    def _consumer(self) -> Consumer:
        consumer: Consumer = self.app.consumer
        return consumer

    def end(self) -> None:
        """Nothing: what is not acknowledged is read again."""

    # On the event loop -----------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._turns, name=self.agent.spec.name, daemon=True).start()

    async def _read(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for event in stream.noack().events():
            self.pulse.outstanding += 1
            await self._inbox.room()
            self._inbox.put(event)

    def _done(self, confirmed: list[tuple[Any, Sent]], dropped: int) -> None:
        """Acknowledges and counts what is confirmed. `dropped`: how many chunks were out of date."""
        for event, sent in confirmed:
            event.ack()
            self._counts.confirmed(sent)
        self.pulse.done += len(confirmed)
        self.pulse.outstanding -= len(confirmed) + dropped

    async def _finish(self) -> None:
        """The batch in hand is ended and acknowledged, so that a restart repeats nothing; what waits is left, and read again."""
        self._consumer.epoch += 1
        deadline = time.monotonic() + FINISH_SECONDS
        while self.pulse.outstanding and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    async def _assigned(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        metrics.REBALANCES.labels(self.agent.spec.name).inc()

    # On the stage's thread -------------------------------------------------------------------------------------------

    def _turns(self) -> None:
        """Batch after batch, for as long as the process lives. Whatever goes wrong ends it."""
        try:
            while True:
                self._turn(self._inbox.take())
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            if not self._loop.is_closed():  # else the process is ending, and nobody has to be told what a last turn did
                stop_for(error, f"handling {self.sources[0]}")

    def _turn(self, taken: list[Any]) -> None:
        """Handles a batch and sends what came of it. The broker confirms it while the next is handled; where none waits, at once.

        Chunks of an earlier epoch are another's now, or will be read again.
        """
        epoch = self._consumer.epoch
        current = [event for event in taken if event.value.epoch == epoch]
        dropped = len(taken) - len(current)
        if current:
            results = self._handle([event.value for event in current], epoch)
            unconfirmed_bytes = sum(event.value.size for event, _ in self._sent)
            if unconfirmed_bytes >= CONFIRM_BATCHES * self.settings.batch_bytes or time.monotonic() >= self._confirm_at:
                self._confirm()
            self._sent += zip(current, map(self._send, results), strict=True)
        if not len(self._inbox):
            self._confirm()
        if dropped:
            self._loop.call_soon_threadsafe(self._tell, [], dropped)

    def _handle(self, chunks: list[Chunk], epoch: int) -> list[Result]:
        started = time.perf_counter()
        self._work.forget(epoch)
        results = self._work.handle(chunks, dt.datetime.now(dt.UTC))
        posts = sum(len(chunk.records) for chunk in chunks)
        self._counts.handled(posts, time.perf_counter() - started)
        if self._faults is not None:
            self._faults.add(posts, sum(len(result.dead) + result.stage_errors for result in results))
        return results

    def _confirm(self) -> None:
        """Waits until the broker has all that was sent; then it is done."""
        self._producer.confirm()
        self._confirm_at = time.monotonic() + CONFIRM_SECONDS
        if self._sent:
            self._loop.call_soon_threadsafe(self._tell, self._sent, 0)
            self._sent = []

    def _send(self, result: Result) -> Sent:
        """The messages are given up as soon as they are sent: librdkafka has copies, and memory is dear while it is cold."""
        self._producer.send(result.messages)
        topics = Counter(map(_TOPIC, result.messages))
        return Sent(len(result.chunk.records), topics, result.outputs, result.dead, result.stage_errors)
