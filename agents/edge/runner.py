"""Runs any stage under Faust: read, gather, handle off the event loop, produce, wait for the broker's word, acknowledge, count."""

from __future__ import annotations

import asyncio
import datetime as dt
import operator
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from agents.edge import metrics
from agents.edge.app import WAITING_CHUNKS, Schema, limits_of, make_app
from agents.edge.chunks import Chunk
from agents.edge.counts import Counts, Sent
from agents.edge.failures import FaultShare, stop_for
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


class Handled(NamedTuple):
    """What to acknowledge and count of a batch, chunk by chunk, once confirmed; and whether that of earlier batches is, and all of it."""

    sent: list[Sent]
    earlier_confirmed: bool
    all_confirmed: bool


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
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=spec.name)
        self._waiting: asyncio.Queue[Any] = asyncio.Queue(WAITING_CHUNKS)
        self._held: Any = None  # an event that did not fit into the last batch
        self._posts_waiting = 0  # in both
        self._sent: list[tuple[Any, Sent]] = []  # events whose outputs are on their way
        self._confirm_at, self._unconfirmed_bytes = 0.0, 0
        self._quick_batch = spec.quick_batch or spec.max_batch
        self.app = make_app(settings, spec.name, limits_of(settings, self._quick_batch), instance)
        self._counts = Counts(spec.name, settings.topic_prefix, agent.observe)
        meter = Meter(self.app, spec.name, [spec.source.name], settings.topic_prefix)
        self.pulse = meter.pulse
        topic = self.app.topic(*self.sources, schema=Schema(), key_serializer="raw")
        self.app.agent(topic, name=spec.name)(self._read)
        self.app.task(self._handle_all)
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

    async def _read(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for event in stream.noack().events():
            self.pulse.outstanding += 1
            self._posts_waiting += len(event.value.records)
            await self._waiting.put(event)

    async def _handle_all(self) -> None:
        """Batch after batch. The broker confirms the outputs of one while the next is handled; where none waits, at once."""
        loop = asyncio.get_running_loop()
        while True:
            if self._sent and self._nothing_waits():
                await loop.run_in_executor(self._pool, self._confirm)
                self._acknowledge()
            events = await self._gather()
            epoch = self._consumer.epoch
            current = [event for event in events if event.value.epoch == epoch]  # the others are another's now, or will be read again
            self.pulse.outstanding -= len(events) - len(current)
            if current:
                handled = await loop.run_in_executor(self._pool, self._handle, [event.value for event in current], epoch)
                if handled.earlier_confirmed:
                    self._acknowledge()
                self._sent += zip(current, handled.sent, strict=True)
                if handled.all_confirmed:
                    self._acknowledge()

    def _nothing_waits(self) -> bool:
        return self._held is None and self._waiting.empty()

    async def _finish(self) -> None:
        """The batch in hand is ended and acknowledged, so that a restart repeats nothing; what waits is left, and read again."""
        self._consumer.epoch += 1
        deadline = time.monotonic() + FINISH_SECONDS
        while self.pulse.outstanding and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    async def _gather(self) -> list[Any]:
        """The chunks at hand, at least one, within the limits of a batch: a quick one, unless so many posts wait that only speed counts."""
        first = self._held if self._held is not None else await self._waiting.get()
        self._held = None
        most = self.agent.spec.max_batch
        if self._posts_waiting <= most:
            most = self._quick_batch
        events, posts, size = [first], len(first.value.records), first.value.size
        while not self._waiting.empty():
            event = self._waiting.get_nowait()
            if posts + len(event.value.records) > most or size + event.value.size > self.settings.batch_bytes:
                self._held = event
                break
            events.append(event)
            posts += len(event.value.records)
            size += event.value.size
        self._posts_waiting -= posts
        return events

    def _acknowledge(self) -> None:
        """What was sent is confirmed."""
        for event, sent in self._sent:
            event.ack()
            self._counts.confirmed(sent)
        self.pulse.done += len(self._sent)
        self.pulse.outstanding -= len(self._sent)
        self._sent = []

    async def _assigned(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        metrics.REBALANCES.labels(self.agent.spec.name).inc()

    # On the worker thread --------------------------------------------------------------------------------------------

    def _handle(self, chunks: list[Chunk], epoch: int) -> Handled:
        """Handles the chunks and sends what came of them, after the outputs of earlier batches are confirmed if it is time for that.

        Where nothing else waits, it also waits until its own are confirmed: to come back for that costs two changes of thread.
        """
        try:
            started = time.perf_counter()
            self._work.forget(epoch)
            results = self._work.handle(chunks, dt.datetime.now(dt.UTC))
            self._count(results, time.perf_counter() - started)
            due = self._unconfirmed_bytes >= CONFIRM_BATCHES * self.settings.batch_bytes or time.monotonic() >= self._confirm_at
            if due:
                self._producer.confirm()
                self._confirm_at, self._unconfirmed_bytes = time.monotonic() + CONFIRM_SECONDS, 0
            self._unconfirmed_bytes += sum(chunk.size for chunk in chunks)
            sent = [self._send(result) for result in results]
            if at_once := self._nothing_waits():  # asked on another thread: at worst the answer is a moment old
                self._producer.confirm()
            return Handled(sent, due, at_once)
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            stop_for(error, f"handling {self.sources[0]}")

    def _send(self, result: Result) -> Sent:
        """The messages are given up as soon as they are sent: librdkafka has copies, and memory is dear while it is cold."""
        self._producer.send(result.messages)
        topics = Counter(map(_TOPIC, result.messages))
        return Sent(len(result.chunk.records), topics, result.outputs, result.dead, result.stage_errors)

    def _confirm(self) -> None:
        try:
            self._producer.confirm()
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            stop_for(error, f"delivering what came of {self.sources[0]}")

    def _count(self, results: list[Result], seconds: float) -> None:
        posts = sum(len(result.chunk.records) for result in results)
        self._counts.handled(posts, seconds)
        if self._faults is not None:
            self._faults.add(posts, sum(len(result.dead) + result.stage_errors for result in results))
