"""Runs any stage under Faust: read, gather, handle off the event loop, produce, wait for the broker's word, acknowledge, count."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from agents.edge import metrics
from agents.edge.app import WAITING_CHUNKS, Schema, make_app
from agents.edge.failures import FaultShare, stop_for
from agents.edge.logs import logged
from agents.edge.producer import SideProducer
from agents.edge.restore import history
from agents.edge.security import client_config
from agents.edge.transport import Consumer
from agents.edge.work import Restore, Result, Work
from agents.settings import Settings
from pipeline.stage import StageSpec
from schemas.records import Record
from schemas.topics import POSTS_INCOMING

R = TypeVar("R", bound=Record)
MEASURE_EVERY_SECONDS = 1.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Agent(Generic[R]):
    """A stage on Kafka. `observe` is called once for each confirmed output, to count it."""

    spec: StageSpec[R]
    observe: Callable[[Record], None] | None = None


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
        self._work = Work(spec, spec.start(), restore, prefix=settings.topic_prefix, dead_letter_bytes=settings.dead_letter_bytes)
        self._producer = SideProducer(client, delivery_timeout_seconds=settings.delivery_timeout_seconds)
        self._faults = None if spec.source is POSTS_INCOMING else FaultShare()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=spec.name)
        self._waiting: asyncio.Queue[Any] = asyncio.Queue(WAITING_CHUNKS)
        self._held: Any = None  # an event that did not fit into the last batch
        self._bytes = 0  # sent and not confirmed
        self._room = asyncio.Event()
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
        loop = asyncio.get_running_loop()
        while True:
            events = await self._gather()
            while self._bytes >= self.settings.in_flight_bytes:
                self._room.clear()
                await self._room.wait()
            epoch = self._consumer.epoch
            current = [event for event in events if event.value.epoch == epoch]  # the others are another's now, or will be read again
            self.pulse.outstanding -= len(events) - len(current)
            if current:
                sent = await loop.run_in_executor(self._pool, self._handle, loop, current, epoch)
                self._bytes += sent  # not in one statement: that would read _bytes before waiting, and lose what is confirmed meanwhile

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

    def _confirmed(self, event: Any, size: int) -> None:  # noqa: ANN401 - Faust's event
        event.ack()
        self._bytes -= size
        self._room.set()
        self.pulse.done += 1
        self.pulse.outstanding -= 1

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

    def _handle(self, loop: asyncio.AbstractEventLoop, events: list[Any], epoch: int) -> int:
        """Returns the bytes that were sent."""
        try:
            started = time.perf_counter()
            self._work.forget(epoch)
            results = self._work.handle([event.value for event in events], dt.datetime.now(dt.UTC))
            self._count(results, time.perf_counter() - started)
            for event, result in zip(events, results, strict=True):
                self._producer.send(result.messages, self._when_confirmed(loop, event, result))
            return sum(result.size for result in results)
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            stop_for(error, f"handling {self.source}")

    def _when_confirmed(self, loop: asyncio.AbstractEventLoop, event: Any, result: Result) -> Callable[[], None]:  # noqa: ANN401
        size = result.size

        def done() -> None:  # on the producer's thread
            self._count_confirmed(result)
            loop.call_soon_threadsafe(self._confirmed, event, size)

        return done

    def _count(self, results: list[Result], seconds: float) -> None:
        stage = self.agent.spec.name
        posts = sum(len(result.chunk.records) for result in results)
        metrics.POSTS_IN.labels(stage).inc(posts)
        metrics.STAGE_SECONDS.labels(stage).observe(seconds)
        metrics.BATCH_POSTS.labels(stage).observe(posts)
        if self._faults is not None:
            self._faults.add(posts, sum(len(result.dead) + result.stage_errors for result in results))

    def _count_confirmed(self, result: Result) -> None:
        stage = self.agent.spec.name
        done = metrics.POSTS_DONE
        done.labels(stage, "ok").inc(len(result.chunk.records) - len(result.dead) - result.stage_errors)
        done.labels(stage, "stage_error").inc(result.stage_errors)
        done.labels(stage, "dead_letter").inc(len(result.dead))
        for reason in result.dead:
            metrics.DEAD_LETTERS.labels(stage, reason).inc()
        for topic, count in Counter(message.topic for message in result.messages).items():
            metrics.POSTS_OUT.labels(stage, topic.removeprefix(self.settings.topic_prefix)).inc(count)
        if self.agent.observe:
            for output in result.outputs:
                self.agent.observe(output.record)
