"""What Faust calls the consumer thread: aiokafka's consumer, on the event loop of the app, with what Faust hard-codes in it set, and with a
seek that leaves no partition out.

Faust gives it a thread, since agents may block the loop. Here none does, and a thread costs: docs/decisions/0016-one-event-loop.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import maybe_async

from agents.edge import fetched, fetching, membership
from agents.edge.chunks import Limits
from agents.edge.failures import ExitCode, StopWorker, stop_for

SEEK_SECONDS = 25.0
"""Less than Faust's broker_request_timeout: where a seek at an assignment takes longer than that, Faust never reads again."""


class Client(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """See the module."""

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:  # noqa: ANN401 - as in Faust
        super().__init__(consumer, loop=loop, thread_loop=loop, **kwargs)

    async def start(self) -> None:
        """On this loop. What aiokafka raises is also the worker's `crash_reason`."""
        self._thread_started.set()
        try:
            await self._default_start()
        except Exception as error:
            await self.crash(error)
            raise

    async def stop(self) -> None:
        """What its thread would do at its end."""
        if self._started.is_set() and not self._stopped.is_set():
            self._stopped.set()
            await self.on_stop()
            await self._shutdown_thread()
            await self.on_shutdown()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in Faust
        """Calls it."""
        return await maybe_async(fun(*args, **kwargs))

    def _create_worker_consumer(self, transport: Any) -> Any:  # noqa: ANN401 - as in Faust
        fetched.install()
        fetching.install()
        membership.install()
        consumer = super()._create_worker_consumer(transport)
        limits: Limits = self.app.limits
        consumer._fetch_max_wait_ms = limits.fetch_wait_ms  # read once, when the consumer makes its Fetcher
        consumer._client.fetch_pace_seconds = limits.fetch_pace_ms / 1000  # all that its Fetcher is given of ours
        if self.app.partitions is not None:  # also read when it starts
            consumer._isolation_level = "read_committed"
            consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """To the committed offsets, and to the start where none is: aiokafka would leave such a partition where it is.

        Ends the worker when no broker has said in SEEK_SECONDS which they are.
        """
        consumer = self._ensure_consumer()
        if not consumer.assignment():
            return {}
        assignment = consumer._subscription.subscription.assignment
        try:
            async with asyncio.timeout(SEEK_SECONDS):
                found = await consumer._coordinator.committed(assignment.tps)
        except TimeoutError:
            stop_for(
                StopWorker(ExitCode.UNREACHABLE, f"no broker has said in {SEEK_SECONDS:.0f} s what the group has committed"), "seeking"
            )
        if not assignment.active:
            raise IllegalStateError("other partitions were assigned while the offsets of these were asked for")
        committed = {tp: found.get(tp) for tp in assignment.tps}
        for tp, offset in committed.items():
            consumer.seek(tp, offset or 0)  # where the log starts later, bounds.py goes there
        return committed

    def wake(self) -> None:
        """Has a call that waits for records look again: a partition that was held back may be read on, and its records may be at hand."""
        if self._consumer is not None and self._consumer._fetcher is not None:
            self._consumer._fetcher.wake()

    def next_fetch(self, tp: TP) -> int | None:
        """The offset from which the next records are handed over, transaction marks left out. None if nobody knows."""
        try:
            state = self._ensure_consumer()._subscription.subscription.assignment.state_value(tp)
        except (AttributeError, ConsumerNotStarted):  # nothing is subscribed or assigned just now
            return None
        return state.position if state is not None and state.has_valid_position else None

    def heard(self) -> Mapping[TP, int | None]:
        """When the broker of each assigned partition last answered a fetch (ms since 1970; None: not since the assignment).

        Without those of which something is fetched and not yet taken: of these nothing more is asked for.
        """
        try:
            consumer = self._ensure_consumer()
            assignment = consumer._subscription.subscription.assignment
            held_back = consumer._fetcher._records
            return {TP(*tp): assignment.state_value(tp).timestamp for tp in assignment.tps if tp not in held_back}
        except (AttributeError, ConsumerNotStarted):  # nothing is subscribed or assigned just now
            return {}

    def answers(self) -> int:
        """How many answers the group's broker has given. Each heartbeat gets one, with and without posts or partitions."""
        answers: int = self._ensure_consumer()._coordinator.answers
        return answers

    def fault(self) -> BaseException | None:
        """Why aiokafka no longer keeps this member in its group, or no longer fetches. None while it does, or is asked to end.

        It tells those who read by its own methods, which Faust does not use. Such a worker would stay, and do what another one does too.
        """
        try:
            consumer = self._ensure_consumer()
        except ConsumerNotStarted:
            return None
        coordinator, fetcher = consumer._coordinator, consumer._fetcher
        if consumer._closed or coordinator is None or fetcher is None:
            return None
        failed: BaseException | None = coordinator._pending_exception
        for task in (coordinator._coordination_task, fetcher._fetch_task):
            if failed is None and task.done() and not task.cancelled():
                failed = task.exception()
        return failed

    async def missing_topics(self) -> Sequence[str]:
        """Subscribed topics that brokers no longer tell of, however often they are asked."""
        consumer = self._ensure_consumer()
        return await membership.unknown_topics(consumer._client, consumer.subscription())
