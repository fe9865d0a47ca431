"""Asks the broker what this user may do, before a stage starts: without a right to read, Faust idles; without one to write, much is done
in vain first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as NoAnswerError
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import AclOperation, AdminClient  # type: ignore[attr-defined]  # its stubs forget the first

from agents.edge.failures import ExitCode, StopWorker

ANSWER_SECONDS = 10.0
logger = logging.getLogger(__name__)


def require_rights(client: Mapping[str, Any], reads: Iterable[str], writes: Iterable[str]) -> None:
    """Raises StopWorker, naming topic and right, if one is missing. All topics exist and may be seen.

    In plain text nobody says who he is, so there is nothing to ask. A broker that does not answer this question is no reason not to start.
    """
    if client["security.protocol"] == "PLAINTEXT":
        return
    wanted = [*((topic, AclOperation.READ) for topic in reads), *((topic, AclOperation.WRITE) for topic in writes)]
    topics = list(dict.fromkeys(topic for topic, _ in wanted))
    admin = AdminClient(dict(client))  # its futures fail when it goes
    futures = admin.describe_topics(ck.TopicCollection(topics), include_authorized_operations=True, request_timeout=ANSWER_SECONDS)
    for topic, future in futures.items():
        try:
            granted = future.result(ANSWER_SECONDS + 1).authorized_operations
        except (ck.KafkaException, NoAnswerError) as error:
            logger.warning("topic %s: the broker does not say what this user may do (%s)", topic, error)
            continue
        missing = [right for name, right in wanted if name == topic and granted is not None and right not in granted]
        if missing:
            raise StopWorker(ExitCode.DENIED, lacking(topic, missing[0].name.capitalize()))


def lacking(topic: str, right: str) -> str:
    """What to say of a right that is not there."""
    return f"topic {topic}: this user lacks the right {right}: `sluice topics rights` shows who needs what"
