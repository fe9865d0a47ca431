"""Puts dead letters back on the topics they came from, and remembers which."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

import confluent_kafka as ck

from agents.edge.letters import Letter, Place, letter, mark, marked, original
from agents.edge.reader import Entry, Reader
from agents.edge.sender import Sender

LETTERS_AT_A_TIME = 200
"""Put back between two confirmations; with the size limit of a dead letter at most 180 MB."""


@dataclass
class Ledger:
    """Every dead letter on the topic, oldest first in its partition, without its content, and which were put back."""

    letters: list[Letter] = field(default_factory=list)
    requeued: set[Place] = field(default_factory=set)


def read_ledger(entries: Iterable[Entry]) -> Ledger:
    """From all records of the topic."""
    ledger = Ledger()
    for entry in entries:
        place = marked(entry)
        if place is None:
            ledger.letters.append(letter(entry))
        else:
            ledger.requeued.add(place)
    ledger.letters.sort(key=lambda found: (found.time, found.place))
    return ledger


def put_back(reader: Reader, sender: Sender, topic: str, places: Collection[Place], done: Callable[[int], None]) -> None:
    """Sends the letters at `places` to where they came from, then their marks; `done` is told how many were both confirmed.

    First the record, then the mark: a crash in between puts some back once more at the next call, and loses none.
    """
    entries = _at(reader, topic, places)
    while batch := list(itertools.islice(entries, LETTERS_AT_A_TIME)):
        for entry in batch:
            sender.send(original(entry))
        sender.flush()
        now = dt.datetime.now(dt.UTC)
        for entry in batch:
            sender.send(mark(entry, now), entry.partition)
        sender.flush()
        done(len(batch))


def _at(reader: Reader, topic: str, places: Collection[Place]) -> Iterator[Entry]:
    """The records at the given places."""
    first: dict[int, int] = {}
    for partition, offset in places:
        first[partition] = min(offset, first.get(partition, offset))
    starts = [ck.TopicPartition(topic, partition, offset) for partition, offset in first.items()]
    left = set(places)
    for entry in reader.entries(starts, headers=True):
        if (place := Place(entry.partition, entry.offset)) in left:
            left.remove(place)
            yield entry
        if not left:
            return
