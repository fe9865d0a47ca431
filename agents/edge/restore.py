"""Reads again what a stage with state has to know at assignment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker

READ_TIMEOUT_SECONDS = 30.0
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
            "group.id": "unused",  # librdkafka wants one; nothing is joined or committed
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
        while True:
            messages = consumer.consume(BATCH, READ_TIMEOUT_SECONDS)
            if not messages:
                raise StopWorker(ExitCode.UNREACHABLE, f"{topic}[{partition}]: no answer in {READ_TIMEOUT_SECONDS} s while reading history")
            for message in messages:
                error = message.error()
                if error is not None and error.code() == ck.KafkaError._PARTITION_EOF:
                    return
                if error is not None:
                    raise StopWorker(ExitCode.UNREACHABLE, f"{topic}[{partition}]: reading history: {error.str()}")
                offset = message.offset()
                if offset is None or offset >= before:
                    return
                yield message.value()
                if offset == before - 1:
                    return
    except ck.KafkaException as error:
        raise StopWorker(ExitCode.UNREACHABLE, f"{topic}[{partition}]: reading history: {error.args[0].str()}") from error
    finally:
        consumer.close()
