"""Where reading begins after a rebalance: at what the group's broker says is committed, whatever it says or leaves unsaid first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IllegalStateError,
    NotCoordinatorForGroupError,
    RequestTimedOutError,
)
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v3
from faust.types import TP

from agents.edge import membership
from agents.edge.app import make_app
from agents.edge.chunks import Limits
from agents.edge.client import Client
from agents.edge.membership import Coordinator
from agents.settings import load

PLACES = [TP("in", 0), TP("in", 1)]


def offsets(*committed: int) -> OffsetFetchResponse_v3:
    """What a broker answers: the offset of each partition, -1 for none."""
    return OffsetFetchResponse_v3(0, [("in", [(partition, offset, "", 0) for partition, offset in enumerate(committed)])], 0)


def refusal(code: int) -> OffsetFetchResponse_v3:
    """What a broker answers that is not the group's, or not yet."""
    return OffsetFetchResponse_v3(0, [], code)


class Brokers(AIOKafkaClient):  # type: ignore[misc]
    """A client with made-up brokers behind it: those of a cluster refuse and fall silent when they like, not when a test does."""

    def __init__(self, *answers: OffsetFetchResponse_v3 | None) -> None:
        """`answers`: one after the other; None is silence."""
        super().__init__(bootstrap_servers="127.0.0.1:1")
        self.answers = list(answers)
        self.asked: list[Sequence[Any]] = []
        self.looked_up = 0

    async def coordinator_lookup(self, coordinator_type: object, coordinator_key: str) -> int:
        """Some node is the group's."""
        self.looked_up += 1
        return 1

    async def ready(self, node_id: int, *, group: object = None) -> bool:
        """All are."""
        return True

    async def send(self, node_id: int, request: OffsetFetchRequest, *, group: object = None) -> OffsetFetchResponse_v3:
        """The next answer. It takes a turn of the event loop."""
        self.asked.append(request._partitions)
        answer = self.answers.pop(0)
        await asyncio.sleep(0)
        while answer is None:
            await asyncio.Event().wait()
        return answer


class Fetched:
    """The part of aiokafka's fetcher that a seek uses."""

    def __init__(self, subscription: SubscriptionState) -> None:
        self.seek_to = subscription.seek


def seek(folder: Path, brokers: Callable[[], Brokers], check: Callable[[Brokers, Client], Coroutine[Any, Any, None]]) -> None:
    """Has `check` look at a client of ours to which both partitions were just assigned."""

    async def run() -> None:
        app = make_app(load(data_dir=folder), "language", Limits(500, 1000, 500, 10), "test")
        app.finalize()
        made = app._new_consumer()
        ours: Client = made._thread
        ours._consumer = consumer = ours._create_worker_consumer(made.transport)
        subscription = consumer._subscription
        subscription.subscribe({"in"})
        subscription.assign_from_subscribed(PLACES)
        client = brokers()
        consumer._coordinator = Coordinator(client, subscription, group_id="g", session_timeout_ms=10_000)
        consumer._coordinator._coordination_task.cancel()
        consumer._fetcher = Fetched(subscription)
        try:
            await check(client, ours)
        finally:
            consumer._coordinator = consumer._fetcher = None
            await consumer.stop()

    asyncio.run(run())


def positions(ours: Client) -> list[int | None]:
    return [ours.next_fetch(tp) for tp in PLACES]


def test_all_partitions_are_asked_for_at_once_and_one_without_an_offset_is_read_from_its_start(tmp_path: Path) -> None:
    async def check(brokers: Brokers, ours: Client) -> None:
        assert await ours.seek_to_committed() == {PLACES[0]: 7, PLACES[1]: None}
        assert positions(ours) == [7, 0]
        assert [[(topic, sorted(numbers)) for topic, numbers in each] for each in brokers.asked] == [[("in", [0, 1])]]

    seek(tmp_path, lambda: Brokers(offsets(7, -1)), check)


@pytest.mark.parametrize(
    ("error", "lookups"),
    [
        (NotCoordinatorForGroupError, 3),
        (GroupCoordinatorNotAvailableError, 3),
        (GroupLoadInProgressError, 1),
        (RequestTimedOutError, 1),
    ],
)
def test_a_broker_that_refuses_to_say_is_asked_again_and_not_taken_for_one_that_knows_no_offset(
    tmp_path: Path, error: Any, lookups: int
) -> None:
    async def check(brokers: Brokers, ours: Client) -> None:
        await ours.seek_to_committed()
        assert positions(ours) == [7, 9]
        assert brokers.looked_up == lookups

    seek(tmp_path, lambda: Brokers(refusal(error.errno), refusal(error.errno), offsets(7, 9)), check)


def test_what_is_refused_for_good_is_an_error(tmp_path: Path) -> None:
    async def check(_: Brokers, ours: Client) -> None:
        with pytest.raises(GroupAuthorizationFailedError):
            await ours.seek_to_committed()

    seek(tmp_path, lambda: Brokers(refusal(GroupAuthorizationFailedError.errno)), check)


def test_a_silent_broker_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "ANSWER_SECONDS", 0.05)

    async def check(brokers: Brokers, ours: Client) -> None:
        await ours.seek_to_committed()
        assert positions(ours) == [7, 9]
        assert brokers.looked_up == 2

    seek(tmp_path, lambda: Brokers(None, offsets(7, 9)), check)


def test_what_was_asked_for_an_assignment_that_is_over_moves_nothing(tmp_path: Path) -> None:
    async def check(brokers: Brokers, ours: Client) -> None:
        subscription = ours._ensure_consumer()._subscription
        asked = asyncio.ensure_future(ours.seek_to_committed())
        while not brokers.asked:
            await asyncio.sleep(0)
        subscription.assign_from_subscribed(PLACES)
        with pytest.raises(IllegalStateError, match="other partitions were assigned"):
            await asked
        assert positions(ours) == [None, None]

    seek(tmp_path, lambda: Brokers(offsets(7, 9)), check)


def test_without_partitions_nobody_is_asked(tmp_path: Path) -> None:
    async def check(brokers: Brokers, ours: Client) -> None:
        ours._ensure_consumer()._subscription.assign_from_subscribed([])
        assert await ours.seek_to_committed() == {}
        assert not brokers.asked

    seek(tmp_path, Brokers, check)
