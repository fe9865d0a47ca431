"""`sluice publish`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.topics import POSTS_INCOMING
from tests.integration.cli.conftest import Process, Sluice
from tests.schemas.posts import as_json
from tests.support.clients import OwnTopics

pytestmark = pytest.mark.kafka

POSTS = [as_json(post_id=f"p{number}", conversation_id=f"c{number % 7}", text="hallo daar") for number in range(50)]


def lines(values: Sequence[bytes]) -> bytes:
    return b"".join(value + b"\n" for value in values)


def test_posts_are_published_as_they_stand_with_key_and_headers(run: Sluice, topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(POSTS_INCOMING)
    (tmp_path / "posts.jsonl").write_bytes(lines(POSTS))
    result = run("publish", str(tmp_path / "posts.jsonl"), "--rate", "2000")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("50 posts confirmed in ")

    found = {message.value: message for message in topics.read_all(POSTS_INCOMING)}
    assert set(found) == set(POSTS)
    one = found[POSTS[8]]
    assert (one.key, one.header("ce_id"), one.header("ce_type")) == (b"c1", b"p8:1", b"sluice.post.v1")


def test_a_wrong_line_is_named_and_the_others_are_sent(process: Process, topics: OwnTopics) -> None:
    topics.create(POSTS_INCOMING)
    content = [POSTS[0], b"", b"{", as_json(revision=0), as_json(text="x" * 1_100_000), POSTS[1]]
    out, said = (process("publish")).communicate(lines(content), timeout=60)
    assert {message.value for message in topics.read_all(POSTS_INCOMING)} == set(POSTS[:2])
    assert out.decode().startswith("2 posts confirmed in ")
    faults = said.decode().splitlines()
    assert [fault.partition(":")[0] for fault in faults] == ["line 3", "line 4", "line 5", "3 lines not sent"]
    assert "`revision` must be" in faults[1]


def test_without_validation_wrong_lines_are_sent_too(run: Sluice, topics: OwnTopics) -> None:
    topics.create(POSTS_INCOMING)
    result = run("publish", "--no-validate", stdin=lines([b"{", b'{"conversation_id": "c9"}', b"[1]"]))
    assert (result.exit_code, result.stdout[:17]) == (0, "3 posts confirmed")
    assert {(message.key, message.value) for message in topics.read_all(POSTS_INCOMING)} == {
        (None, b"{"),
        (b"c9", b'{"conversation_id": "c9"}'),
        (None, b"[1]"),
    }


def test_publishing_to_a_topic_that_is_not_there_says_what_to_do(run: Sluice, topics: OwnTopics) -> None:
    result = run("publish", stdin=lines(POSTS))
    assert result.exit_code == 73
    assert result.stderr.startswith(
        f"topic {topics.name(POSTS_INCOMING)} does not exist or may not be seen: make it with `sluice topics create`"
    )
