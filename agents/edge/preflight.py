"""Looks before a stage starts: broker, topics, rights. Faust itself only logs what is missing, and idles."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED, hint
from agents.edge.reader import words
from agents.edge.rights import require_rights

T = TypeVar("T")
FIRST_ANSWER_SECONDS = 2.0
"""A broker that is there answers so fast, through TLS and SASL too; whoever waits for one that is not there soon reads why."""

ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 0.2
SAY_AGAIN_SECONDS = 10.0
logger = logging.getLogger(__name__)


class Needs(NamedTuple):
    """Of a stage, by full names of topics; the sources and those of `alike` must have the same number of partitions."""

    group: str
    sources: Sequence[str]
    others: Sequence[str]
    alike: Sequence[str] = ()


def preflight(client: dict[str, Any], needs: Needs, patience_seconds: float) -> int:
    """Returns how many partitions each source has.

    Raises StopWorker when no broker answers in time, when a topic is missing, when a right to read or write is, or when topics do not have
    the same number of partitions that must.
    """
    broker = _Broker(client, needs.group, patience_seconds)
    try:
        metadata = broker.ask(lambda consumer, seconds: consumer.list_topics(timeout=seconds)).topics
        for topic in (*needs.sources, *needs.others):
            found = metadata.get(topic)
            if found is None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic} does not exist or may not be seen: make it with `sluice topics create`")
            if found.error is not None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic}: {found.error.str()}{hint(found.error)}")
        counts = {topic: len(metadata[topic].partitions) for topic in (*needs.sources, *needs.alike)}
        if len(set(counts.values())) > 1:
            raise StopWorker(ExitCode.CONFIG, unequal(counts))
        places = [ck.TopicPartition(source, partition) for source in needs.sources for partition in metadata[source].partitions]
        for place in broker.ask(lambda consumer, seconds: consumer.committed(places, timeout=seconds)):
            if place.error is not None:
                raise StopWorker(ExitCode.DENIED, f"group {needs.group} on {place.topic}: {place.error.str()}{hint(place.error)}")
    finally:
        broker.consumer.close()
    require_rights(client, needs.sources, needs.others)
    return counts[needs.sources[0]]


def unequal(counts: Mapping[str, int]) -> str:
    """What to say, and do, where these topics must have the same number of partitions."""
    most = max(counts.values())
    fewer = ", ".join(f"{topic} ({count})" for topic, count in counts.items() if count < most)
    return (
        f"topics that must have the same number of partitions have not: {most}, but {fewer}. "
        "Stop all workers, give the others as many (`sluice doctor` says how), and start again"
    )


class _Broker:
    """Asks until there is an answer or `patience` (seconds) is used up: a cluster that just started, or elects a leader, has none yet."""

    def __init__(self, client: dict[str, Any], group: str, patience: float) -> None:
        self._address, self._group, self._patience = client["bootstrap.servers"], group, patience
        self._fault: ck.KafkaError | None = None
        self._said: float | None = None
        self.consumer = ck.Consumer({**client, "group.id": group, "enable.auto.commit": False, "error_cb": self._heard})

    def _heard(self, error: ck.KafkaError) -> None:
        if error.code() == ck.KafkaError._ALL_BROKERS_DOWN:  # it says nothing that the others have not said better
            return
        bare = "Disconnected" in error.str() and "failed" not in error.str()  # the same handshake fails once with a reason, once without
        if self._fault is None or not bare:
            self._fault = error

    def ask(self, question: Callable[[ck.Consumer, float], T]) -> T:
        """Raises StopWorker with what librdkafka heard last (refused, TLS, password): the exception itself only says `timed out`."""
        deadline = time.monotonic() + self._patience
        seconds = FIRST_ANSWER_SECONDS
        while True:
            try:
                return question(self.consumer, min(seconds, self._patience))
            except ck.KafkaException as error:
                said = self.consumer.poll(PAUSE_SECONDS)  # _heard is called only here; that the group is denied comes as a message
                if said is not None and (refusal := said.error()) is not None:
                    self._heard(refusal)
                own = error.args[0]
                fault = own if own.code() > 0 or own.code() in DENIED else self._fault or own  # above 0: what a broker has answered
                if fault.code() in DENIED:
                    where = f"group {self._group}" if fault.code() == ck.KafkaError.GROUP_AUTHORIZATION_FAILED else self._address
                    raise StopWorker(ExitCode.DENIED, f"{where}: {words(fault)}{hint(fault)}") from error
                if time.monotonic() >= deadline:
                    raise StopWorker(ExitCode.UNREACHABLE, f"no broker answered in {self._patience:.0f} s: {words(fault)}") from error
                self._say(fault, deadline)
                seconds = min(ANSWER_SECONDS, max(1.0, deadline - time.monotonic()))

    def _say(self, fault: ck.KafkaError, deadline: float) -> None:
        """At once, and then now and again. That a broker is there but not ready yet, as in its first seconds, only when it takes long."""
        now = time.monotonic()
        absent = fault.code() < 0
        if self._said is None and not absent:
            self._said = now
        if self._said is None or now - self._said >= SAY_AGAIN_SECONDS:
            self._said = now
            what = "no broker answers" if absent else "the broker is not ready"
            logger.warning("%s at %s (%s); trying for %.0f s more", what, self._address, words(fault), max(0.0, deadline - now))
