"""What of the records that an owner is given are events for it, and what becomes of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from aiokafka.partitioner import murmur2

from agents.edge.dead_letters import PREFIX, DeadLetters, weight
from agents.edge.decoding import any_record_of, instant
from agents.edge.envelope import MAX_VALUE_BYTES, traceparent
from agents.edge.failures import FaultShare
from agents.edge.fetched import Fetched
from agents.edge.producer import Header, Message
from pipeline.cases.rules import Event
from pipeline.cases.spec import CasesSpec
from pipeline.flow import STAGES
from schemas.records import Record
from schemas.wire import InvalidRecordError, Unreadable

REPUBLISHED = PREFIX + "republished"
"""Header of a record that lay on the wrong partition and was put where it belongs: once."""


@dataclass
class Taken:
    """`on_files`: keys of events that are applied to files. `moved`: records to republish, each with its partition. `traces`: by the key
    of the event. `read` and `dead` count by topic.
    """

    events: list[Event] = field(default_factory=list)
    on_files: list[str] = field(default_factory=list)
    letters: list[Message] = field(default_factory=list)
    moved: list[tuple[Message, int]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    traces: dict[str, bytes] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)


class Intake:
    """Of the owner of one partition number. `shards`: how many partitions each input has."""

    def __init__(self, number: int, shards: int, spec: CasesSpec, letters: DeadLetters) -> None:
        self._topics = {letters.prefix + topic.name: topic for topic in spec.inputs}
        self._on_files = {topic.name for topic in spec.on_files}
        self._readers = {name: any_record_of(topic) for name, topic in self._topics.items()}
        self._faults = {name: FaultShare() for name, topic in self._topics.items() if set(topic.written_by) <= set(STAGES)}
        self._number, self._shards, self._letters = number, shards, letters

    def sort(self, records: Iterable[Fetched], known: Container[str]) -> Taken:
        """`known`: keys that belong here, so that they need not be hashed. Raises StopWorker when an internal topic holds too much that
        cannot be read.
        """
        taken = Taken()
        for record in records:
            taken.read[record.topic] += 1
            try:
                self._sort(record, self._readers[record.topic](record), known, taken)
            except InvalidRecordError as fault:
                taken.letters.append(self._letters.of(record, fault))
                taken.reasons.append(fault.reason)
                taken.dead[record.topic] += 1
        for name in taken.read.keys() & self._faults.keys():
            self._faults[name].add(taken.read[name], taken.dead[name])
        return taken

    def _sort(self, record: Fetched, found: Record, known: Container[str], taken: Taken) -> None:
        topic = self._topics[record.topic]
        key = topic.key_of(found)
        if key in known or (place := partition_of(key.encode(), self._shards)) == self._number:
            taken.events.append(Event(topic.name, found, instant(record.timestamp)))
            if topic.name in self._on_files:
                taken.on_files.append(key)
            if record.headers and (trace := traceparent(record.headers)) is not None:
                taken.traces[key] = trace
            return
        if any(name == REPUBLISHED for name, _ in record.headers):
            said = f"lies on partition {record.partition}, though it was put on {place} once: has the number of partitions changed?"
            raise InvalidRecordError(Unreadable.WRONG_PARTITION, said)
        headers: list[Header] = [*record.headers, (REPUBLISHED, b"1")]
        if (size := len(record.value or b"") + sum(weight(*header) for header in headers)) > MAX_VALUE_BYTES:
            said = f"lies on partition {record.partition} instead of {place}, and has {size} bytes with its headers: too many to be moved"
            raise InvalidRecordError(Unreadable.TOO_LARGE, said)
        taken.moved.append((Message(record.topic, key, record.value, headers), place))


def unread(chunks: Iterable[Iterable[Fetched]], positions: dict[str, int]) -> list[Fetched]:
    """The records that were not handled before, each once; `positions`, the offset to handle next by topic, goes on behind them.

    One that is read again after a rebalance may lie beside its first copy.
    """
    new = []
    for chunk in chunks:
        for record in chunk:
            if record.offset >= positions.get(record.topic, 0):
                positions[record.topic] = record.offset + 1
                new.append(record)
    return new


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's producers in Java put a key, and ours (`murmur2_random`)."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
