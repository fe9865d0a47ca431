"""The side producer: librdkafka, idempotent, every delivery looked at. Faust's own send costs far more and loses what is rejected."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import confluent_kafka as ck
import msgspec

from agents.edge.failures import ExitCode, StopWorker, stop_for
from schemas.topics import MAX_MESSAGE_BYTES

Header = tuple[str, str | bytes | None]
QUEUE_FULL_WAIT_SECONDS = 0.005
CAUSE_SECONDS = 2.0
POLL_SECONDS = 0.2
CONFIRM_SECONDS = 1.0
LISTEN_SECONDS = 1.0


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is sent; `topic` with its prefix. A Struct, since one is made for every record: a NamedTuple costs three times as much."""

    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: list[Header]


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
    """Produces for a stage: what the broker refuses ends the process.

    The broker's word is waited for on all that was sent, instead of asking for a report on each message: librdkafka counts what is not yet
    confirmed, and calls Python for failures alone. A report on each message cost as much as producing it, and threads that fought for the
    interpreter's lock.
    """

    def __init__(self, client: dict[str, Any], *, delivery_timeout_seconds: float) -> None:
        config = {**producer_config(client, delivery_timeout_seconds), "delivery.report.only.error": True, "on_delivery": _refused}
        self._producer = ck.Producer(config)
        threading.Thread(target=self._listen, name="producer", daemon=True).start()

    def _listen(self) -> None:
        """Hears of fatal errors also while nothing is sent."""
        while True:
            time.sleep(LISTEN_SECONDS)
            try:
                self._producer.poll(0)
            except BaseException as error:  # noqa: BLE001 - a dead thread would hear nothing more
                stop_for(_fatal(error), "delivering")

    def send(self, messages: Iterable[Message]) -> None:
        """Produces in order. Waits while the local queue is full. Raises StopWorker when the client refuses a message, or has failed."""
        produce = self._producer.produce
        for message in messages:
            try:
                while True:
                    try:
                        produce(message.topic, message.value, message.key, headers=message.headers)
                        break
                    except BufferError:
                        self._producer.poll(QUEUE_FULL_WAIT_SECONDS)  # raises what is fatal
            except ck.KafkaException as error:
                raise refusal(self._producer, error.args[0], message.topic) from error

    def confirm(self) -> None:
        """Waits until the broker has confirmed all that was sent, at most the delivery timeout: then a failed delivery ends the process.

        Raises StopWorker when the producer as a whole has failed (no right to be idempotent, fenced).
        """
        try:
            while self._producer.flush(CONFIRM_SECONDS):
                continue
        except ck.KafkaException as error:
            raise delivery_failure(error.args[0], None) from error


def refusal(producer: ck.Producer, error: ck.KafkaError, topic: str) -> StopWorker:
    """Why `produce` refused a message.

    Once a client has failed as a whole, `produce` says only that it has. Why is raised by one poll, a moment later (the client first marks
    itself as failed), and in one thread: where that is another one, it ends the process while this one waits.
    """
    deadline = time.monotonic() + CAUSE_SECONDS
    while error.code() == ck.KafkaError._FATAL and time.monotonic() < deadline:
        try:
            producer.poll(POLL_SECONDS)
        except ck.KafkaException as cause:
            return delivery_failure(cause.args[0], None)
    return delivery_failure(error, topic)


def _refused(error: ck.KafkaError | None, message: ck.Message) -> None:
    """The delivery report of a message that failed for good."""
    if error is None:
        return
    if error.code() in WITH_THE_CLIENT:
        time.sleep(CAUSE_SECONDS)  # the thread that was told why ends the process with that
    stop_for(delivery_failure(error, message.topic()), "delivering")


def _fatal(error: BaseException) -> BaseException:
    return delivery_failure(error.args[0], None) if isinstance(error, ck.KafkaException) else error


def delivery_failure(error: ck.KafkaError, topic: str | None) -> StopWorker:
    """Denied or missing is the operator's to mend; the rest is the broker's fault."""
    where = f" to {topic}" if topic else ""
    if error.code() in DENIED:
        return StopWorker(ExitCode.DENIED, f"not allowed to write{where}: {error.str()}{hint(error)}")
    return StopWorker(ExitCode.DELIVERY, f"delivery{where} failed: {error.str()}")


MISSING_RIGHT = {
    ck.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    ck.KafkaError.CLUSTER_AUTHORIZATION_FAILED,  # what an idempotent producer is told that may write no topic at all
    ck.KafkaError.GROUP_AUTHORIZATION_FAILED,
    ck.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
WITH_THE_CLIENT = {ck.KafkaError._FATAL, ck.KafkaError._PURGE_QUEUE, ck.KafkaError._PURGE_INFLIGHT}
"""Of messages that were dropped because the client as a whole has failed: not why."""
DENIED = {
    *MISSING_RIGHT,
    ck.KafkaError.SASL_AUTHENTICATION_FAILED,
    ck.KafkaError.UNKNOWN_TOPIC_OR_PART,
    ck.KafkaError._UNKNOWN_TOPIC,
    ck.KafkaError._UNKNOWN_PARTITION,
    ck.KafkaError._AUTHENTICATION,
}
"""What no waiting mends: a missing right, password or topic."""


def hint(error: ck.KafkaError) -> str:
    """What to add to a sentence about a missing right; nothing for other errors."""
    return "; `sluice topics rights` shows who needs what" if error.code() in MISSING_RIGHT else ""
