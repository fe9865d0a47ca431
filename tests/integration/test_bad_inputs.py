"""Everything in tests/data/bad_inputs, sent in one go with ordinary posts between: each ends as it should and harms nobody."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from pipeline.flow import STAGES
from schemas.records import LanguagePost, Unassessed
from schemas.topics import DEAD_LETTERS, DECISIONS, POSTS_INCOMING, POSTS_LANGUAGE
from schemas.wire import decoder
from tests.integration.conftest import Flow, create
from tests.support.bad_inputs import BadInput, Expected, bad_inputs
from tests.support.clients import Message, Outgoing, OwnTopics
from tests.support.kafka import Broker
from tests.support.posts_in_flow import decisions, has_all, outgoing
from tests.support.raw_records import STAND_IN, produce_raw
from tests.support.workers import health, stage_process

pytestmark = pytest.mark.kafka

KEPT_BYTES, KEPT_KEY_BYTES = 256 * 1024, 4 * 1024
"""Of the original value and key (setting dead_letter_bytes, agents.edge.dead_letters)."""

decode_language_post = decoder(LanguagePost)


def number(message: Message, header: str) -> int:
    return int(message.header(header) or b"")


def place(message: Message) -> tuple[int, int]:
    return number(message, "sluice_partition"), number(message, "sluice_offset")


def test_each_ends_as_a_decision_or_as_a_dead_letter(flow: Flow) -> None:
    cases = bad_inputs()
    neighbours = [outgoing(f"neighbour-{position}", f"{case.name}-neighbours") for position, case in enumerate(cases)]
    records = [Outgoing(case.key, case.value, case.headers) for case in cases]
    mixed = [record for pair in zip(records, neighbours, strict=True) for record in pair]
    places = flow.topics.produce(POSTS_INCOMING, mixed)[::2]

    dead = [case for case in cases if case.expected is not Expected.DECISION]
    decided = {case.post_id for case in cases if case.post_id}
    everyone = {f"neighbour-{position}" for position in range(len(cases))} | decided
    read = flow.topics.read_all(DECISIONS, has_all(everyone), timeout=60)
    letters = flow.topics.read_all(DEAD_LETTERS, lambda messages: len({place(message) for message in messages} & set(places)) == len(dead))

    by_place = {place(message): message for message in letters}
    for case, where in zip(cases, places, strict=True):
        if case.expected is Expected.DECISION:
            assert where not in by_place, f"{case.name}: a decision was expected, not a dead letter"
        else:
            check_letter(case, by_place[where], flow.topics.name(POSTS_INCOMING))
    found = decisions([message for message in read if (message.key or b"").decode() in everyone])
    faults = [post_id for (post_id, _), decision in found.items() if Unassessed.STAGE_ERROR in decision.unassessed]
    assert not faults, "a stage failed on these"
    assert all(health(flow.worker.addresses()[stage]) == 200 for stage in STAGES)
    assert "ended with" not in flow.worker.log


def check_letter(case: BadInput, letter: Message, topic: str) -> None:
    """The dead letter of a case has its bytes, its key, its reason and where it came from."""
    whole = case.value or b""
    assert letter.header("sluice_reason") == case.expected.value.encode(), case.name
    assert letter.header("sluice_topic") == topic.encode()
    assert letter.header("sluice_stage") == b"language"
    assert letter.header("sluice_detail"), case.name
    assert letter.header("sluice_tries") == b"0", case.name
    assert letter.value == whole[:KEPT_BYTES], case.name
    assert letter.key == (case.key if case.key is None else case.key[:KEPT_KEY_BYTES]), case.name
    assert letter.header("sluice_sha256") == hashlib.sha256(whole).hexdigest().encode(), case.name
    assert number(letter, "sluice_length") == len(whole)
    assert number(letter, "sluice_null") == (case.value is None)


@pytest.fixture(scope="module")
def alone(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnTopics]:
    """The language stage on topics of its own, for records that other clients cannot read either."""
    topics = OwnTopics(kafka.address, f"odd{secrets.token_hex(4)}.")
    create(topics, (POSTS_INCOMING, POSTS_LANGUAGE, DEAD_LETTERS), partitions=1)
    with stage_process(kafka.address, topics.prefix, tmp_path_factory.mktemp("odd"), "language") as process:
        yield topics
        assert process.stop() == 0, process.log[-4000:]
    topics.delete()


def post_ids(messages: list[Message]) -> list[str]:
    return [decode_language_post(message.value).post.post_id for message in messages]


@pytest.mark.parametrize("compress", [False, True])
def test_a_header_name_that_is_no_utf8_holds_nothing_up(alone: OwnTopics, compress: bool) -> None:
    """Alone, aiokafka fails on such a record for ever: see agents/edge/fetched.py."""
    first, odd, last = (outgoing(f"{role}-{compress}").value or b"" for role in ("first", "odd", "last"))
    odd_headers, no_post = ((STAND_IN, b"1"), ("fine", b"2")), f"no post {compress}".encode()
    batch = [(b"k", first, ()), (b"k", odd, odd_headers), (b"k", no_post, odd_headers), (b"k", last, ())]
    produce_raw(alone.address, alone.name(POSTS_INCOMING), 0, batch, compress=compress)

    wanted = [f"{role}-{compress}" for role in ("first", "odd", "last")]
    read = alone.read_all(POSTS_LANGUAGE, lambda messages: set(wanted) <= set(post_ids(messages)))
    assert [post_id for post_id in post_ids(read) if post_id in wanted] == wanted
    letters = alone.read_all(DEAD_LETTERS, lambda messages: any(message.value == no_post for message in messages))
    letter = next(message for message in letters if message.value == no_post)
    assert (letter.header("??name"), letter.header("fine")) == (b"1", b"2")


def test_a_record_of_megabytes_is_a_dead_letter_of_which_the_beginning_is_kept(alone: OwnTopics) -> None:
    """Compressed, a record of any size passes the broker's limit; what a stage makes of it would not, however often it is tried."""
    producer = Producer({"bootstrap.servers": alone.address, "compression.type": "gzip", "message.max.bytes": 10_000_000})
    large = outgoing("large", language_hint="x" * 3_000_000)
    for post in (large, outgoing("after-large")):
        producer.produce(alone.name(POSTS_INCOMING), post.value, post.key)
    assert producer.flush(30) == 0
    alone.read_all(POSTS_LANGUAGE, lambda messages: "after-large" in post_ids(messages))
    assert large.value
    length = b"%d" % len(large.value)
    letters = alone.read_all(DEAD_LETTERS, lambda messages: any(message.header("sluice_length") == length for message in messages))
    letter = next(message for message in letters if message.header("sluice_length") == length)
    assert letter.header("sluice_reason") == b"invalid"
    assert letter.value == large.value[:KEPT_BYTES]
    assert letter.header("sluice_sha256") == hashlib.sha256(large.value).hexdigest().encode()
