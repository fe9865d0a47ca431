"""Looks before a stage starts: broker, topics, rights. Faust itself only logs what is missing, and idles."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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


def preflight(client: dict[str, Any], group: str, source: str, outputs: Sequence[str], patience_seconds: float) -> None:
    """Raises StopWorker when no broker answers in time, when a topic is missing, or when this user may not read or write what it must."""
    broker = _Broker(client, group, patience_seconds)
    try:
        metadata = broker.ask(lambda consumer, seconds: consumer.list_topics(timeout=seconds)).topics
        for topic in (source, *outputs):
            found = metadata.get(topic)
            if found is None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic} does not exist or may not be seen: make it with `sluice topics create`")
            if found.error is not None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic}: {found.error.str()}{hint(found.error)}")
        places = [ck.TopicPartition(source, partition) for partition in metadata[source].partitions]
        for place in broker.ask(lambda consumer, seconds: consumer.committed(places, timeout=seconds)):
            if place.error is not None:
                raise StopWorker(ExitCode.DENIED, f"group {group} on {source}: {place.error.str()}{hint(place.error)}")
    finally:
        broker.consumer.close()
    require_rights(client, (source,), outputs)


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
