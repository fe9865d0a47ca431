"""Reads again what a stage with state has to know at assignment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED
from agents.edge.reader import UNUSED_GROUP, of_unused_group

READ_TIMEOUT_SECONDS = 30.0
ASK_SECONDS = 5.0
PAUSE_SECONDS = 0.2
WAIT_SECONDS = 0.1
"""For a batch that is not full: the last one never is where transactions leave their marks."""

BATCH = 5000
T = TypeVar("T")


class LogReader:
    """Reads a partition from an offset on. Its methods block, so they are for a worker's thread, and raise StopWorker when the broker is
    silent for READ_TIMEOUT_SECONDS.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, partition: int, **options: Any) -> None:  # noqa: ANN401 - librdkafka's
        self.name = f"{topic}[{partition}]"
        self._place = (topic, partition)
        self._consumer = ck.Consumer(
            {
                **client,
                "group.id": UNUSED_GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 10,
                **options,
            }
        )

    def close(self) -> None:
        """Leaves."""
        self._consumer.close()

    def span(self) -> tuple[int, int]:
        """The first offset that the partition holds, and the one after its last."""
        return span(self._consumer, *self._place)

    def read(self, start: int, end: int, batch: int = BATCH) -> Iterator[list[ck.Message]]:
        """The messages from `start` to before `end`, in batches. Of what a transaction took back nothing is seen, but it is waited for.

        Afterwards it goes on fetching what lies behind, until the next call, `rest` or `close`.
        """
        self._consumer.assign([ck.TopicPartition(*self._place, start)])
        position, silent_since = start, time.monotonic()
        while position < end:
            # No more than are wanted: librdkafka waits for as many as it is asked for.
            messages = self._consumer.consume(min(batch, end - position), WAIT_SECONDS)
            if messages:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > READ_TIMEOUT_SECONDS:
                raise self._failure(f"no answer in {READ_TIMEOUT_SECONDS:.0f} s")
            found = []
            for message in messages:
                error = message.error()
                if error is not None and of_unused_group(error):
                    continue
                if error is not None and error.code() != ck.KafkaError._PARTITION_EOF:
                    raise self._failure(error.str())
                offset = message.offset() or 0
                position = offset if error is not None else offset + 1  # the end's offset is that of the record to come
                if error is None and offset < end:
                    found.append(message)
            if found:
                yield found

    def rest(self) -> None:
        """Fetches nothing more."""
        self._consumer.unassign()

    def _failure(self, said: str) -> StopWorker:
        return StopWorker(ExitCode.UNREACHABLE, f"{self.name}: reading: {said}")


def span(consumer: ck.Consumer, topic: str, partition: int) -> tuple[int, int]:
    """The first offset that a partition holds, and the one after its last, as far as the consumer's isolation level lets it see."""
    place = ck.TopicPartition(topic, partition)
    return asked(f"{topic}[{partition}]", lambda seconds: consumer.get_watermark_offsets(place, timeout=seconds))


def asked(about: str, question: Callable[[float], T | None]) -> T:
    """Asks again for READ_TIMEOUT_SECONDS: a broker that has just started knows nothing yet. Raises StopWorker after that."""
    deadline = time.monotonic() + READ_TIMEOUT_SECONDS
    code, said = ExitCode.UNREACHABLE, "no answer"
    while (left := deadline - time.monotonic()) > 0:
        try:
            found = question(min(left, ASK_SECONDS))
        except ck.KafkaException as error:
            code, said = ExitCode.DENIED if error.args[0].code() in DENIED else ExitCode.UNREACHABLE, error.args[0].str()
            time.sleep(PAUSE_SECONDS)
        else:
            if found is not None:
                return found
    raise StopWorker(code, f"{about}: {said}")


def history(client: dict[str, Any], topic: str, partition: int, before: int, records: int) -> Iterator[bytes | None]:
    """The values of at most `records` offsets before `before`, oldest first."""
    if not before or not records:
        return
    reader = LogReader(client, topic, partition)
    try:
        low, high = reader.span()
        for messages in reader.read(max(low, before - records), min(before, high)):
            for message in messages:
                yield message.value()
    finally:
        reader.close()
