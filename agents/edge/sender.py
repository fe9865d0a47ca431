"""Sends for a command: what the broker refuses is an exception in the caller's thread. (A stage's SideProducer ends the process.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import POLL_SECONDS, Message, delivery_failure, producer_config, refusal
from agents.edge.reader import quiet, words


class Sender:
    """Produces for a command. `confirmed` counts what the broker has."""

    def __init__(self, client: Mapping[str, Any], *, delivery_timeout_seconds: float) -> None:
        self.confirmed = 0
        self._failure: StopWorker | None = None
        self._said = ""
        self._producer = ck.Producer(producer_config(quiet(client, self._heard), delivery_timeout_seconds))

    def send(self, message: Message, partition: int = -1) -> None:
        """Queues a message, for `partition` or for the one of its key. Raises StopWorker once an earlier one was refused."""
        self.wait(0)
        queued = False
        while not queued:
            try:
                self._producer.produce(
                    message.topic, message.value, message.key, partition, on_delivery=self._delivered, headers=message.headers
                )
                queued = True
            except BufferError:  # the queue is full: wait for confirmations
                self.wait(POLL_SECONDS)
            except ck.KafkaException as error:
                raise refusal(self._producer, error.args[0], message.topic) from error

    def wait(self, seconds: float) -> None:
        """Takes the broker's word on what is on its way, for at most `seconds`. Raises StopWorker if something was refused."""
        try:
            self._producer.poll(seconds)
        except ck.KafkaException as error:  # fatal errors (no right to be idempotent) are raised only here
            raise delivery_failure(error.args[0], None) from error
        if self._failure:
            raise self._failure

    def flush(self) -> None:
        """Waits until all is confirmed; the delivery timeout bounds it. Raises StopWorker if something was refused."""
        while len(self._producer):
            self.wait(POLL_SECONDS)
        self.wait(0)

    def _heard(self, error: ck.KafkaError) -> None:
        self._said = words(error)

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is None:
            self.confirmed += 1
        elif self._failure is None:
            self._failure = self._explained(error, message.topic())

    def _explained(self, error: ck.KafkaError, topic: str | None) -> StopWorker:
        if error.code() == ck.KafkaError._MSG_TIMED_OUT:
            return StopWorker(ExitCode.DELIVERY, f"the broker did not confirm in time ({self._said or error.str()})")
        return delivery_failure(error, topic)
