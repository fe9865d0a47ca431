"""A second worker joins and leaves while posts flow: none is lost, a conversation keeps its order, a duplicate is recognised as one."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import pytest

from pipeline.flow import STAGES
from schemas.records import ScoredPost
from schemas.topics import DECISIONS, POSTS_INCOMING, POSTS_SCORED
from schemas.wire import decoder
from tests.integration.conftest import create
from tests.support.clients import Message, OwnTopics
from tests.support.posts_in_flow import decisions, has_all, outgoing
from tests.support.workers import wait_for, worker

pytestmark = pytest.mark.kafka

CONVERSATIONS = 40
decode_scored = decoder(ScoredPost)


class Talk:
    """Posts numbered within their conversations."""

    def __init__(self, topics: OwnTopics) -> None:
        self._topics, self._numbers = topics, itertools.count()
        self.ids: set[str] = set()

    def goes_on(self, posts: int = 200) -> None:
        """The next posts, one conversation after the other."""
        numbers = list(itertools.islice(self._numbers, posts))
        names = [(f"talk-{number % CONVERSATIONS}", f"talk-{number % CONVERSATIONS}-{number // CONVERSATIONS}") for number in numbers]
        self.ids |= {post_id for _, post_id in names}
        self._topics.produce(POSTS_INCOMING, [outgoing(post_id, conversation) for conversation, post_id in names])


def first_occurrences(messages: list[Message]) -> dict[str, list[int]]:
    """By conversation, the numbers of its posts in the order in which each came for the first time."""
    seen: set[str] = set()
    order: defaultdict[str, list[int]] = defaultdict(list)
    for message in messages:
        post = decode_scored(message.value).post
        if post.post_id not in seen:
            seen.add(post.post_id)
            order[post.conversation_id].append(int(post.post_id.rpartition("-")[2]))
    return order


def test_a_second_worker_joins_and_leaves(topics: OwnTopics, rules: dict[str, object], tmp_path: Path) -> None:
    create(topics)
    talk, shared = Talk(topics), {**rules, "data_dir": tmp_path / "data", "session_timeout_seconds": 6}
    with worker(topics.address, topics.prefix, tmp_path / "first", STAGES, **shared) as first:
        first.ready(STAGES)
        talk.goes_on()
        with worker(topics.address, topics.prefix, tmp_path / "second", STAGES, **shared) as second:

            def has_its_share() -> bool:
                talk.goes_on(40)
                return len(second.addresses()) == len(STAGES) and second.assigned_partitions() >= len(STAGES)

            wait_for(has_its_share, lambda: f"the second worker has no partitions:\n{second.log[-2000:]}", 60)
            talk.goes_on()
            assert second.stop() == 0, second.log[-4000:]
            talk.goes_on()

        decided = topics.read_all(DECISIONS, has_all(talk.ids), timeout=60)
        assert first.stop() == 0, first.log[-4000:]
    for log in (first.log, second.log):
        assert "stopping with exit code" not in log, log[-4000:]
    assert {post_id for post_id, _ in decisions(decided)} == talk.ids  # and each duplicate has the id of the first
    for conversation, numbers in first_occurrences(topics.read_all(POSTS_SCORED)).items():
        assert numbers == sorted(numbers), conversation
