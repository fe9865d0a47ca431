from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.dead_letters import MAX_HEADER_BYTES, MAX_KEY_BYTES, MAX_TRIES, TRIES
from agents.edge.letters import Place, letter, mark, marked, obstacle, original
from agents.edge.producer import Message
from agents.edge.requeue import read_ledger
from tests.agents.edge.letters import INCOMING, Headers, buried, entry

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
SOURCES = {INCOMING}


@given(
    st.none() | st.binary(max_size=50),
    st.none() | st.binary(max_size=50),
    st.lists(st.tuples(st.sampled_from(["ce_id", "x", ""]), st.binary(max_size=9)), max_size=3),
)
def test_what_goes_back_is_what_came_in(value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    lying = entry(buried(value, key=key, headers=tuple(headers)))
    assert obstacle(letter(lying), SOURCES, ()) is None
    assert original(lying) == Message(INCOMING, key, value, [*headers, (TRIES, b"1")])


def test_each_try_is_counted_until_it_is_refused() -> None:
    headers: Headers = (("ce_id", b"p1:1"),)
    for count in range(MAX_TRIES):
        lying = entry(buried(b"?", headers=headers))
        assert letter(lying).tries == count
        assert obstacle(letter(lying), SOURCES, ()) is None
        headers = tuple((name, value) for name, value in original(lying).headers if isinstance(value, bytes))
        assert headers == (("ce_id", b"p1:1"), (TRIES, b"%d" % (count + 1)))
    assert obstacle(letter(entry(buried(b"?", headers=headers))), SOURCES, ()) == "was put back 3 times already; 3 are allowed"


@pytest.mark.parametrize(
    "cut",
    [
        buried(b"x" * 1001),
        buried(b"", key=b"k" * (MAX_KEY_BYTES + 1)),
        buried(b"", headers=(("long", b"h" * MAX_HEADER_BYTES),)),
    ],
    ids=["value", "key", "headers"],
)
def test_a_record_that_was_cut_stays(cut: Message) -> None:
    assert "is not whole" in str(obstacle(letter(entry(cut)), SOURCES, ()))


def test_a_key_of_just_the_limit_is_whole() -> None:
    assert obstacle(letter(entry(buried(b"", key=b"k" * MAX_KEY_BYTES))), SOURCES, ()) is None


def test_a_record_of_another_installation_stays() -> None:
    assert obstacle(letter(entry(buried(b"?", topic="staging.posts.incoming.v1"))), SOURCES, ()) == (
        "came from staging.posts.incoming.v1, which no stage of this installation reads"
    )


def test_a_marked_letter_was_put_back_and_is_not_put_back_again() -> None:
    first, second = entry(buried(b"1"), 2, 5), entry(buried(b"2"), 2, 6)
    marking = entry(mark(first, NOW), 2, 7)
    assert (marked(first), marked(marking)) == (None, Place(2, 5))
    ledger = read_ledger([first, second, marking])
    assert [found.place for found in ledger.letters] == [Place(2, 5), Place(2, 6)]
    assert ledger.requeued == {Place(2, 5)}
    assert obstacle(ledger.letters[0], SOURCES, ledger.requeued) == "was put back already"
    assert obstacle(ledger.letters[1], SOURCES, ledger.requeued) is None


def test_the_facts_of_a_letter() -> None:
    found = letter(entry(buried(b"x" * 2000, kept=500)))
    assert (found.source, found.stage, found.reason, found.detail) == (f"{INCOMING}[3]@17", "language", "invalid", "not a post")
    assert (found.length, found.kept, found.whole) == (2000, 500, False)


def test_a_record_without_our_headers_is_listed_and_stays() -> None:
    found = letter(entry(Message("dead", None, b"what is this", [("sluice_length", b"many")])))
    assert (found.stage, found.reason, found.tries, found.length) == ("?", "?", 0, 0)
    assert obstacle(found, SOURCES, ()) is not None


@given(st.integers(0, 999_999), st.integers(0, 10**18 - 1))
def test_a_place_is_read_as_it_is_written(partition: int, offset: int) -> None:
    assert Place.parse(str(Place(partition, offset))) == Place(partition, offset)


@pytest.mark.parametrize("text", ["", "1", "1:", ":1", "-1:2", "1:2:3", "a:b", "1 :2", "٣:٤"])
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="partition:offset is allowed"):
        Place.parse(text)
