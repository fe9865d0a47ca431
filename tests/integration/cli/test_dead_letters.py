"""`sluice dead-letters`."""

from __future__ import annotations

import pytest

from agents.edge.letters import REQUEUED
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING
from tests.agents.edge.letters import Headers, buried
from tests.integration.cli.conftest import Sluice
from tests.support.clients import Outgoing, OwnTopics

pytestmark = pytest.mark.kafka


def letters(run: Sluice) -> dict[str, dict[str, str]]:
    """What `dead-letters list` shows, by place."""
    head, *rest = (line.split("\t") for line in run("dead-letters", "list").stdout.splitlines())
    return {row[0]: dict(zip(head, row, strict=True)) for row in rest}


def bury(topics: OwnTopics, value: bytes | None, headers: Headers = ()) -> str:
    """Puts a dead letter on the topic; its place."""
    letter = buried(value, headers=headers, topic=topics.name(POSTS_INCOMING))
    written = tuple((name, part if isinstance(part, bytes) else None) for name, part in letter.headers)
    ((partition, offset),) = topics.produce(DEAD_LETTERS, [Outgoing(b"c1", letter.value, written)])
    return f"{partition}:{offset}"


@pytest.fixture
def graveyard(topics: OwnTopics) -> OwnTopics:
    topics.create(POSTS_INCOMING, DEAD_LETTERS)
    return topics


def test_a_letter_is_put_back_once_as_it_came(run: Sluice, graveyard: OwnTopics) -> None:
    places = [bury(graveyard, value, (("ce_id", b"p1:1"),)) for value in (b"\xff\x00", None)]
    assert run("dead-letters", "requeue", places[0]).stdout == f"1 put back on {graveyard.name(POSTS_INCOMING)}\n"
    again = run("dead-letters", "requeue", places[0])
    assert (again.exit_code, again.stderr) == (1, f"{places[0]} was put back already\n")
    assert {place: row["state"] for place, row in letters(run).items()} == {places[0]: "put back", places[1]: "waits"}

    assert run("dead-letters", "requeue", "--all").stdout.startswith("1 put back")
    assert run("dead-letters", "requeue", "--all").stdout == "nothing was put back\n"
    found = sorted(graveyard.read_all(POSTS_INCOMING), key=lambda message: message.value or b"")
    assert [(message.key, message.value, message.headers) for message in found] == [
        (b"c1", value, (("ce_id", b"p1:1"), ("sluice_tries", b"1"))) for value in (None, b"\xff\x00")
    ]
    marks = [message for message in graveyard.read_all(DEAD_LETTERS) if message.headers[0][0] == REQUEUED]
    assert sorted(f"{mark.partition}:{(mark.header(REQUEUED) or b'').decode()}" for mark in marks) == sorted(places)


def test_what_may_not_go_back_is_said_and_the_others_go(run: Sluice, graveyard: OwnTopics) -> None:
    cut, tired, good = bury(graveyard, b"x" * 1001), bury(graveyard, b"?", (("sluice_tries", b"3"),)), bury(graveyard, b"fine")
    result = run("dead-letters", "requeue", cut, tired, good, "2:99")
    assert result.exit_code == 1
    said = result.stderr.splitlines()
    assert said[0] == "2:99 is no dead letter, or is no longer kept"
    assert any(line.startswith(f"{cut} is not whole: 1000 of 1001 bytes") for line in said)
    assert f"{tired} was put back 3 times already; 3 are allowed" in said
    assert [message.value for message in graveyard.read_all(POSTS_INCOMING)] == [b"fine"]


def test_a_letter_is_shown_without_harm(run: Sluice, graveyard: OwnTopics) -> None:
    text, binary = bury(graveyard, b"\x1b[2J", (("x\x07", b"\x1b"),)), bury(graveyard, bytes(range(200, 256)))
    shown = run("dead-letters", "show", text)
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout
    assert "\x07" not in shown.stdout
    assert "value: \\x1b[2J\n" in shown.stdout
    assert "x\\x07: \\x1b\n" in shown.stdout
    assert "sluice_reason: invalid\n" in shown.stdout
    assert "000010  d8 d9 da" in run("dead-letters", "show", binary).stdout
    for place, said in (("0:999", "there is no 0:999"), ("7:0", "there is no such partition"), ("x", "partition:offset is allowed")):
        result = run("dead-letters", "show", place)
        assert (result.exit_code, said in result.stderr) == (2, True)


def test_requeue_wants_one_way_of_choosing(run: Sluice, graveyard: OwnTopics) -> None:
    for arguments in ((), ("0:1", "--all"), ("--all", "--reason", "invalid")):
        assert run("dead-letters", "requeue", *arguments).exit_code == 2
