"""The topics that this installation needs, and how to make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from agents.edge.failures import ExitCode, StopWorker
from pipeline.policy.regions import Regions
from schemas.topics import REVIEW, TOPICS, Topic, review_topic

ANSWER_SECONDS = 30.0


def wanted_topics(regions: Regions) -> list[Topic]:
    """Every topic of the table, without prefix, with one review topic per region."""
    reviews = [review_topic(region.name) for region in regions.regions]
    return [topic for topic in TOPICS if topic is not REVIEW] + reviews


def create_topics(
    client: Mapping[str, Any], topics: Iterable[Topic], prefix: str, *, replication_factor: int = -1, partitions: int | None = None
) -> list[str]:
    """Makes those that do not exist; returns the names of the new ones, with prefix. Existing ones are left as they are.

    `partitions` stands in for the table's counts. Raises StopWorker when the broker does not answer or refuses.
    """
    admin = AdminClient(dict(client))
    wanted = [NewTopic(prefix + topic.name, partitions or topic.partitions, replication_factor, config=topic.config) for topic in topics]
    created = []
    for name, future in admin.create_topics(wanted, request_timeout=ANSWER_SECONDS).items():
        try:
            future.result()
            created.append(name)
        except ck.KafkaException as error:
            fault = error.args[0]
            if fault.code() == ck.KafkaError.TOPIC_ALREADY_EXISTS:
                continue
            code = ExitCode.UNREACHABLE if fault.retriable() or fault.code() == ck.KafkaError._TIMED_OUT else ExitCode.DENIED
            raise StopWorker(code, f"topic {name}: {fault.str()}") from error
    return created
