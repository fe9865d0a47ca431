"""An owner by itself; on a genuine Kafka it is tested in tests/integration/test_owners.py."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from agents.edge import transactions
from agents.edge.cases_runner import utc_now
from agents.edge.inbox import Inbox
from agents.edge.owner import GROUP, Owner, Tools
from tests.support.counting import SPEC


def test_an_owner_that_is_closed_lets_go_of_its_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number went to another process, for good."""
    monkeypatch.setattr(transactions, "CALL_SECONDS", 0.1)
    nobody = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
    tools = Tools(SPEC, nobody, "g", "", 1, 1000, 0.0, SPEC.start(), len, utc_now)
    owner = Owner(0, tools, Inbox(GROUP), lambda done: None, None)
    held: list[weakref.ref[Any]] = [weakref.ref(owner._machine), weakref.ref(owner._files)]
    owner.inbox.close()
    owner.start()
    owner.join(10)
    assert not owner.is_alive()
    assert [reference() for reference in held] == [None, None]
