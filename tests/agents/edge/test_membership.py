"""Whether another worker has this one's name: told from how often, and how soon, the group forgets its member."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import consumer
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code
from aiokafka.protocol.group import JoinGroupResponse_v5
from hypothesis import given
from hypothesis import strategies as st

from agents.edge import membership
from agents.edge.membership import Coordinator, FencedInstanceIdError, Membership, fenced, install, unknown_topics

SESSION = 10.0


def at(*seconds: float) -> list[bool]:
    """What a member that was born at 0 concludes from each of these losses."""
    membership = Membership(SESSION, 0)
    return [membership.lost(second) for second in seconds]


def test_one_that_just_came_goes_at_its_second_loss() -> None:
    assert at(2, 4) == [False, True]


def test_one_that_was_there_goes_at_its_third_loss_so_that_the_newcomer_goes_first() -> None:
    assert at(100, 102, 104) == [False, False, True]


@given(st.lists(st.floats(SESSION, 100), max_size=20))
def test_falling_silent_again_and_again_is_no_rival(gaps: list[float]) -> None:
    times = [sum(gaps[: count + 1]) for count in range(len(gaps))]
    assert not any(at(*times))


def test_the_sentence_names_the_worker_and_the_setting() -> None:
    assert "another worker is named 'pod-3.a' too" in str(fenced("pod-3.a.language"))
    assert "SLUICE_INSTANCE" in str(fenced("pod-3.a.language"))


# In aiokafka ---------------------------------------------------------------------------------------------------------


class Answered(Coordinator):
    """Whatever it asks the broker, the answer is `answer`: a broker in this state takes a race to make."""

    answer: JoinGroupResponse_v5

    async def _send_req(self, request: object) -> JoinGroupResponse_v5:
        return self.answer


def joined_with(code: int, check: Callable[[Coordinator], None]) -> None:
    """A member of a group that joins again and is answered with an error; then `check` looks at it."""

    async def join() -> None:
        install()
        subscription = SubscriptionState()
        subscription.subscribe({"in"})
        coordinator = Answered(
            AIOKafkaClient(bootstrap_servers="127.0.0.1:1"),
            subscription,
            group_id="g",
            group_instance_id="one.language",
            session_timeout_ms=10_000,
        )
        coordinator._coordination_task.cancel()
        coordinator.coordinator_id, coordinator.member_id = 0, "member"
        coordinator.answer = JoinGroupResponse_v5(0, code, -1, "", "", "member", [])
        try:
            assert await coordinator.ensure_active_group(subscription.subscription, None) is None
        finally:
            check(coordinator)

    asyncio.run(join())


def test_a_member_whose_name_went_to_another_gives_up_its_identity() -> None:
    def check(coordinator: Coordinator) -> None:
        assert coordinator.member_id == ""

    joined_with(FencedInstanceIdError.errno, check)


def test_another_error_of_the_broker_stays_one() -> None:
    with pytest.raises(KafkaError):
        joined_with(GroupAuthorizationFailedError.errno, lambda coordinator: None)


class Forgetful(AIOKafkaClient):  # type: ignore[misc]
    """Its brokers do not answer, or do not know the topic `in`, before they have been asked `asks` times."""

    def __init__(self, asks: int, *, answers: bool) -> None:
        super().__init__(bootstrap_servers="127.0.0.1:1")
        self.left, self._answers = asks, answers

    async def force_metadata_update(self) -> bool:
        """Whether they have answered."""
        self.left -= 1
        if self.left == 0:
            self.cluster._partitions["in"] = {0: None}
        return self._answers or self.left <= 0


def unknown(asks: int, *, answers: bool = True) -> list[str]:
    """The topics that are given up."""

    async def ask() -> list[str]:
        return await unknown_topics(Forgetful(asks, answers=answers), {"in"})

    return asyncio.run(ask())


def test_a_topic_is_gone_when_brokers_do_not_tell_of_it_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "PAUSE_SECONDS", 0.01)
    assert unknown(5) == []
    monkeypatch.setattr(membership, "KNOWN_SECONDS", 0.05)
    assert unknown(1000) == ["in"]
    assert unknown(20, answers=False) == []


def test_aiokafka_makes_its_coordinator_where_ours_is_put() -> None:
    install()
    assert consumer.GroupCoordinator is Coordinator
    assert "GroupCoordinator" in AIOKafkaConsumer.start.__code__.co_names
    assert for_code(82) is FencedInstanceIdError
