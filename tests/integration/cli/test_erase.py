"""`sluice erase`."""

from __future__ import annotations

import pytest

from agents.edge.reader import reading
from schemas.people import Erasure
from schemas.topics import ERASURES, POSTS_INCOMING
from schemas.wire import decoder
from tests.integration.cli.conftest import Process, Sluice
from tests.schemas.posts import as_json
from tests.support.clients import Message, Outgoing, OwnTopics
from tests.support.workers import wait_for

pytestmark = pytest.mark.kafka

_erasure = decoder(Erasure)


@pytest.fixture
def both(topics: OwnTopics) -> OwnTopics:
    """The two topics that the command looks at; to be seen everywhere takes them a moment."""
    topics.create(ERASURES, POSTS_INCOMING)
    wanted = {topics.name(ERASURES), topics.name(POSTS_INCOMING)}
    with reading({"bootstrap.servers": topics.address}) as reader:
        wait_for(lambda: wanted <= reader.topics().keys(), lambda: "the topics do not appear", 20)
    return topics


def requested(topics: OwnTopics) -> list[tuple[str, str | None]]:
    """Post and reason of each request, whose key and headers are right."""
    return sorted(_checked(message) for message in topics.read_all(ERASURES))


def _checked(message: Message) -> tuple[str, str | None]:
    found = _erasure(message.value)
    assert message.key == found.post_id.encode()
    assert (message.header("ce_type"), message.header("ce_id")) == (b"sluice.erasure.v1", found.erasure_id.encode())
    return found.post_id, found.reason


def test_posts_named_and_those_of_an_author_are_requested_once_each(run: Sluice, both: OwnTopics) -> None:
    values = [as_json(post_id=f"p{number}", author_id="mine" if number < 2 else "other") for number in range(3)]
    both.produce(POSTS_INCOMING, [Outgoing(b"c", value) for value in (*values, values[0], b"{")])
    result = run("erase", "p1", "old", "--author", "mine", "--reason", "request 7", "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 requests confirmed: cases erase at once, or ")
    assert "up to 30 days" in result.stdout
    assert result.stderr.startswith("2 posts by mine on posts.incoming.v1, from 20")
    assert "1 record there could not be read" in result.stderr
    assert requested(both) == [("old", "request 7"), ("p0", "request 7"), ("p1", "request 7")]


def test_an_author_without_posts_and_nobody_to_ask_end_without_a_request(process: Process, run: Sluice, both: OwnTopics) -> None:
    nobody = run("erase", "--author", "nobody", "--yes")
    assert (nobody.exit_code, nobody.stderr.splitlines()[-1]) == (1, "nothing to erase")
    unasked = process("erase", "p1")
    _, said = unasked.communicate(b"y\n", timeout=60)
    assert (unasked.returncode, b"--yes: needed where nobody can be asked" in said) == (2, True)
    assert requested(both) == []


def test_without_the_topic_it_says_what_to_do(run: Sluice, topics: OwnTopics) -> None:
    result = run("erase", "p1", "--yes")
    assert (result.exit_code, result.stderr.startswith(f"topic {topics.name(ERASURES)} does not exist")) == (73, True)
