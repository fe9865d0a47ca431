"""Record batches with header names that are no UTF-8, read by aiokafka's own classes with ours on top."""

from __future__ import annotations

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.fetched import PartitionRecords, Records
from tests.agents.edge.records import PLACE
from tests.support.raw_records import ATTRIBUTES_AT, CRC_AT, STAND_IN, Record, batch

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.just(STAND_IN)
RECORDS = st.lists(
    st.tuples(st.binary(max_size=9), st.binary(max_size=40), st.lists(st.tuples(NAMES, st.binary(max_size=9)), max_size=4)),
    min_size=1,
    max_size=6,
)


def read(data: bytes, *, start: int = 0, cls: type = PartitionRecords, records: type = Records) -> list[ConsumerRecord]:
    return list(cls(PLACE, records(data), None, start, None, None, True, 0))


def test_aiokafka_alone_cannot_read_it() -> None:
    """If this one fails, aiokafka has learnt it, and agents/edge/fetched.py can go."""
    data = batch([(b"k", b"v", [(STAND_IN, b"1")])], compress=False)
    with pytest.raises((UnicodeDecodeError, CorruptRecordException)):
        read(data, cls=PartitionRecords.__mro__[1], records=MemoryRecords)  # aiokafka's own, whether ours are installed here or not


@given(RECORDS, st.booleans())
def test_every_record_is_read_with_all_that_it_holds(records: list[Record], compress: bool) -> None:
    found = read(batch(records, compress=compress))
    assert [(each.key, each.value, list(each.headers)) for each in found] == [
        (key, value, list(headers)) for key, value, headers in records
    ]
    assert [each.offset for each in found] == list(range(len(records)))


def test_records_before_the_position_are_not_read_again() -> None:
    records: list[Record] = [(b"k", b"%d" % number, [(STAND_IN, b"1")]) for number in range(4)]
    assert [each.offset for each in read(batch(records, compress=False), start=2)] == [2, 3]


def test_batches_around_it_stay_whole() -> None:
    good: list[Record] = [(b"k", b"good", [("name", b"1")])]
    bad: list[Record] = [(b"k", b"bad", [(STAND_IN, b"1")])]
    batches = [bytearray(batch(records, compress=False)) for records in (good, bad, good, bad)]
    for offset, made in enumerate(batches):
        made[:8] = offset.to_bytes(8)  # base offset, outside the checksum
    found = read(b"".join(batches))
    assert [(each.offset, each.value) for each in found] == [(0, b"good"), (1, b"bad"), (2, b"good"), (3, b"bad")]


def test_a_damaged_batch_is_still_refused() -> None:
    data = bytearray(batch([(b"k", b"value", [(STAND_IN, b"1")])], compress=False))
    data[-5] ^= 0xFF
    with pytest.raises(CorruptRecordException):
        read(bytes(data))


def control_batch(checksum: int) -> bytes:
    """A mark as at the end of a transaction, with this checksum."""
    made = bytearray(batch([(b"\x00\x00\x00\x01", b"\x00" * 6, [])], compress=False))
    made[ATTRIBUTES_AT : ATTRIBUTES_AT + 2] = (0x30).to_bytes(2)  # transactional, control
    made[CRC_AT : CRC_AT + 4] = checksum.to_bytes(4)
    return bytes(made)


def test_a_mark_without_a_checksum_is_passed_over_and_one_with_a_wrong_one_refused() -> None:
    after = bytearray(batch([(b"k", b"after", [])], compress=False))
    after[:8] = (1).to_bytes(8)
    assert [each.value for each in read(control_batch(0) + bytes(after))] == [b"after"]
    with pytest.raises(CorruptRecordException):
        read(control_batch(1) + bytes(after))
