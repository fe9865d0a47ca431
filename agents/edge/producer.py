"""The side producer: librdkafka, idempotent, every delivery looked at. Faust's own send costs far more and loses what is rejected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import confluent_kafka as ck
import msgspec

from agents.edge.failures import ExitCode, StopWorker, stop_for
from schemas.topics import MAX_MESSAGE_BYTES

Header = tuple[str, str | bytes | None]
QUEUE_FULL_WAIT_SECONDS = 0.005


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is sent; `topic` with its prefix. A Struct, since one is made for every record: a NamedTuple costs three times as much."""

    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: list[Header]


class Confirmation:
    """Waits for the broker's word on some messages, then calls `done` (on the producer's thread). A rejected one ends the process."""

    __slots__ = ("_done", "_left")

    def __init__(self, messages: int, done: Callable[[], None]) -> None:
        self._left = messages
        self._done = done

    def __call__(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        """The delivery report."""
        if error is not None:
            stop_for(delivery_failure(error, message.topic()), "delivering")
        self._left -= 1
        if not self._left:
            self._done()


def producer_config(client: Mapping[str, Any], delivery_timeout_seconds: float) -> dict[str, Any]:
    """Of every producer here. The partitioner is that of Java and aiokafka, so that a key's partition does not depend on who wrote it."""
    return {
        **client,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "compression.type": "lz4",
        "message.timeout.ms": int(delivery_timeout_seconds * 1000),
        "queue.buffering.max.messages": 200_000,
        "message.max.bytes": MAX_MESSAGE_BYTES,
    }


class SideProducer:
    """Produces for a stage: what the broker refuses ends the process."""

    def __init__(self, client: dict[str, Any], *, delivery_timeout_seconds: float) -> None:
        self._producer = ck.Producer(producer_config(client, delivery_timeout_seconds))
        threading.Thread(target=self._poll, name="producer", daemon=True).start()

    def _poll(self) -> None:
        while True:
            try:
                self._producer.poll(0.5)
            except ck.KafkaException as error:  # fatal errors (no right to be idempotent, fenced) are raised only here
                stop_for(delivery_failure(error.args[0], None), "delivering")
            except BaseException as error:  # noqa: BLE001 - a dead poll thread would leave every output unconfirmed
                stop_for(error, "delivering")

    def send(self, messages: Sequence[Message], done: Callable[[], None]) -> None:
        """Produces in order; `done` is called when the broker has confirmed all. Blocks while the local queue is full."""
        if not messages:
            done()
            return
        confirmation = Confirmation(len(messages), done)
        produce = self._producer.produce
        for message in messages:
            while True:
                try:
                    produce(message.topic, message.value, message.key, on_delivery=confirmation, headers=message.headers)
                    break
                except BufferError:  # the poll thread makes room; bounded by message.timeout.ms
                    time.sleep(QUEUE_FULL_WAIT_SECONDS)
                except ck.KafkaException as error:
                    raise delivery_failure(error.args[0], message.topic) from error

    def flush(self, seconds: float) -> int:
        """Waits for what is on its way, at most `seconds`; returns how many messages are left unconfirmed."""
        return self._producer.flush(seconds)


def delivery_failure(error: ck.KafkaError, topic: str | None) -> StopWorker:
    """Denied or missing is the operator's to mend; the rest is the broker's fault."""
    where = f" to {topic}" if topic else ""
    if error.code() in DENIED:
        return StopWorker(ExitCode.DENIED, f"not allowed to write{where}: {error.str()}")
    return StopWorker(ExitCode.DELIVERY, f"delivery{where} failed: {error.str()}")


DENIED = {
    ck.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    ck.KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    ck.KafkaError.GROUP_AUTHORIZATION_FAILED,
    ck.KafkaError.SASL_AUTHENTICATION_FAILED,
    ck.KafkaError.UNKNOWN_TOPIC_OR_PART,
    ck.KafkaError._UNKNOWN_TOPIC,
    ck.KafkaError._UNKNOWN_PARTITION,
    ck.KafkaError._AUTHENTICATION,
}
"""What no waiting mends: a missing right, password or topic."""
