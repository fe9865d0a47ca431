"""`sluice tail`."""

from __future__ import annotations

import json
import signal

import pytest

from schemas.records import Decision
from schemas.topics import DECISIONS, POSTS_INCOMING
from schemas.wire import decoder, encode
from tests.agents.cli.test_lines import DECISION
from tests.integration.cli.conftest import Process, Sluice
from tests.support.clients import Outgoing, OwnTopics
from tests.support.posts_in_flow import outgoing
from tests.support.raw_records import STAND_IN, produce_raw

pytestmark = pytest.mark.kafka


@pytest.fixture
def decisions(topics: OwnTopics) -> OwnTopics:
    """Of p0 to p9, in turn of `nl` with remove and `de` with allow; one record is none."""
    topics.create(DECISIONS, partitions={DECISIONS.name: 1})
    kinds = [{"language": "nl", "action": "remove"}, {"language": "de", "action": "allow"}]
    records = [decoder(Decision)(json.dumps({**DECISION, "post_id": f"p{at}", **kinds[at % 2]}).encode()) for at in range(10)]
    topics.produce(DECISIONS, [Outgoing(None, encode(record)) for record in records] + [Outgoing(None, b"\x1b[2J")])
    return topics


@pytest.mark.parametrize(
    ("options", "posts"),
    [
        ((), [*(f"p{number}" for number in range(10)), "cannot be read"]),
        (("--count", "2"), ["p0", "p1"]),
        (("--language", "de"), ["p1", "p3", "p5", "p7", "p9"]),
        (("--action", "remove", "--language", "nl", "--count", "2"), ["p0", "p2"]),
        (("--market", "BE"), []),
        (("--post", "p4"), ["p4"]),
    ],
)
def test_tail_shows_what_was_asked_for(run: Sluice, decisions: OwnTopics, options: tuple[str, ...], posts: list[str]) -> None:
    result = run("tail", "decisions", "--no-follow", *options)
    assert (result.exit_code, result.stderr) == (0, "" if posts else "no records that fit\n")
    shown = result.stdout.splitlines()
    assert "\x1b" not in result.stdout
    assert len(shown) == len(posts)
    assert all(post in line for post, line in zip(posts, shown, strict=True))


def test_tail_shows_a_record_with_a_header_name_that_is_no_utf8(run: Sluice, topics: OwnTopics) -> None:
    """confluent-kafka breaks on the headers of such a record, so those of what strangers send are not looked at."""
    topics.create(POSTS_INCOMING, partitions={POSTS_INCOMING.name: 1})
    posts = [outgoing(name).value or b"" for name in ("first", "odd", "last")]
    produce_raw(topics.address, topics.name(POSTS_INCOMING), 0, [(b"k", value, [(STAND_IN, b"1")]) for value in posts])
    result = run("tail", "posts.incoming.v1", "--no-follow", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line)["post_id"] for line in result.stdout.splitlines()] == ["first", "odd", "last"]


def test_tail_gives_whole_records_as_json(run: Sluice, decisions: OwnTopics) -> None:
    result = run("tail", "moderation.decisions.v1", "--from-start", "--json", "--count", "11")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["post_id"] for record in found[:10]] == [f"p{number}" for number in range(10)]
    assert found[10]["base64"] == "G1sySg=="


def test_tail_follows_until_interrupted(process: Process, decisions: OwnTopics) -> None:
    tail = process("tail", "decisions", "--from-start")
    assert tail.stdout
    read = [tail.stdout.readline().decode() for _ in range(11)]
    decisions.produce(DECISIONS, [Outgoing(None, b"later")])
    assert "cannot be read  0:11" in tail.stdout.readline().decode()
    tail.send_signal(signal.SIGINT)
    assert tail.wait(20) == 0
    assert "p0" in read[0]
