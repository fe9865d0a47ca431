"""The Faust app of a stage. Every setting that matters for delivery stands here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
from yarl import URL

from agents.edge.chunks import Limits
from agents.edge.partitions import Partitions
from agents.edge.security import faust_credentials
from agents.edge.transport import SCHEME
from agents.settings import Settings

WAITING_CHUNKS = 16
"""Chunks read and not yet begun in Faust's stream; more wait in an inbox, see there."""

METADATA_SECONDS = 30
"""At least so often a consumer asks where partitions are. aiokafka asks at once only where the broker it reads from says that it is not the
leader, or does not know the partition: with every other refusal (a broken disk) it would ask that broker on and on."""


class Schema(faust.Schema):  # type: ignore[misc]
    """Leaves the value alone: it is a Chunk already."""

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ANN401, ARG002 - as in Faust
        """The Chunk that the transport made."""
        return message.value


class App(faust.App):  # type: ignore[misc]
    """Faust's. On SIGTERM, after the last record was read and before the last commit, it awaits `finish`, where a stage has one.

    A rebalance waits for nothing.
    """

    finish: Callable[[], Awaitable[None]] | None = None

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:  # noqa: ANN401, ARG002 - as in Faust
        if self.should_stop and self.finish is not None:
            await self.finish()


def consumer_group(settings: Settings, stage: str) -> str:
    """The consumer group of a stage."""
    return f"{settings.topic_prefix}{settings.group}.{stage}"


def limits_of(settings: Settings, chunk_records: int) -> Limits:
    """Those of the settings, with so many records in a chunk at most."""
    return Limits(
        chunk_records=chunk_records,
        chunk_bytes=settings.batch_bytes,
        fetch_wait_ms=settings.fetch_wait_ms,
        fetch_pace_ms=settings.fetch_pace_ms,
    )


def make_app(settings: Settings, stage: str, limits: Limits, instance: str, partitions: Partitions | None = None) -> App:
    """See the module. `partitions` is told of partitions; with it, see there what is read, and by whom."""
    folder = settings.data_dir / "faust" / f"{stage}-{instance}"
    folder.mkdir(parents=True, exist_ok=True)  # Faust's own mkdir makes no parents
    session = settings.session_timeout_seconds
    app = App(
        consumer_group(settings, stage),
        broker=[URL(f"{SCHEME}://{address}") for address in settings.broker.split(",")],
        broker_credentials=faust_credentials(settings),
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="none",  # bounds.py decides
        consumer_group_instance_id=f"{instance}.{stage}",  # static membership: a restart within the session makes no rebalance
        stream_buffer_maxsize=WAITING_CHUNKS,
        stream_wait_empty=False,  # otherwise a rebalance and SIGTERM wait for ever; see App
        broker_commit_interval=settings.commit_interval_seconds,
        broker_session_timeout=session,
        broker_heartbeat_interval=min(1.0, session / 10),
        broker_request_timeout=max(30.0, session + 1),
        broker_max_poll_interval=86_400,  # aiokafka leaves the group for good when it fires; the watchdog stands in for it
        consumer_metadata_max_age_ms=METADATA_SECONDS * 1000,
        producer_request_timeout=30,
    )
    app.limits = limits
    app.partitions = partitions
    return app
