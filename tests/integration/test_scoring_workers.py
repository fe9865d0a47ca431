"""Two workers with scoring share the load, and what one gives the other would have given."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from schemas.records import Language, LanguagePost, Post, PostKind, ScoredPost
from schemas.topics import DEAD_LETTERS, POSTS_LANGUAGE, POSTS_SCORED
from schemas.wire import decoder, encode
from tests.integration.conftest import create
from tests.support.clients import Outgoing, OwnTopics
from tests.support.tiny_cascade import CLEAR, build_cascade
from tests.support.workers import Process, fetch, wait_for, worker

pytestmark = pytest.mark.kafka

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
TEXTS = ("a good morning to all", "five words of which hate", "a lovely day it is", "such an insult to me")
CONVERSATIONS = 40
decode = decoder(ScoredPost)


def outgoing(number: int, round_name: str) -> Outgoing:
    """A post in English; every round asks for the same texts."""
    conversation = f"c{number % CONVERSATIONS}"
    post = Post(
        post_id=f"{round_name}-{number}", revision=1, kind=PostKind.CREATED, conversation_id=conversation, author_id="a", market="GB",
        created_at=NOW, text=TEXTS[number % len(TEXTS)],
    )  # fmt: skip
    record = LanguagePost(post=post, received_at=NOW, language=Language(tag="en", confidence=0.9))
    return Outgoing(conversation.encode(), encode(record))


def value(process: Process, sample: str) -> float:
    """The sum of the metrics that begin with `sample`."""
    _, text = fetch(f"{process.addresses()['scoring']}/metrics")
    return sum(float(found) for found in re.findall(rf"^{re.escape(sample)}.*? ([\d.e+]+)$", text, re.M))


def test_two_scoring_workers_share_the_partitions_and_score_alike(topics: OwnTopics, tmp_path: Path) -> None:
    create(topics, (POSTS_LANGUAGE, POSTS_SCORED, DEAD_LETTERS))
    accurate, _ = build_cascade(tmp_path, {"en": CLEAR})
    shared = {"model": accurate, "data_dir": tmp_path / "data", "session_timeout_seconds": 6}
    with (
        worker(topics.address, topics.prefix, tmp_path / "one", ["scoring"], **shared) as one,
        worker(topics.address, topics.prefix, tmp_path / "two", ["scoring"], **shared) as two,
    ):
        both = (one.ready(["scoring"]), two.ready(["scoring"]))
        wait_for(
            lambda: [value(each, "sluice_assigned_partitions") for each in both] == [2, 2],
            lambda: f"the partitions are not shared:\n{one.log[-2000:]}{two.log[-2000:]}",
            60,
        )
        for name in ("first", "again"):
            topics.produce(POSTS_LANGUAGE, [outgoing(number, name) for number in range(200)])
        found = topics.read_all(POSTS_SCORED, lambda messages: len({decode(each.value).post.post_id for each in messages}) == 400, 60)
        wait_for(lambda: sum(value(each, "sluice_posts_total") for each in both) == 400, lambda: "not all are counted", 30)

        posts = [decode(message.value) for message in found]
        results = {(post.post.text, post.model_version, tuple(post.scores.items())) for post in posts}
        assert len(results) == len(TEXTS)  # each text has one result, whoever gave it and however often
        assert {version for _, version, _ in results} == {"tiny@1", "tiny-fast@3"}
        for each in both:
            assert value(each, 'sluice_posts_total{result="ok"') > 50
            assert value(each, 'sluice_scored_texts_total{language="en",tier="fast"}') > 0
            assert value(each, 'sluice_scored_texts_total{language="en",tier="accurate"}') > 0
            assert value(each, 'sluice_score_cache_total{lookup="hit"}') > value(each, 'sluice_score_cache_total{lookup="miss"}') > 0
        assert (one.stop(), two.stop()) == (0, 0)
