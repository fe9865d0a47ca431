"""Records that no client library would send: a batch put together byte by byte, for a header whose name is not UTF-8."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from tests.support.clients import Headers

GZIP = 1
PLACEHOLDER = "\x00\x01not-utf-8"
"""A header's name that `produce_raw` replaces by NOT_UTF8, which has its length."""

NOT_UTF8 = b"\xff\xfenot-utf-8"


def produce_raw(address: str, topic: str, partition: int, records: Sequence[tuple[bytes, bytes, Headers]], *, gzip: bool = False) -> int:
    """Sends one batch of (key, value, headers) as it is; returns the offset of its first record. AssertionError if it was refused.

    Compressed, the names stay whole: `gzip` is for batches without a placeholder, or made with `corrupted`.
    """
    return asyncio.run(_produce(address, topic, partition, batch(records, gzip=gzip)))


def batch(records: Sequence[tuple[bytes, bytes, Headers]], *, gzip: bool = False) -> bytes:
    """A record batch (magic 2) with every PLACEHOLDER replaced."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20
    )
    now = int(time.time() * 1000)
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, now, key, value, list(headers))
    return bytes(builder.build())
