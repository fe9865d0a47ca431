"""Runs any stage under Faust: read, gather, handle off the event loop, produce, wait for the broker's word, acknowledge, count."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import operator
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from agents.edge import metrics
from agents.edge.app import WAITING_CHUNKS, Schema, make_app
from agents.edge.chunks import Chunk
from agents.edge.failures import FaultShare, stop_for
from agents.edge.logs import logged
from agents.edge.producer import SideProducer
from agents.edge.restore import history
from agents.edge.security import client_config
from agents.edge.transport import Consumer
from agents.edge.work import Restore, Result, Work
from agents.settings import Settings
from pipeline.stage import Output, StageSpec
from schemas.records import Record
from schemas.topics import POSTS_INCOMING

R = TypeVar("R", bound=Record)
MEASURE_EVERY_SECONDS = 1.0
_TOPIC = operator.attrgetter("topic")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Agent(Generic[R]):
    """A stage on Kafka. `observe` is called once for each confirmed output, to count it."""

    spec: StageSpec[R]
    observe: Callable[[Record], None] | None = None


class Sent(NamedTuple):
    """What to count of a chunk once the broker has confirmed what came of it: posts read, messages by topic."""

    posts: int
    topics: Counter[str]
    outputs: list[Output]
    dead: list[str]
    stage_errors: int


@dataclass
class Pulse:
    """What the watchdog and /healthz look at. Written on the event loop, read anywhere."""

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


class Runner(Generic[R]):
    """One stage in this process."""

    def __init__(self, agent: Agent[R], settings: Settings, instance: str) -> None:
        spec = agent.spec
        client = logged(client_config(settings))
        self.agent, self.settings, self.pulse = agent, settings, Pulse()
        self.source = settings.topic_prefix + spec.source.name
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
        self._sent: list[tuple[Any, Sent]] = []  # events whose outputs are on their way
        self.app = make_app(settings, spec, instance)
        topic = self.app.topic(self.source, schema=Schema(), key_serializer="raw")
        self.app.agent(topic, name=spec.name)(self._read)
        self.app.task(self._handle_all)
        self.app.task(self._measure)
        self.app.on_partitions_assigned.connect(self._assigned)

    @property
    def _consumer(self) -> Consumer:
        consumer: Consumer = self.app.consumer
        return consumer

    # On the event loop -----------------------------------------------------------------------------------------------

    async def _read(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for event in stream.noack().events():
            self.pulse.outstanding += 1
            await self._waiting.put(event)

    async def _handle_all(self) -> None:
        """Batch after batch. The broker confirms the outputs of one while the next is handled; where none waits, at once."""
        loop = asyncio.get_running_loop()
        while True:
            if self._sent and self._held is None and self._waiting.empty():
                await loop.run_in_executor(self._pool, self._confirm)
                self._acknowledge()
            events = await self._gather()
            epoch = self._consumer.epoch
            current = [event for event in events if event.value.epoch == epoch]  # the others are another's now, or will be read again
            self.pulse.outstanding -= len(events) - len(current)
            if current:
                sent = await loop.run_in_executor(self._pool, self._handle, [event.value for event in current], epoch)
                self._acknowledge()
                self._sent = list(zip(current, sent, strict=True))

    async def _gather(self) -> list[Any]:
        """The chunks at hand, at least one, within the limits of a batch."""
        first = self._held if self._held is not None else await self._waiting.get()
        self._held = None
        events, posts, size = [first], len(first.value.records), first.value.size
        while not self._waiting.empty():
            event = self._waiting.get_nowait()
            posts += len(event.value.records)
            size += event.value.size
            if posts > self.agent.spec.max_batch or size > self.settings.batch_bytes:
                self._held = event
                break
            events.append(event)
        return events

    def _acknowledge(self) -> None:
        """What was sent is confirmed."""
        for event, sent in self._sent:
            event.ack()
            self._count_confirmed(sent)
        self.pulse.done += len(self._sent)
        self.pulse.outstanding -= len(self._sent)
        self._sent = []

    async def _assigned(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        metrics.REBALANCES.labels(self.agent.spec.name).inc()

    async def _measure(self) -> None:
        stage, topic = self.agent.spec.name, self.agent.spec.source.name
        lag, oldest = metrics.LAG.labels(stage, topic), metrics.OLDEST.labels(stage, topic)
        age, assigned = metrics.COMMIT_AGE.labels(stage), metrics.ASSIGNED.labels(stage)
        waiting_since: float | None = None
        known = False
        while True:
            consumer, pulse = self._consumer, self.pulse
            pulse.joined, pulse.rebalancing = bool(self.app.consumer_generation_id), self.app.rebalancing
            if pulse.joined:
                pulse.answers = consumer.answers()
            if pulse.joined and not pulse.rebalancing:
                pulse.partitions, pulse.lag = len(consumer.assignment()), consumer.lag()
                waiting_since = max(consumer.last_commit, waiting_since or time.monotonic()) if consumer.uncommitted() else None
                pulse.commit_age = time.monotonic() - waiting_since if waiting_since else 0.0
                oldest_ms = consumer.oldest_in_flight_ms()
                if not known:
                    logger.info("joined: %d partitions", pulse.partitions)
                    known = True
                lag.set(pulse.lag)
                assigned.set(pulse.partitions)
                age.set(pulse.commit_age)
                oldest.set(0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000))
            pulse.beats += 1
            pulse.measured = time.monotonic()
            await asyncio.sleep(MEASURE_EVERY_SECONDS)

    # On the worker thread --------------------------------------------------------------------------------------------

    def _handle(self, chunks: list[Chunk], epoch: int) -> list[Sent]:
        """Handles the chunks, waits until the outputs of the batch before are confirmed, and sends what came of these."""
        try:
            started = time.perf_counter()
            self._work.forget(epoch)
            results = self._work.handle(chunks, dt.datetime.now(dt.UTC))
            self._count(results, time.perf_counter() - started)
            self._producer.confirm()
            return [self._send(result) for result in results]
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            stop_for(error, f"handling {self.source}")

    def _send(self, result: Result) -> Sent:
        """The messages are given up as soon as they are sent: librdkafka has copies, and memory is dear while it is cold."""
        self._producer.send(result.messages)
        topics = Counter(map(_TOPIC, result.messages))
        return Sent(len(result.chunk.records), topics, result.outputs, result.dead, result.stage_errors)

    def _confirm(self) -> None:
        try:
            self._producer.confirm()
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            stop_for(error, f"delivering what came of {self.source}")

    def _count(self, results: list[Result], seconds: float) -> None:
        stage = self.agent.spec.name
        posts = sum(len(result.chunk.records) for result in results)
        metrics.POSTS_IN.labels(stage).inc(posts)
        metrics.STAGE_SECONDS.labels(stage).observe(seconds)
        metrics.BATCH_POSTS.labels(stage).observe(posts)
        if self._faults is not None:
            self._faults.add(posts, sum(len(result.dead) + result.stage_errors for result in results))

    def _count_confirmed(self, sent: Sent) -> None:
        stage = self.agent.spec.name
        done = metrics.POSTS_DONE
        done.labels(stage, "ok").inc(sent.posts - len(sent.dead) - sent.stage_errors)
        done.labels(stage, "stage_error").inc(sent.stage_errors)
        done.labels(stage, "dead_letter").inc(len(sent.dead))
        for reason in sent.dead:
            metrics.DEAD_LETTERS.labels(stage, reason).inc()
        for topic, count in sent.topics.items():
            metrics.POSTS_OUT.labels(stage, topic.removeprefix(self.settings.topic_prefix)).inc(count)
        if self.agent.observe:
            for output in sent.outputs:
                self.agent.observe(output.record)
