"""What a reviewer is shown of a conversation."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.routing.context import KEPT_POSTS, Conversations, alone, cut, letters
from schemas.records import Media, Post, PostKind, ScoredPost
from tests.pipeline.routing.posts import post, streams
from tests.pipeline.routing.snapshots import shown, snapshot

IMAGE = Media(type="image/png", url="https://media.example/1")


def test_the_chain_and_the_last_posts_before_it_oldest_first() -> None:
    result = snapshot(post("a"), post("b"), post("c", parent_id="a"), post("d"), post("e", parent_id="c"), max_posts=3)
    assert shown(result) == ["a", "c", "d"]  # e answers c, c answers a; then d, for which there is room, and not b
    assert result.context.complete
    assert result.context.missing == ()


def test_speakers_are_letters_in_order_of_appearance() -> None:
    result = snapshot(post("a", author_id="x"), post("b", author_id="y"), post("c", author_id="x"), post("d", author_id="z"))
    assert [one.speaker for one in result.context.thread] == ["A", "B", "A"]
    assert result.speaker == "C"


def test_an_author_who_spoke_before_keeps_the_letter() -> None:
    assert snapshot(post("a", author_id="x"), post("b", author_id="y"), post("c", author_id="x")).speaker == "A"


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")])
def test_letters(number: int, name: str) -> None:
    assert letters(number) == name


def test_an_unknown_parent_is_missing() -> None:
    result = snapshot(post("a"), post("b", parent_id="gone"))
    assert (shown(result), result.context.complete, result.context.missing) == (["a"], False, ("gone",))


def test_a_broken_chain_names_where_it_broke() -> None:
    result = snapshot(post("a"), post("b", parent_id="gone"), post("c", parent_id="b"))
    assert (shown(result), result.context.missing) == (["a", "b"], ("gone",))


def test_an_ancestor_that_does_not_fit_is_missing() -> None:
    result = snapshot(post("a"), post("b", parent_id="a"), post("c", parent_id="b"), post("d", parent_id="c"), max_posts=2)
    assert (shown(result), result.context.complete, result.context.missing) == (["b", "c"], False, ("a",))


def test_a_bystander_that_does_not_fit_is_not() -> None:
    assert snapshot(post("a"), post("b"), post("c"), max_posts=1).context.complete


def test_a_parent_of_another_conversation_is_missing() -> None:
    result = snapshot(post("a", conversation_id="other"), post("b", parent_id="a"))
    assert (shown(result), result.context.missing) == ([], ("a",))


@pytest.mark.parametrize(
    "posts",
    [
        [post("a", parent_id="a")],
        [post("a", parent_id="b"), post("b", parent_id="a")],
        [post("a", parent_id="c"), post("b", parent_id="a"), post("c", parent_id="b")],
    ],
    ids=["itself", "each other", "round"],
)
def test_a_chain_that_goes_round_ends(posts: list[Post]) -> None:
    result = snapshot(*posts)
    assert shown(result) == [one.post_id for one in posts[:-1]]
    assert result.context.complete


def test_an_edit_replaces_the_text_and_keeps_its_place() -> None:
    edited = post("a", revision=2, kind=PostKind.EDITED, text="new")
    result = snapshot(post("a"), post("b"), edited, post("c"))
    assert [(one.post_id, one.text, one.kind) for one in result.context.thread] == [
        ("a", "new", PostKind.EDITED),
        ("b", "text of b", PostKind.CREATED),
    ]


def test_an_edited_post_is_shown_with_what_stood_before_it() -> None:
    result = snapshot(post("a"), post("b"), post("c"), post("b", revision=2, kind=PostKind.EDITED, text="new"))
    assert shown(result) == ["a"]


def test_a_deletion_blanks_the_text() -> None:
    deleted = post("a", revision=2, kind=PostKind.DELETED, text=None)
    (gone,) = snapshot(post("a", media=(IMAGE,)), deleted, post("b", parent_id="a")).context.thread
    assert (gone.text, gone.media, gone.kind) == ("", 0, PostKind.DELETED)


def test_a_deletion_under_the_same_revision_blanks_it_too() -> None:
    (gone,) = snapshot(post("a"), post("a", kind=PostKind.DELETED, text="still there"), post("b")).context.thread
    assert (gone.text, gone.kind) == ("", PostKind.DELETED)


def test_an_older_revision_changes_nothing() -> None:
    (kept,) = snapshot(post("a", revision=3, text="newest"), post("a", revision=2, text="older"), post("b")).context.thread
    assert kept.text == "newest"


def test_a_duplicate_is_shown_what_the_first_was() -> None:
    conversations = Conversations(1_000_000)
    for one in (post("a"), post("b", parent_id="a")):
        conversations.add(one)
    first = conversations.snapshot(post("b", parent_id="a"), 10, 10_000)
    for one in (post("c"), post("a", revision=2, text="seen by nobody then"), post("b", parent_id="a")):
        conversations.add(one)
    later = conversations.snapshot(post("b", parent_id="a"), 10, 10_000)
    assert shown(first) == ["a"]
    assert (shown(later), later.context.missing) == ([], ("a",))  # the old text is gone, the new one came later


def test_long_texts_are_cut_and_leave_room_for_others() -> None:
    result = snapshot(post("a", text="long " * 1000), post("b", parent_id="a"), post("c", parent_id="b"), max_bytes=1000)
    assert [(len(one.text), one.cut) for one in result.context.thread] == [(250, True), (9, False)]
    assert result.context.complete


def test_an_ancestor_among_the_last_posts_takes_its_room_once() -> None:
    long = [post(name, text="long " * 100) for name in ("a", "b", "c", "d")]
    assert shown(snapshot(*long, post("e", parent_id="d"), max_bytes=1000)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "size", "expected"), [("abc", 2, "ab"), ("é" * 3, 3, "é"), ("a😀b", 4, "a"), ("a😀b", 5, "a😀"), ("", 5, "")]
)
def test_no_character_is_split(text: str, size: int, expected: str) -> None:
    assert cut(text, size) == expected


def test_media_beside_the_post_cannot_be_shown() -> None:
    assert not snapshot(post("a", media=(IMAGE,)), post("b")).context.complete


def test_media_of_the_post_itself_can() -> None:
    assert snapshot(post("a"), post("b", media=(IMAGE,))).context.complete


def test_alone_is_never_complete() -> None:
    assert alone(post("a")).context.complete is False
    assert alone(post("a", parent_id="b")).context.missing == ("b",)


def test_the_digest_can_be_computed_elsewhere() -> None:
    result = snapshot(post("a", text="één", media=(IMAGE,)), post("b", parent_id="a", media=(IMAGE,), text="twee"))
    said = (
        "16:sluice-context-1,4:twee,1:B,1:1,9:image/png,23:https://media.example/1,"  # the post
        "1:1,1:a,1:A,20:2026-11-03T11:59:00Z,7:created,1:0,1:1,5:één,"  # one post before it
        "1:0,"  # none missing
    )
    assert result.context.digest == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        [post("a"), post("b", text="other")],
        [post("a"), post("b", media=(IMAGE,))],
        [post("a", text="other"), post("b")],
        [post("a", media=(IMAGE,)), post("b")],
        [post("a", author_id="author-b"), post("b")],
        [post("a"), post("b", parent_id="gone")],
        [post("a", kind=PostKind.EDITED), post("b")],
        [post("a2", text="text of a"), post("b")],
        [post("b")],
    ],
)
def test_the_digest_changes_with_what_is_shown(changed: list[Post]) -> None:
    assert snapshot(*changed).context.digest != snapshot(post("a"), post("b")).context.digest


@given(streams, st.integers(0, 5), st.integers(200, 3000))
def test_a_snapshot_stays_within_its_limits(stream: list[ScoredPost], max_posts: int, max_bytes: int) -> None:
    conversations = Conversations(1_000_000)
    for one in stream:
        conversations.add(one.post)
        context, speaker = conversations.snapshot(one.post, max_posts, max_bytes)
        assert len(context.thread) <= max_posts
        assert sum(len(shown.text.encode()) for shown in context.thread) <= max_bytes
        ids = [shown.post_id for shown in context.thread]
        assert len(set(ids)) == len(ids)
        assert one.post.post_id not in ids
        assert not (context.complete and context.missing)
        assert {speaker, *(shown.speaker for shown in context.thread)} <= {"A", "B", "C"}
        letters_in_order = dict.fromkeys([*(shown.speaker for shown in context.thread), speaker])
        assert list(letters_in_order) == ["A", "B", "C"][: len(letters_in_order)]


@given(streams)
def test_what_comes_later_is_never_shown(stream: list[ScoredPost]) -> None:
    once = list({one.post.post_id: one.post for one in stream}.values())
    conversations, then = Conversations(1_000_000), []
    for one in once:
        conversations.add(one)
        then.append(conversations.snapshot(one, 10, 10_000))
    assert [conversations.snapshot(one, 10, 10_000) for one in once] == then


@given(streams, st.integers(1_000, 20_000))
@settings(max_examples=50)
def test_memory_is_bounded(stream: list[ScoredPost], max_bytes: int) -> None:
    conversations = Conversations(max_bytes)
    largest_post = 6_000  # the longest text of a stream, and what a post and its conversation cost
    for one in stream:
        conversations.add(one.post)
        assert conversations.bytes <= max(max_bytes, largest_post)
        conversations.snapshot(one.post, 10, 10_000)


def test_an_edit_takes_the_room_of_what_it_replaces() -> None:
    conversations = Conversations(1_000_000)
    conversations.add(post("a", text="long " * 1000))
    conversations.add(post("a", text="short", revision=2))
    once = Conversations(1_000_000)
    once.add(post("a", text="short"))
    assert conversations.bytes == once.bytes


def test_quiet_conversations_are_forgotten_first() -> None:
    conversations = Conversations(20_000)
    conversations.add(post("a", conversation_id="busy"))
    for number in range(100):
        conversations.add(post(f"q{number}", conversation_id=f"quiet-{number}"))
        conversations.add(post("b", conversation_id="busy", revision=number + 1))
    last = post("last", conversation_id="busy", parent_id="a")
    conversations.add(last)
    assert conversations.snapshot(last, 10, 10_000).context.complete
    early = post("early", conversation_id="quiet-3", parent_id="q3")
    assert conversations.snapshot(early, 10, 10_000).context.missing == ("q3",)


def test_a_huge_conversation_costs_no_more_than_a_small_one() -> None:
    conversations = Conversations(100_000_000)
    started = time.process_time()
    for number in range(100_000):
        one = post(f"p{number}", parent_id=f"p{number - 1}")
        conversations.add(one)
        if number % 100 == 0:
            conversations.snapshot(one, 50, 10_000)
    seconds = time.process_time() - started
    assert seconds < 20  # 1 s here; were a post's cost to grow with the conversation, minutes
    kept, forgotten = (post("new", parent_id=f"p{100_000 - back}") for back in (KEPT_POSTS, KEPT_POSTS + 1))
    assert conversations.snapshot(kept, 1, 10_000).context.missing != (kept.parent_id,)
    assert conversations.snapshot(forgotten, 1, 10_000).context.missing == (forgotten.parent_id,)
