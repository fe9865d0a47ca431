"""Which records are events for an owner, which are republished, which are dead letters."""

from __future__ import annotations

import datetime as dt

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.dead_letters import DeadLetters
from agents.edge.failures import ExitCode, FaultShare, StopWorker
from agents.edge.fetched import Fetched
from agents.edge.intake import REPUBLISHED, Intake, partition_of, unread
from schemas.headers import CE_TYPE, TRACEPARENT
from schemas.topics import CASES, VERDICTS, Topic
from schemas.wire import Unreadable
from tests.agents.edge.records import record
from tests.support.case_inputs import Input, opened, outgoing, verdict
from tests.support.counting import SPEC

SHARDS, TIME_MS = 6, 1_800_000_000_000
HERE = partition_of(b"post", SHARDS)
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LETTERS = DeadLetters("cases", "x.", 1000)
Headers = tuple[tuple[str, bytes | None], ...]


def intake(number: int = HERE) -> Intake:
    return Intake(number, SHARDS, SPEC, LETTERS)


def fetched(found: Input, number: int = HERE, *, key: bytes | None = b"post", headers: Headers = ()) -> Fetched:
    """As it lies in a partition."""
    return raw(found.topic, outgoing(found).value, number, key=key, headers=headers)


def raw(topic: Topic, value: bytes | None, number: int = HERE, *, key: bytes | None = b"post", headers: Headers = ()) -> Fetched:
    return record(value, key=key, headers=headers, timestamp_ms=TIME_MS, place=TP(f"x.{topic.name}", number))


def test_an_event_has_the_topics_own_name_and_the_brokers_time() -> None:
    taken = intake().sort([fetched(opened("post")), fetched(verdict("post", "v"))], ())
    assert [(event.topic, type(event.record).__name__) for event in taken.events] == [(CASES.name, "CaseEvent"), (VERDICTS.name, "Verdict")]
    assert {event.at for event in taken.events} == {dt.datetime.fromtimestamp(TIME_MS / 1000, dt.UTC)}
    assert taken.read == {f"x.{CASES.name}": 1, f"x.{VERDICTS.name}": 1}
    assert not taken.letters
    assert not taken.moved


def test_the_trace_of_an_event_is_kept_for_what_comes_of_it() -> None:
    assert intake().sort([fetched(opened("post"), headers=((TRACEPARENT, TRACE),))], ()).traces == {"post": TRACE}


def test_a_record_on_another_partition_is_republished_with_its_key() -> None:
    elsewhere = (HERE + 1) % SHARDS
    wrong = fetched(opened("post"), elsewhere, key=b"whatever", headers=(("h", b"1"),))
    taken = intake(elsewhere).sort([wrong], ())
    ((message, place),) = taken.moved
    assert place == HERE
    assert (message.topic, message.key, message.value) == (wrong.topic, "post", wrong.value)
    assert message.headers == [("h", b"1"), (REPUBLISHED, b"1")]
    assert not taken.events


def test_one_with_more_headers_than_fit_beside_the_mark_is_a_dead_letter() -> None:
    elsewhere = (HERE + 1) % SHARDS
    taken = intake(elsewhere).sort([fetched(opened("post"), elsewhere, key=b"whatever", headers=(("", None),) * 110_000)], ())
    assert (taken.reasons, taken.moved, len(taken.letters)) == ([Unreadable.TOO_LARGE], [], 1)


@pytest.mark.parametrize("key", [None, b"another"])
def test_on_the_right_partition_another_key_does_no_harm(key: bytes | None) -> None:
    assert len(intake().sort([fetched(opened("post"), key=key)], ()).events) == 1


def test_a_post_that_is_known_here_is_not_hashed() -> None:
    elsewhere = (HERE + 1) % SHARDS
    assert len(intake(elsewhere).sort([fetched(opened("post"), elsewhere)], {"post"}).events) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (raw(CASES, None), "empty"),
        (raw(CASES, b"no case"), "not_json"),
        (raw(VERDICTS, b"{}"), "invalid"),
        (fetched(opened("post"), headers=((CE_TYPE, b"sluice.verdict.v1"),)), "schema_version"),
        (fetched(opened("elsewhere"), headers=((REPUBLISHED, b"1"),)), "wrong_partition"),
    ],
)
def test_what_cannot_be_an_event_is_a_dead_letter(wrong: Fetched, reason: str) -> None:
    taken = intake().sort([wrong, fetched(opened("post"))], ())
    assert taken.reasons == [reason]
    assert [dict(letter.headers)["sluice_reason"] for letter in taken.letters] == [reason.encode()]
    assert [letter.topic for letter in taken.letters] == ["x.moderation.dead-letters.v1"]
    assert len(taken.events) == 1


def test_an_internal_topic_full_of_other_things_stops_the_worker() -> None:
    with pytest.raises(StopWorker) as stopped:
        intake().sort([raw(CASES, b"another version's record")] * (FaultShare.LEAST + 1), ())
    assert stopped.value.code is ExitCode.POISONED


def test_people_and_platform_cannot_stop_the_worker() -> None:
    assert len(intake().sort([raw(VERDICTS, b"no verdict")] * (FaultShare.LEAST + 1), ()).letters) == FaultShare.LEAST + 1


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40), min_size=1, max_size=5))
def test_partitions_are_in_range(keys: list[str]) -> None:
    assert all(0 <= partition_of(key.encode(), SHARDS) < SHARDS for key in keys)


def test_what_is_read_again_beside_its_first_copy_is_handled_once() -> None:
    """Two chunks of one turn, the second from before the first: a position that went back would look like lost states at the next start."""
    place = TP("x.moderation.verdicts.v1", HERE)
    first, second, third = (record(b"{}", offset=offset, place=place) for offset in (4, 5, 6))
    positions = {place.topic: 5}
    assert unread([[first, second, third], [second]], positions) == [second, third]
    assert positions == {place.topic: 7}
