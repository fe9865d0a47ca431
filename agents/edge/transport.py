"""Faust's aiokafka transport, changed where stock Faust loses messages or time. Registered as the URL scheme `sluice://`.

1. One event per chunk of records of one partition, instead of four asyncio tasks per record.
2. What is committed is the offset behind the last record up to which all is done (in_flight.py). Faust's own arithmetic commits past
   unfinished work when acknowledgements come out of order.
3. How long a fetch waits, and how long the next one waits for it, are settings (fetching.py). No sleep of a second under back-pressure.
4. When what would be read next lies outside the log, the worker stops instead of skipping what is lost in silence (bounds.py).
5. When another worker has the same name, one of the two stops (membership.py).
6. After a rebalance reading begins at what is committed, also where the group's broker first refuses to say it (membership.py).
7. A stage that owns partition numbers of several topics is told when they come and go, before their records come and go (partitions.py).

tests/agents/edge/test_faust_contract.py pins every private name of Faust and aiokafka that is used here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage, Message
from mode.utils.futures import notify

from agents.edge.bounds import Bounded
from agents.edge.chunks import Chunk, Limits, split
from agents.edge.client import Client
from agents.edge.failures import ExitCode, StopWorker, stop_for
from agents.edge.fetched import Fetched
from agents.edge.in_flight import InFlight
from agents.edge.partitions import Partitions

SCHEME = "sluice"
LOOK_SECONDS = 1.0
"""So long a look for records lasts where none come. A partition that was held back and is wanted again is seen at once."""

YIELD_EVERY = 100
"""Chunks after which the event loop gets a turn, whatever happens."""


class Consumer(Bounded):
    """See the module. All methods run on the event loop."""

    app: AppT
    _thread: Client

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in Faust
        super().__init__(*args, **kwargs)
        self.limits: Limits = self.app.limits
        self._partitions: Partitions | None = self.app.partitions
        self.epoch = 0
        """Grows when partitions come, go or are read again: a chunk of an earlier epoch is out of date. Read anywhere."""
        self.last_commit: float = time.monotonic()
        self._in_flight = InFlight()
        self._wanted = Wanted(self)

    def _new_consumer_thread(self) -> Client:
        return Client(self, loop=self.loop, beacon=self.beacon)

    # Acknowledging and committing ------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """The chunk behind `message` is done with."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        if self._in_flight.remove(message):
            self._acked[message.tp]  # Faust commits only the partitions that are keys here
            self._n_acked += 1
        notify(self._waiting_for_ack)
        return True

    def _new_offset(self, tp: TP) -> int | None:
        return self._in_flight.committable(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return offset > (self._committed_offset[tp] or 0)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust notes holes in the log here. Rule 2 needs no such notes."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        if committed:
            self.last_commit = time.monotonic()
        return bool(committed)

    # Rebalances ------------------------------------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Back to the committed offsets: what is in flight will be read again."""
        self.epoch += 1
        self._in_flight.forget()
        await super().perform_seek()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Partitions go. If that is because the topic is gone, the worker stops before it joins again.

        It would be given no partition, and look healthy; as a static member it would be given none after a restart either.
        """
        if revoked and (missing := await self._thread.missing_topics()):
            stop_for(StopWorker(ExitCode.DENIED, f"topic {missing[0]} is gone: make it again with `sluice topics create`"), "reading")
        self.epoch += 1
        if self._partitions is not None:
            self._partitions.revoked()
        await super().on_partitions_revoked(revoked)
        self._in_flight.forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Partitions come."""
        if self._partitions is not None:
            self._partitions.assigned(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    # Reading ---------------------------------------------------------------------------------------------------------

    def resume_flow(self) -> None:
        """After a rebalance, with other partitions."""
        super().resume_flow()
        self._thread.wake()

    def on_buffer_drop(self, tp: TP) -> None:
        """A partition that was held back is wanted again, and its records may be at hand."""
        super().on_buffer_drop(tp)
        self._thread.wake()

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, list[Fetched]] | None, set[TP] | None]:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = self._get_active_partitions()
        try:
            records = await self._getmany(active_partitions=self._wanted, timeout=timeout)
        except OffsetOutOfRangeError as error:
            await self._out_of_range(error)
            return {}, active
        except NoOffsetForPartitionError:  # aiokafka looked before the seek at this assignment
            return {}, active
        return records, active

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One message per chunk, round robin over the partitions."""
        records, active = await self._wait_next_records(timeout)
        epoch = self.epoch
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        queues = []
        for tp, found in records.items():
            if found and (active is None or tp in active or tp in self._buffered_partitions):
                queues.append((tp, iter(split(found, self.limits))))
        while queues:
            left = []
            for tp, parts in queues:
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                if (part := next(parts, None)) is not None:
                    if not self._was_read(tp, part[0][-1].offset):
                        yield tp, self._message(tp, *part)
                    left.append((tp, parts))
            queues = left
        if self.epoch == epoch and self.flow_active:
            self._pass_marks()

    def _pass_marks(self) -> None:
        """When all that aiokafka has handed over is in flight: what it passed besides holds no record, and may be committed.

        Left uncommitted, it would be missed when all is deleted for its age. What keeps its own positions counts records alone.
        """
        for tp in self.assignment() if self._partitions is None else ():
            position = self._thread.next_fetch(tp)
            if position is not None and self._in_flight.pass_to(tp, position):
                self._acked[tp]  # see `ack`

    async def _seek_back(self) -> None:
        """What was read and dropped is read again."""
        try:
            await self.perform_seek()
        except IllegalStateError as error:  # the new assignment seeks too, and what was dropped was of the old one
            self.log.info("partitions changed while seeking: %s", error)

    def _message(self, tp: TP, records: list[Fetched], size: int) -> ConsumerMessage:
        """A message that stands for a chunk: its offset is the last one. From now on the chunk is in flight."""
        last = records[-1]
        chunk = Chunk(tp, records, size, self.epoch)
        message = ConsumerMessage(
            last.topic, last.partition, last.offset, last.timestamp / 1000, last.timestamp_type, (), None, chunk, None, tp=tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        self._in_flight.add(message, records[0].offset, records[0].timestamp)
        return message

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - as in Faust
        count = 0
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                messages = self.getmany(timeout=LOOK_SECONDS)
                await asyncio.sleep(0)
                if self.should_stop:
                    break
                async for tp, message in messages:
                    count += 1
                    if count % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    await self._deliver(tp, message)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise

    def _was_read(self, tp: TP, offset: int) -> bool:
        position = self._read_offset[tp]
        return position is not None and offset < position

    async def _deliver(self, tp: TP, message: ConsumerMessage) -> None:
        if self.app.flow_control.is_active() and not self.suspend_flow.is_set() and not self._stream_is_full(tp):
            await self.callback(message)
        else:  # it may block on a full stream, and must not hold up a rebalance
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
        self._read_offset[tp] = message.offset

    def _stream_is_full(self, tp: TP) -> bool:
        return any(channel.queue.full() for channel in self.app.topics._tp_index.get(tp, ()))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust would call a process older than five minutes slow after each rebalance. The watchdog does this work."""


class Wanted:
    """The partitions that a consumer wants records of now. aiokafka looks in here at each wake, and takes an empty set for all of them."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def __contains__(self, tp: TP) -> bool:
        return tp in self._consumer._get_active_partitions()


class Transport(driver.Transport):  # type: ignore[misc]
    """aiokafka's transport with the consumer above."""

    Consumer = Consumer


drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
