"""Reads again what a stage with state has to know at assignment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.reader import UNUSED_GROUP, of_unused_group

READ_TIMEOUT_SECONDS = 30.0
WAIT_SECONDS = 0.5
BATCH = 5000


def history(client: dict[str, Any], topic: str, partition: int, before: int, records: int) -> Iterator[bytes | None]:
    """The values of at most `records` offsets before `before`, oldest first. Blocks: for a worker thread.

    Raises StopWorker when the broker is silent for READ_TIMEOUT_SECONDS.
    """
    if not before or not records:
        return
    consumer = ck.Consumer(
        {
            **client,
            "group.id": UNUSED_GROUP,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        place = ck.TopicPartition(topic, partition)
        watermarks = consumer.get_watermark_offsets(place, timeout=READ_TIMEOUT_SECONDS)
        place.offset = max(watermarks[0] if watermarks else 0, before - records)
        if place.offset >= before:
            return
        consumer.assign([place])
        yield from _until(consumer, place.offset, before)
    except ck.KafkaException as error:
        raise StopWorker(ExitCode.UNREACHABLE, f"{topic}[{partition}]: reading history: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _until(consumer: ck.Consumer, position: int, before: int) -> Iterator[bytes | None]:
    """The values from `position` to `before`, or to the log's end if that comes first."""
    silent_since = time.monotonic()
    while position < before:
        # No more than are wanted: librdkafka waits for as many as it is asked for.
        messages = consumer.consume(min(BATCH, before - position), WAIT_SECONDS)
        if messages:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > READ_TIMEOUT_SECONDS:
            raise StopWorker(ExitCode.UNREACHABLE, f"no answer in {READ_TIMEOUT_SECONDS:.0f} s while reading history")
        for message in messages:
            error = message.error()
            if error is not None and error.code() == ck.KafkaError._PARTITION_EOF:
                return
            if error is not None and of_unused_group(error):
                continue
            if error is not None:
                raise ck.KafkaException(error)
            offset = message.offset() or 0
            if offset >= before:
                return
            position = offset + 1
            yield message.value()
