"""Event types."""

from __future__ import annotations

import pytest

from schemas.headers import CE_TYPE, event_type, event_type_check
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING, POSTS_LANGUAGE, TOPICS, review_topic
from schemas.wire import InvalidRecordError


def test_an_event_type_names_the_record_and_the_topics_version() -> None:
    assert [event_type(topic) for topic in TOPICS if topic.record] == [
        "sluice.post.v1",
        "sluice.language-post.v1",
        "sluice.scored-post.v1",
        "sluice.decision.v1",
        "sluice.review-task.v1",
        "sluice.case-event.v1",
        "sluice.task-event.v1",
        "sluice.verdict.v1",
        "sluice.appeal.v1",
        "sluice.report.v1",
        "sluice.enforcement.v1",
        "sluice.erasure.v1",
        "sluice.case-state.v1",
        "sluice.case-file.v1",
        "sluice.notice.v1",
    ]
    assert event_type(review_topic("nl-be")) == "sluice.review-task.v1"


def test_dead_letters_have_no_type_of_their_own() -> None:
    with pytest.raises(ValueError, match="any type"):
        event_type(DEAD_LETTERS)


@pytest.mark.parametrize("value", [None, b"", b"com.example.post", b"\xff", b"Sluice.post.v9", b"sluice.post.v1"])
def test_a_type_that_is_right_absent_or_not_ours_is_let_through(value: bytes | None) -> None:
    event_type_check(POSTS_INCOMING)([(CE_TYPE, value)])


def test_the_right_type_depends_on_the_topic() -> None:
    event_type_check(POSTS_LANGUAGE)([(CE_TYPE, b"sluice.language-post.v1")])
    with pytest.raises(InvalidRecordError, match=r"carries 'sluice\.post\.v1'") as refused:
        event_type_check(POSTS_INCOMING)([(CE_TYPE, b"sluice.language-post.v1")])
    assert refused.value.reason == "schema_version"


def test_the_message_does_not_grow_with_the_header() -> None:
    with pytest.raises(InvalidRecordError) as refused:
        event_type_check(POSTS_INCOMING)([(CE_TYPE, b"sluice." + b"\xff" * 100_000)])
    assert len(str(refused.value)) < 1000
