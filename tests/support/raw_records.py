"""Records that no client library would send: a batch put together byte by byte, for a header whose name is not UTF-8."""

from __future__ import annotations

import asyncio
import gzip
import struct
import time
from collections.abc import Sequence

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NotLeaderForPartitionError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

NOT_UTF8 = b"\xff\xfename"
STAND_IN = "??name"
"""What the builder is given in its place; of the same length."""

BATCH_HEADER_BYTES = 61
LENGTH_AT, CRC_AT, ATTRIBUTES_AT = 8, 17, 21
"""Where in a batch (magic 2) its length, checksum and attributes stand; the checksum covers everything from the attributes on."""

GZIP = 1
LEADER_SECONDS = 10

Record = tuple[bytes, bytes, Sequence[tuple[str, bytes]]]


def produce_raw(address: str, topic: str, partition: int, records: Sequence[Record], *, compress: bool = False) -> None:
    """Sends (key, value, headers) in one batch in which every header STAND_IN is named NOT_UTF8. AssertionError if it was refused.

    A topic that was just made has no leader at first: for that it waits LEADER_SECONDS.
    """
    asyncio.run(_produce(address, topic, partition, batch(records, compress=compress)))


def batch(records: Sequence[Record], *, compress: bool) -> bytes:
    """The bytes of the batch, compressed with gzip or not at all."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20
    )
    now = int(time.time() * 1000)
    for offset, (key, value, headers) in enumerate(records):
        assert builder.append(offset, now, key, value, list(headers)) is not None
    built = bytearray(builder.build())
    body = bytes(built[BATCH_HEADER_BYTES:]).replace(STAND_IN.encode(), NOT_UTF8)
    made = bytearray(built[:BATCH_HEADER_BYTES] + (gzip.compress(body) if compress else body))
    struct.pack_into(">h", made, ATTRIBUTES_AT, GZIP if compress else 0)
    struct.pack_into(">i", made, LENGTH_AT, len(made) - LENGTH_AT - 4)
    struct.pack_into(">I", made, CRC_AT, calc_crc32c(bytes(made[ATTRIBUTES_AT:])))
    return bytes(made)


async def _produce(address: str, topic: str, partition: int, data: bytes) -> None:
    client = AIOKafkaClient(bootstrap_servers=address)
    await client.bootstrap()
    try:
        await client.add_topic(topic)
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(transactional_id=None, required_acks=-1, timeout=10_000, topics=[(topic, [(partition, data)])])
        deadline = time.monotonic() + LEADER_SECONDS
        while True:
            response = await client.send(node, request)
            (code,) = [place[1] for _, places in response.topics for place in places]
            if code != NotLeaderForPartitionError.errno or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
    finally:
        await client.close()
    assert code == 0, f"the broker refused the batch: error code {code}"
