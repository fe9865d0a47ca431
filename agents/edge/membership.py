"""Notices a second worker of the same name, and ends this one. Sees to it that partitions are not shared out before they are known, and
that a group's broker that refuses to say what is committed, or is silent, is not taken for one that says that nothing is.

Kafka gives a static member's place to whoever joins under its name last, and throws out the one before, who joins again under aiokafka: two
such workers fight for ever, and both do the same work. aiokafka 0.14 tells nobody, so its coordinator is watched here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import consumer, group_coordinator
from aiokafka.errors import (
    BrokerResponseError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    for_code,
    kafka_errors,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from faust.types import TP

from agents.edge.failures import ExitCode, StopWorker, stop_for

KNOWN_SECONDS = 4.0
"""Less than a session: nobody sends heartbeats meanwhile."""

PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 3.0
"""For which one broker is waited for that is asked for the group's broker, or for what is committed. Then all is asked anew."""


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]
    """Kafka's error 82, which aiokafka 0.14 does not know: another one has joined under this member's name."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "The member's name belongs to another one now."


class Membership:
    """Counts how often a static member was thrown out of its group.

    A member that fell silent (a paused machine, a cut network) is thrown out too, but at most once in each session timeout. Twice within
    one and a half of them from the start on, or three times later, is another worker's doing. They are thrown out in turns: who came last
    has the lower limit, so that the one that was there goes on.
    """

    SESSIONS = 1.5
    YOUNG, SETTLED = 2, 3

    def __init__(self, session_seconds: float, now: float) -> None:
        self._window = self.SESSIONS * session_seconds
        self._born = now
        self._lost: list[float] = []

    def lost(self, now: float) -> bool:
        """The membership is gone, at `now` (seconds of any clock). Whether another worker has this name."""
        self._lost = [*(at for at in self._lost if now - at < self._window), now]
        return len(self._lost) >= (self.YOUNG if now - self._born < self._window else self.SETTLED)


class Coordinator(group_coordinator.GroupCoordinator):  # type: ignore[misc]
    """aiokafka's, which ends the process instead of fighting."""

    member_id: str

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in aiokafka
        self.answers = 0
        self._membership = Membership(options["session_timeout_ms"] / 1000, time.monotonic())
        super().__init__(*args, **options)

    async def _send_req(self, request: Any) -> Any:  # noqa: ANN401 - as in aiokafka
        """Counts what the broker answers. aiokafka raises when it does not.

        Also raises when the broker refuses to say what is committed, as it does when it has just become the group's or is so no longer:
        aiokafka looks only at what is said of each partition, which is then nothing, and would read from the start what is long done.
        """
        answer = await super()._send_req(request)
        self.answers += 1
        if answer.API_KEY == OffsetFetchRequest.API_KEY and (code := getattr(answer, "error_code", 0)):  # from version 2 on
            error = for_code(code)
            if error in (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
                self.coordinator_dead()
            raise error(self.group_id)
        return answer

    async def ensure_coordinator_known(self) -> None:
        """Asks the brokers which of them is the group's, until one says it: one that hangs would be waited for as long as for a join."""
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await super().ensure_coordinator_known()
                    return
            except TimeoutError:
                continue

    async def committed(self, partitions: Collection[TP]) -> Mapping[TP, int]:
        """The group's offsets, in one request; where there is none, the partition is missing.

        Waits for as long as it takes, but not for one broker. Raises KafkaError where the question is refused for good.
        """
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    found = await self.fetch_committed_offsets(list(partitions))
                    return {tp: place.offset for tp, place in found.items()}
            except TimeoutError:
                self.coordinator_dead()

    def reset_generation(self) -> None:
        """The broker does not know this member. It will join again, unless it is thrown out again and again."""
        if self.member_id and not self._closing.done() and self._membership.lost(time.monotonic()):
            stop_for(fenced(self._group_instance_id), "reading")
        super().reset_generation()

    async def _perform_assignment(self, response: Any) -> Any:  # noqa: ANN401 - as in aiokafka
        """Shares partitions out, once the broker tells of them.

        One that has just started may know nothing of a topic yet. aiokafka would share out nothing, and look for more only minutes later.
        """
        if unknown := await unknown_topics(self._client, self._subscription.subscription.topics):
            stop_for(StopWorker(ExitCode.DENIED, f"topic {unknown[0]} does not exist, or the broker does not tell of it"), "joining")
        return await super()._perform_assignment(response)

    async def ensure_active_group(self, subscription: Any, prev_assignment: Any) -> Any:  # noqa: ANN401 - as in aiokafka
        """Joins. Where another one has this member's place, aiokafka would try on with the old identity for ever."""
        try:
            return await super().ensure_active_group(subscription, prev_assignment)
        except KafkaError as error:
            if FencedInstanceIdError.__name__ not in str(error):  # aiokafka wraps what it does not expect in a sentence
                raise
            self.reset_generation()
            return None


async def unknown_topics(client: AIOKafkaClient, topics: Collection[str]) -> list[str]:
    """Those that no broker tells of in KNOWN_SECONDS. One answer alone says little: a broker that has just started may know nothing yet."""
    deadline = time.monotonic() + KNOWN_SECONDS
    answered = True
    while unknown := [topic for topic in topics if not client.cluster.partitions_for_topic(topic)]:
        if answered and time.monotonic() > deadline:
            break
        await asyncio.sleep(PAUSE_SECONDS)
        answered = await client.force_metadata_update()
    return unknown


def fenced(member: str | None) -> StopWorker:
    """`member`: `<instance>.<stage>`."""
    name = (member or "?").rpartition(".")[0]
    return StopWorker(
        ExitCode.FENCED,
        f"another worker is named {name!r} too, and they throw one another out of the group: give each its own SLUICE_INSTANCE",
    )


def ended(error: BaseException, member: str | None) -> BaseException:
    """What to stop for where the group is kept no longer because of `error`. `member`: `<instance>.<stage>`."""
    if isinstance(error, GroupAuthorizationFailedError | TopicAuthorizationFailedError):
        return StopWorker(ExitCode.DENIED, f"no longer allowed to read: {error}; `sluice topics rights` shows who needs what")
    return fenced(member) if FencedInstanceIdError.__name__ in str(error) else error


def install() -> None:
    """Has aiokafka's consumers in this process use the coordinator above."""
    kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError
    consumer.GroupCoordinator = Coordinator
