"""For how long a transaction's broker is asked; that transactions are all or nothing is tested in tests/integration/test_owners.py."""

from __future__ import annotations

import confluent_kafka as ck
import pytest

from agents.edge import transactions
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.transactions import Transactions


class Away:
    """librdkafka's producer whose broker says that it is not there, or has ended the transaction, when it is asked for the second time."""

    def __init__(self, *faults: int) -> None:
        self._faults = list(faults)

    def commit_transaction(self, _: float) -> None:
        """Not now."""
        fault = self._faults.pop(0) if len(self._faults) > 1 else self._faults[0]
        raise ck.KafkaException(ck.KafkaError(fault, retriable=fault == ck.KafkaError._TIMED_OUT))


def failure(monkeypatch: pytest.MonkeyPatch, *faults: int) -> ExitCode:
    """How a commit ends."""
    made = Transactions({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}, "g.0", 600.0)
    monkeypatch.setattr(made, "_producer", Away(*faults))
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.05)
    with pytest.raises(StopWorker) as stopped:
        made.commit()
    return stopped.value.code


def test_a_commit_is_not_tried_for_longer_than_a_transaction_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards the answer would be that a former owner commits."""
    assert failure(monkeypatch, ck.KafkaError._TIMED_OUT) is ExitCode.DELIVERY


def test_a_former_owner_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(monkeypatch, ck.KafkaError._TIMED_OUT, ck.KafkaError.INVALID_PRODUCER_EPOCH) is ExitCode.FENCED
