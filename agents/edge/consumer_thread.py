"""The thread on which aiokafka's consumer runs, with what Faust hard-codes in it set, and with a seek that leaves no partition out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.edge import fetched, membership
from agents.edge.chunks import Limits


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """See the module."""

    def _create_worker_consumer(self, transport: Any) -> Any:  # noqa: ANN401 - as in Faust
        fetched.install()
        membership.install()
        consumer = super()._create_worker_consumer(transport)
        limits: Limits = self.app.limits
        consumer._fetch_max_wait_ms = limits.fetch_wait_ms  # read once, when the consumer makes its Fetcher
        consumer._fetch_min_bytes = limits.fetch_min_bytes
        if self.app.partitions is not None:  # also read when it starts
            consumer._isolation_level = "read_committed"
            consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer

    def set_fetch(self, wait_ms: int, min_bytes: int) -> None:
        """For the fetches to come; ints, so any thread may set them."""
        fetcher = self._ensure_consumer()._fetcher
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = wait_ms, min_bytes

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """To the committed offsets, and to the start where none is: aiokafka would leave such a partition where it is."""
        committed: Mapping[TP, int] = await self.call_thread(self._seek)
        return committed

    async def _seek(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        if not consumer.assignment():  # aiokafka asserts that there is one
            return {}
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        for tp, offset in committed.items():
            if not offset:
                consumer.seek(tp, 0)  # where the log starts later, aiokafka goes there
        return committed

    def next_fetch(self, tp: TP) -> int | None:
        """The offset from which the next records are handed over, transaction marks left out. None if nobody knows."""
        try:
            state = self._ensure_consumer()._subscription.subscription.assignment.state_value(tp)
        except (AttributeError, ConsumerNotStarted):  # nothing is subscribed or assigned just now
            return None
        return state.position if state is not None and state.has_valid_position else None

    def answers(self) -> int:
        """How many answers the group's broker has given. Each heartbeat gets one, with and without posts or partitions."""
        answers: int = self._ensure_consumer()._coordinator.answers
        return answers

    def missing_topics(self) -> list[str]:
        """Subscribed topics that the broker no longer knows."""
        consumer = self._ensure_consumer()
        return [topic for topic in consumer.subscription() if not consumer.partitions_for_topic(topic)]
