"""Runs the cases stage under Faust: reads several topics by partition number, hands chunks to the number's owner, acknowledges, counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from agents.edge import metrics
from agents.edge.app import Schema, consumer_group, limits_of, make_app
from agents.edge.chunks import Limits
from agents.edge.counts import Counts
from agents.edge.failures import guarded
from agents.edge.logs import logged
from agents.edge.owner import Done, Owner, Tools
from agents.edge.owners import Owners
from agents.edge.pulse import Meter, Silence
from agents.edge.security import client_config
from agents.edge.transactions import Transactions
from agents.edge.transport import Consumer
from agents.settings import Settings
from pipeline.cases.facts import Fact
from pipeline.cases.spec import CasesSpec, Machine
from schemas.records import Record

FETCH_PACE_MS = 200
"""At least. Nobody waits for a case by the millisecond, and a fetch of seven topics costs one of CPU, however little comes of it."""

M = TypeVar("M")


def utc_now() -> dt.datetime:
    """The clock of a worker."""
    return dt.datetime.now(dt.UTC)


def unhurried(settings: Settings) -> Limits:
    """The limits of the settings, with fewer and fuller fetches."""
    limits = limits_of(settings, settings.batch_posts)
    return replace(limits, fetch_pace_ms=max(FETCH_PACE_MS, limits.fetch_pace_ms))


@dataclass(frozen=True)
class CasesAgent(Generic[M]):
    """The cases stage on Kafka.

    `observe` and `count` are called once for each output and each fact that is committed. Each second `measure` looks at every machine, on
    its owner's thread, and `show` gets what it said of all partition numbers that this process owns now, and of no other: so gauges go
    with their partition.
    """

    spec: CasesSpec
    measure: Callable[[Machine], M]
    show: Callable[[Sequence[M]], None]
    observe: Callable[[Record], None] | None = None
    count: Callable[[Fact], None] | None = None
    clock: Callable[[], dt.datetime] = utc_now


class CasesRunner(Generic[M]):
    """The stage in this process. `shards`: partitions of each input."""

    def __init__(
        self,
        agent: CasesAgent[M],
        settings: Settings,
        instance: str,
        shards: int,
        transactions: Callable[[dict[str, Any], str, float], Transactions] = Transactions,
    ) -> None:
        spec = agent.spec
        self.agent = agent
        self.sources = [settings.topic_prefix + topic.name for topic in spec.inputs]
        tools = Tools(
            spec=spec,
            client=logged(client_config(settings)),
            group=consumer_group(settings, spec.name),
            prefix=settings.topic_prefix,
            shards=shards,
            dead_letter_bytes=settings.dead_letter_bytes,
            patience_seconds=settings.delivery_timeout_seconds,
            make=spec.start(),
            measure=agent.measure,
            clock=agent.clock,
            transactions=transactions,
        )
        self.owners = Owners(tools, guarded(self._done, "acknowledging what an owner committed"))
        self._counts = Counts(spec.name, settings.topic_prefix, agent.observe)
        self.app = make_app(settings, spec.name, unhurried(settings), instance, self.owners)
        meter = Meter(self.app, spec.name, [topic.name for topic in spec.inputs], settings.topic_prefix, self._look)
        self.pulse = meter.pulse
        self._prefix = settings.topic_prefix
        self._at_hand = 0  # chunks read that no owner has yet
        self._still: Silence[Owner] = Silence()
        topic = self.app.topic(*self.sources, schema=Schema(), key_serializer="raw")
        self.app.agent(topic, name=spec.name)(self._read)
        self.app.task(meter.run)
        self.app.on_partitions_assigned.connect(self._assigned)
        self.app.on_before_shutdown.connect(self._shutdown)

    async def _read(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        """Hands each chunk to the owner that its partition number has now. One that was read before a rebalance is dropped."""
        async for event in stream.noack().events():
            chunk = event.value
            owner = self.owners.of(chunk.tp)
            if owner is not None:
                self._at_hand += 1
                await owner.inbox.room()
                self._at_hand -= 1
                consumer: Consumer = self.app.consumer
                if chunk.epoch == consumer.epoch:
                    owner.inbox.put(event)

    def _done(self, done: Done) -> None:
        for event in done.chunks:
            event.ack()
        if done.sent.posts:
            self._counts.handled(done.sent.posts, done.seconds)
        self._counts.confirmed(done.sent)
        for topic, count in done.moved.items():
            metrics.REPUBLISHED.labels(topic.removeprefix(self._prefix)).inc(count)
        if self.agent.count:
            for fact in done.facts:
                self.agent.count(fact)

    def _look(self) -> None:
        """Once a second: whether each owner that has something to do gets on, and what they hold. One that hangs is no progress; a turn
        may last some seconds.
        """
        owners = self.owners.open
        working = [owner for owner in owners if owner.busy or len(owner.inbox)]
        if not self._still.look({owner: owner.steps for owner in working}):
            self.pulse.done += 1
        self.pulse.outstanding = self._at_hand + sum(len(owner.inbox) + owner.busy for owner in working)
        metrics.STATES.set(sum(owner.states for owner in owners))
        self.agent.show([owner.measured for owner in owners if owner.measured is not None])

    def end(self) -> None:
        """When the event loop has ended: lets owners end their last turn."""
        self.owners.join()

    async def _assigned(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        metrics.REBALANCES.labels(self.agent.spec.name).inc()

    async def _shutdown(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        self.owners.revoked()
