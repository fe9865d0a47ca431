"""Java's own console producer and consumer at both ends of the flow."""

from __future__ import annotations

import json

import pytest

from schemas.topics import DECISIONS, POSTS_INCOMING, POSTS_LANGUAGE, POSTS_SCORED
from tests.integration.conftest import Flow
from tests.support.clients import Message
from tests.support.java import console_consume, console_produce
from tests.support.posts_in_flow import has_all, outgoing

pytestmark = pytest.mark.kafka

CONVERSATIONS = [f"java-{number}" for number in range(60)]


def partitions(messages: list[Message], keys: set[bytes]) -> dict[bytes, int]:
    return {message.key: message.partition for message in messages if message.key in keys}


def test_java_publishes_and_reads_decisions(flow: Flow) -> None:
    posts = [outgoing(f"{conversation}-post", conversation) for conversation in CONVERSATIONS]
    console_produce(
        flow.address, flow.topics.name(POSTS_INCOMING), [((key or b"").decode(), (value or b"").decode()) for key, value, *_ in posts]
    )
    ids = {f"{conversation}-post" for conversation in CONVERSATIONS}
    ours = flow.topics.read_all(DECISIONS, has_all(ids))

    lines = console_consume(flow.address, flow.topics.name(DECISIONS), len(ours))
    decided = {key: json.loads(value) for key, value in (line.split("\t", 1) for line in lines)}
    assert ids <= decided.keys()
    assert all(decided[post_id]["post_id"] == post_id and decided[post_id]["action"] == "allow" for post_id in ids)


def test_a_conversation_stays_on_the_partition_that_java_chose(flow: Flow) -> None:
    """Routing finds a conversation's posts together only if every client puts a key on the same partition."""
    console_produce(
        flow.address, flow.topics.name(POSTS_INCOMING), [(name, (outgoing(name, name).value or b"").decode()) for name in CONVERSATIONS]
    )
    flow.topics.read_all(DECISIONS, has_all(set(CONVERSATIONS)))
    keys = {name.encode() for name in CONVERSATIONS}
    javas, *ours = (partitions(flow.topics.read_all(topic), keys) for topic in (POSTS_INCOMING, POSTS_LANGUAGE, POSTS_SCORED))
    assert javas.keys() == keys
    assert len(set(javas.values())) > 1
    assert ours == [javas, javas]
