"""Looks before a stage starts: broker, topics, rights. Faust itself only logs what is missing, and idles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED
from agents.edge.reader import words

T = TypeVar("T")
ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 0.2


def preflight(client: dict[str, Any], group: str, source: str, outputs: Iterable[str], patience_seconds: float) -> None:
    """Raises StopWorker when no broker answers in time, when a topic is missing or denied, or when the group may not be read."""
    broker = _Broker(client, group, patience_seconds)
    try:
        metadata = broker.ask(lambda consumer, seconds: consumer.list_topics(timeout=seconds)).topics
        for topic in (source, *outputs):
            found = metadata.get(topic)
            if found is None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic} does not exist or may not be seen: make it with `sluice topics create`")
            if found.error is not None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic}: {found.error.str()}")
        places = [ck.TopicPartition(source, partition) for partition in metadata[source].partitions]
        for place in broker.ask(lambda consumer, seconds: consumer.committed(places, timeout=seconds)):
            if place.error is not None:
                raise StopWorker(ExitCode.DENIED, f"group {group} on {source}: {place.error.str()}")
    finally:
        broker.consumer.close()


class _Broker:
    """Asks until there is an answer or `patience` (seconds) is used up: a cluster that just started, or elects a leader, has none yet."""

    def __init__(self, client: dict[str, Any], group: str, patience: float) -> None:
        self._address, self._patience = client["bootstrap.servers"], patience
        self._fault: ck.KafkaError | None = None
        self.consumer = ck.Consumer({**client, "group.id": group, "enable.auto.commit": False, "error_cb": self._heard})

    def _heard(self, error: ck.KafkaError) -> None:
        if error.code() != ck.KafkaError._ALL_BROKERS_DOWN:  # it says nothing that the others have not said better
            self._fault = error

    def ask(self, question: Callable[[ck.Consumer, float], T]) -> T:
        """Raises StopWorker with what librdkafka heard last (refused, TLS, password): the exception itself only says `timed out`."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return question(self.consumer, min(ANSWER_SECONDS, self._patience))
            except ck.KafkaException as error:
                self.consumer.poll(PAUSE_SECONDS)  # _heard is called only here
                fault = error.args[0] if error.args[0].code() in DENIED else self._fault or error.args[0]
                if fault.code() in DENIED:
                    raise StopWorker(ExitCode.DENIED, f"{self._address}: {words(fault)}") from error
                if time.monotonic() >= deadline:
                    raise StopWorker(ExitCode.UNREACHABLE, f"no broker answered in {self._patience:.0f} s: {words(fault)}") from error
