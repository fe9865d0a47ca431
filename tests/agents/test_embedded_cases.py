"""The cases stage lives with the embedded broker: transactions commit there, and its own records come back to it."""

from __future__ import annotations

from pathlib import Path

from agents.edge.failures import ExitCode
from agents.embedded import EmbeddedBroker
from schemas.people import Notice
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, DEAD_LETTERS, NOTICES
from schemas.wire import decoder
from tests.support.case_inputs import Input, enforced, opened, outgoing, verdict
from tests.support.clients import Message, produce, read_all
from tests.support.workers import process

ALL = (*CASE_INPUTS, CASE_STATE, CASE_FILES, NOTICES, DEAD_LETTERS)
NAMES = [f"post-{number}" for number in range(8)]
notice_of = decoder(Notice)


def send(address: str, *inputs: Input) -> None:
    for found in inputs:
        produce(address, found.topic.name, [outgoing(found)])


def notices(address: str, *wanted: str) -> list[str]:
    """All, once those wanted are there."""

    def there(messages: list[Message]) -> bool:
        return {notice_of(message.value).notice_id for message in messages} >= set(wanted)

    return sorted(notice_of(message.value).notice_id for message in read_all(address, NOTICES.name, there))


def test_cases_are_counted_on_the_embedded_broker(tmp_path: Path) -> None:
    with EmbeddedBroker({topic.name: 2 for topic in ALL}) as broker:
        arguments = ["-m", "tests.support.counting_process", "one"]
        with process(arguments, broker.address, "", tmp_path, {"session_timeout_seconds": 6}) as worker:
            send(broker.address, *(opened(name) for name in NAMES))
            assert notices(broker.address, *(f"{name}:2" for name in NAMES)) == sorted(f"{name}:{n}" for name in NAMES for n in (1, 2))
            send(broker.address, verdict(NAMES[0], "v"), enforced(NAMES[1]))
            notices(broker.address, f"{NAMES[0]}:3", f"{NAMES[1]}:3")
            assert worker.stop() == ExitCode.OK, worker.log
