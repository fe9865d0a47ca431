"""What Kafka's libraries say is logged, but not again and again."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from agents.edge import logs
from agents.edge.logs import Repetition

REFUSED = "[thrd:%s/bootstrap]: %s/bootstrap: Connect to ipv4#%s failed: Connection refused (after %dms in state CONNECT)"


def passes(repetition: Repetition, name: str, text: str, *arguments: object) -> bool:
    return repetition.filter(logging.LogRecord(name, logging.ERROR, __file__, 1, text, arguments, None))


def test_a_library_says_a_thing_once_whatever_the_numbers() -> None:
    repetition = Repetition()
    told = [passes(repetition, "librdkafka", REFUSED, *["127.0.0.1:9092"] * 3, waited) for waited in (0, 3, 210)]
    assert told == [True, False, False]
    told = [passes(repetition, "aiokafka.client", "Unable connect to node with id %s: %s", node, "refused") for node in (1, 2)]
    assert told == [True, False]
    assert passes(repetition, "aiokafka.client", "Unable to update metadata from %s", [1])


def test_it_says_it_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "AGAIN_AFTER_SECONDS", 0.0)
    repetition = Repetition()
    assert [passes(repetition, "aiokafka", "gone") for _ in range(3)] == [True] * 3


def test_what_is_ours_always_passes() -> None:
    repetition = Repetition()
    assert [passes(repetition, "agents.edge.watchdog", "no broker answers for %d s", 11) for _ in range(2)] == [True, True]


def test_a_client_speaks_through_logging_and_not_to_standard_error() -> None:
    program = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s")
import confluent_kafka as ck
from agents.edge.logs import limit_repetition, logged
limit_repetition()
producer = ck.Producer(logged({"bootstrap.servers": "127.0.0.1:1", "reconnect.backoff.ms": 20}))
for _ in range(20):
    producer.poll(0.1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if "Connect to ipv4#127.0.0.1:1 failed" in line and line.startswith("ERROR librdkafka")], lines
    assert len(lines) < 5, lines
