"""Looks before a stage starts: broker, topics, rights. Faust itself only logs what is missing, and idles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED

ANSWER_SECONDS = 10.0


def preflight(client: dict[str, Any], group: str, source: str, outputs: Iterable[str], patience_seconds: float) -> None:
    """Raises StopWorker when no broker answers in time, when a topic is missing or denied, or when the group may not be read."""
    said: list[str] = []
    consumer = ck.Consumer({**client, "group.id": group, "enable.auto.commit": False, "error_cb": lambda error: said.append(error.str())})
    try:
        metadata = _topics(consumer, patience_seconds, said)
        for topic in (source, *outputs):
            found = metadata.get(topic)
            if found is None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic} does not exist or may not be seen: make it with `sluice topics create`")
            if found.error is not None:
                raise StopWorker(ExitCode.DENIED, f"topic {topic}: {found.error.str()}")
        places = [ck.TopicPartition(source, partition) for partition in metadata[source].partitions]
        for place in consumer.committed(places, timeout=ANSWER_SECONDS):
            if place.error is not None:
                raise StopWorker(ExitCode.DENIED, f"group {group} on {source}: {place.error.str()}")
    except ck.KafkaException as error:
        fault = error.args[0]
        code = ExitCode.DENIED if fault.code() in DENIED else ExitCode.UNREACHABLE
        raise StopWorker(code, f"{client['bootstrap.servers']}: {fault.str()}") from error
    finally:
        consumer.close()


def _topics(consumer: ck.Consumer, patience_seconds: float, said: list[str]) -> dict[str, Any]:
    """All topics by name; asks again until the patience is used up."""
    tries = max(1, int(patience_seconds / ANSWER_SECONDS))
    wait = min(ANSWER_SECONDS, patience_seconds)
    for attempt in range(tries):
        try:
            return dict(consumer.list_topics(timeout=wait).topics)
        except ck.KafkaException as error:
            if attempt == tries - 1:
                reason = said[-1] if said else error.args[0].str()
                raise StopWorker(ExitCode.UNREACHABLE, f"no broker answered in {patience_seconds:.0f} s: {reason}") from error
    raise AssertionError("unreachable")
