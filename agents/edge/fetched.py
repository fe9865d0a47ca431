"""Records as aiokafka fetches them, made faster, and read even when a header's name is not UTF-8.

Kafka takes any bytes as a header's name, aiokafka decodes them strictly: one such record, and a partition can be read no further. Here the
batch is then read once more, in Python, with `?` in place of the bytes of such a name that are not ASCII. Only such a batch costs more.

The same way serves for the demo: librdkafka's mock cluster ends a transaction with a mark whose checksum it leaves at 0, which aiokafka
refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.record.util import decode_varint
from faust.types import TP


class Records(MemoryRecords):  # type: ignore[misc]
    """aiokafka's, which keeps its bytes to itself."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """A record as it was fetched; `timestamp` in ms since 1970. aiokafka's own ConsumerRecord takes ten times as long to make."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """Records of a fetch; starts again where it was when a name cannot be decoded, or a mark has no checksum.

    Fails as before when the second reading fails too.
    """

    _records: Any
    _records_iterator: Any

    def __iter__(self) -> Iterator[Fetched]:
        try:
            yield from self._records_iterator
        except (UnicodeDecodeError, CorruptRecordException):  # the latter from aiokafka without its C extension
            if not isinstance(self._records, Records):
                raise
            self._records = _MendedRecords(self._records.data)
            self._records_iterator = self._unpack_records()  # it skips what lies before next_fetch_offset
            yield from self._records_iterator

    def _consumer_record(self, tp: TP, record: Any) -> Fetched:  # noqa: ANN401 - as in aiokafka
        return Fetched(
            tp.topic, tp.partition, record.offset, record.timestamp, record.timestamp_type, record.key, record.value, record.headers
        )


class _MendedRecords(_MemoryRecordsPy):  # type: ignore[misc]
    def next_batch(self) -> Any:  # noqa: ANN401 - as in aiokafka
        raw = self._next_slice
        batch = super().next_batch()
        return _MendedBatch(raw) if raw is not None and batch.magic >= 2 else batch  # older formats have no headers


class _MendedBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    def validate_crc(self) -> bool:
        return bool(super().validate_crc() or (self.is_control_batch and self.crc == 0))

    def _maybe_uncompress(self) -> None:
        fresh = not self._decompressed
        super()._maybe_uncompress()
        if fresh:
            mend_header_names(self._buffer, self._pos, self._num_records)


def mend_header_names(buffer: bytearray, position: int, records: int) -> None:
    """Walks over `records` records of Kafka's format 2 from `position` and makes every header name in them UTF-8, in its length."""
    for _ in range(records):
        length, position = decode_varint(buffer, position)
        end = position + length
        for _field in ("attributes", "timestamp", "offset"):
            _, position = decode_varint(buffer, position)
        for _field in ("key", "value"):
            length, position = decode_varint(buffer, position)
            position += max(0, length)
        headers, position = decode_varint(buffer, position)
        for _header in range(headers):
            length, position = decode_varint(buffer, position)
            name = bytes(buffer[position : position + length])
            buffer[position : position + length] = _mended(name)
            position += length
            length, position = decode_varint(buffer, position)
            position += max(0, length)
        position = end


def _mended(name: bytes) -> bytes:
    try:
        name.decode()
    except UnicodeDecodeError:
        return bytes(byte if byte < 0x80 else ord("?") for byte in name)
    return name


def install() -> None:
    """Has aiokafka's consumers in this process use the classes above."""
    fetcher.MemoryRecords, fetcher.PartitionRecords = Records, PartitionRecords
