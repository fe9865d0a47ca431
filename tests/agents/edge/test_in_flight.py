"""The bookkeeping by itself; with Faust's consumer around it, and in every order of events, it is tested in test_transport.py."""

from __future__ import annotations

from faust.types import TP, ConsumerMessage, Message

from agents.edge.in_flight import InFlight
from tests.agents.edge.records import PLACE

OTHER = TP("in", 1)


def message(offset: int, tp: TP = PLACE) -> Message:
    """Stands for a chunk that ends at `offset`."""
    return ConsumerMessage(tp.topic, tp.partition, offset, 0.0, 1, (), None, None, None, tp=tp)


def read(book: InFlight, first: int, last: int, tp: TP = PLACE) -> Message:
    made = message(last, tp)
    book.add(made, first, 1000 + first)
    return made


def test_nothing_read_is_nothing_to_commit() -> None:
    book = InFlight()
    assert (book.committable(PLACE), book.next_read(PLACE), book.oldest_ms()) == (None, None, {})


def test_the_oldest_chunk_in_flight_holds_back_its_partition_only() -> None:
    book = InFlight()
    first, second, other = read(book, 0, 9), read(book, 10, 14), read(book, 50, 59, OTHER)
    assert book.remove(second)
    assert book.remove(other)
    assert (book.committable(PLACE), book.committable(OTHER), book.next_read(PLACE)) == (None, 60, 15)
    assert book.oldest_ms() == {PLACE.topic: 1000}
    assert book.remove(first)
    assert (book.committable(PLACE), book.oldest_ms()) == (15, {})


def test_a_chunk_is_told_by_its_message() -> None:
    book = InFlight()
    read(book, 0, 9)
    assert not book.remove(message(9))
    assert book.committable(PLACE) is None


def test_a_chunk_is_removed_once() -> None:
    book = InFlight()
    only = read(book, 0, 9)
    assert book.remove(only)
    assert not book.remove(only)


def test_what_is_in_flight_and_read_again_is_not_freed_by_the_second_reading() -> None:
    book = InFlight()
    first, second = read(book, 100, 599), read(book, 600, 1099)
    assert not book.remove(read(book, 100, 599))
    assert (book.committable(PLACE), book.next_read(PLACE)) == (None, 1100)
    assert book.remove(second)
    assert book.committable(PLACE) is None
    assert book.remove(first)
    assert book.committable(PLACE) == 1100


def test_what_holds_no_record_is_passed() -> None:
    """Marks of transactions from 10 to 12, while 0 to 9 is in flight, and behind 14."""
    book = InFlight()
    first = read(book, 0, 9)
    assert book.pass_to(PLACE, 13)
    assert not book.pass_to(PLACE, 13)
    assert book.committable(PLACE) is None
    assert book.remove(first)
    assert book.committable(PLACE) == 13
    second = read(book, 13, 14)
    assert book.committable(PLACE) == 13
    assert book.remove(second)
    assert book.pass_to(PLACE, 16)
    assert book.committable(PLACE) == 16


def test_what_is_forgotten_was_never_read() -> None:
    book = InFlight()
    mine, other = read(book, 0, 9), read(book, 50, 59, OTHER)
    book.forget({PLACE})
    assert not book.remove(mine)
    assert (book.committable(PLACE), book.next_read(PLACE), book.committable(OTHER)) == (None, None, None)
    book.forget()
    assert not book.remove(other)
    assert book.committable(OTHER) is None


def test_what_lies_between_chunks_is_not_committed_before_what_comes_behind_it() -> None:
    """Offset 10 is the mark of a transaction: the next record is 11, and when nothing more is done than 0 to 9, that is what is said."""
    book = InFlight()
    first, second = read(book, 0, 9), read(book, 11, 14)
    assert book.remove(first)
    assert book.committable(PLACE) == 10
    assert book.remove(second)
    assert book.committable(PLACE) == 15
