"""The transactional producer of one owner: what it sends is seen all together or not at all, and a former owner's word counts no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import confluent_kafka as ck

from agents.edge import metrics
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED, QUEUE_FULL_WAIT_SECONDS, Message, producer_config

TRANSACTION_SECONDS = 10.0
"""How long a dead owner may hold back readers of committed records (the broker looks every 10 s: twice as long at worst)."""

DELIVERY_SECONDS = 9.0
"""Must not be greater. An outage that lasts longer ends the worker."""

CALL_SECONDS = 5.0
CONFIRM_SECONDS = 1.0
FENCED = {ck.KafkaError._FENCED, ck.KafkaError.PRODUCER_FENCED, ck.KafkaError.INVALID_PRODUCER_EPOCH}
HAS_FAILED = {ck.KafkaError._FATAL, ck.KafkaError._STATE}
"""What `produce` says once the producer, or its transaction, cannot go on: not why."""

Delivered = Callable[[ck.KafkaError | None, ck.Message], None]


class Transactions:
    """After any failure the process must end: what is in memory may be ahead of the log. Every method raises StopWorker then."""

    def __init__(self, client: dict[str, Any], transactional_id: str, patience_seconds: float) -> None:
        """`patience_seconds`: how long to go on asking a broker that does not answer; for a commit, TRANSACTION_SECONDS at most."""
        self._id, self._patience = transactional_id, patience_seconds
        config = {
            **producer_config(client, DELIVERY_SECONDS),
            "transactional.id": transactional_id,
            "transaction.timeout.ms": int(TRANSACTION_SECONDS * 1000),
            "linger.ms": 1,
        }
        self._producer = ck.Producer(config)

    def start(self) -> None:
        """Once. Fences the owner before and ends its open transaction: what is committed now is all there will be of it."""
        self._patiently(lambda: self._producer.init_transactions(CALL_SECONDS), self._patience)

    def begin(self) -> None:
        """A transaction."""
        self._patiently(self._producer.begin_transaction, self._patience)

    def send(self, message: Message, partition: int = -1, delivered: Delivered | None = None) -> None:
        """In the transaction, to `partition` or that of its key. Whether the broker has it, `commit` says; `flush` calls `delivered`."""
        with self._faults():
            while True:
                try:
                    self._producer.produce(message.topic, message.value, message.key, partition, delivered, headers=message.headers)
                    break
                except BufferError:
                    self._producer.poll(QUEUE_FULL_WAIT_SECONDS)
                except ck.KafkaException as error:
                    if error.args[0].code() in HAS_FAILED:
                        self._producer.commit_transaction(CALL_SECONDS)  # refused as well, and with the reason
                    raise

    def flush(self) -> None:
        """Waits until the broker has answered for all that was sent."""
        with self._faults():
            while self._producer.flush(CONFIRM_SECONDS):
                continue

    def commit(self) -> None:
        """Returns when all of it is committed. Later on the broker has ended the transaction, and would call this owner a former one."""
        self._patiently(lambda: self._producer.commit_transaction(CALL_SECONDS), min(self._patience, TRANSACTION_SECONDS))
        metrics.TRANSACTIONS.labels("committed").inc()

    def _patiently(self, call: Callable[[], None], seconds: float) -> None:
        """Some answers mean: ask again. Others mean that the transaction, or this producer, is lost."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                call()
                break
            except ck.KafkaException as error:
                fault = error.args[0]
                if not fault.retriable() or time.monotonic() > deadline:
                    raise self._failure(fault) from error

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """The client's refusals as StopWorker. One that comes while it calls `delivered` is wrapped in a SystemError by the interpreter."""
        try:
            yield
        except ck.KafkaException as error:
            raise self._failure(error.args[0]) from error
        except SystemError as error:
            cause = error.__cause__ or error.__context__
            if not isinstance(cause, ck.KafkaException):
                raise
            raise self._failure(cause.args[0]) from error

    def _failure(self, fault: ck.KafkaError) -> StopWorker:
        fenced = fault.code() in FENCED
        metrics.TRANSACTIONS.labels("fenced" if fenced else "failed").inc()
        if fenced:
            return StopWorker(
                ExitCode.FENCED,
                f"transactional id {self._id}: another worker owns this partition number now (this one slept, or lost the broker), or a "
                f"transaction took longer than {TRANSACTION_SECONDS:.0f} s; nothing of it was committed",
            )
        if fault.code() in {*DENIED, ck.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}:
            return StopWorker(
                ExitCode.DENIED, f"transactional id {self._id}: {fault.str()}; this user needs the rights Write and Describe on it"
            )
        return StopWorker(ExitCode.DELIVERY, f"transactional id {self._id}: {fault.str()}; nothing of it counts, it is done anew")
