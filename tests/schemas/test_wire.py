"""Records to bytes and back."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Decision, Language, LanguagePost, Media, Post, PostKind, Unassessed
from schemas.wire import InvalidRecordError, decoder, encode
from tests.schemas.posts import as_json, some_post

ids = st.text("ABCxyz019._:-", min_size=1, max_size=200)
# What UTF-8 can hold: everything but surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
times = st.datetimes(timezones=offsets)
media = st.builds(Media, type=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100), url=ids)
posts = st.builds(
    Post,
    post_id=ids,
    revision=st.integers(1, 2**31 - 1),
    kind=st.sampled_from(PostKind),
    conversation_id=ids,
    author_id=ids,
    market=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2),
    created_at=times,
    parent_id=st.none() | ids,
    language_hint=st.none() | st.sampled_from(["nl", "zh-Hant", "sr-Latn-RS"]),
    text=texts,
    media=st.lists(media, max_size=3).map(tuple),
    reach=st.integers(0, 2**63 - 1),
)
languages = st.builds(Language, tag=ids, confidence=st.floats(0, 1), alternatives=st.lists(ids, max_size=2).map(tuple))
language_posts = st.builds(
    LanguagePost, post=posts, received_at=times, language=languages, unassessed=st.lists(st.sampled_from(Unassessed), max_size=2).map(tuple)
)


@given(posts)
def test_a_post_comes_back_as_it_went(post: Post) -> None:
    assert decoder(Post)(encode(post)) == post


@given(language_posts)
def test_a_record_with_records_inside_comes_back_as_it_went(record: LanguagePost) -> None:
    assert decoder(LanguagePost)(encode(record)) == record


@given(posts)
def test_what_is_written_is_json_for_everyone(post: Post) -> None:
    read = json.loads(encode(post))
    assert read["text"] == post.text
    assert dt.datetime.fromisoformat(read["created_at"]) == post.created_at


@given(st.binary(max_size=300))
def test_any_bytes_are_a_post_or_refused(value: bytes) -> None:
    with pytest.raises(InvalidRecordError):
        decoder(Post)(value)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_post_is_a_post_or_refused(data: st.DataObject) -> None:
    value = bytearray(encode(some_post(text="één mooie dag 😀")))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        post = decoder(Post)(bytes(value))
    except InvalidRecordError as refused:
        assert refused.reason in {"not_json", "invalid"}
    else:
        assert decoder(Post)(encode(post)) == post


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "empty"), (b"", "empty"), (b"{", "not_json"), (b'{"text":"\xff"}', "not_json"), (b"{}", "invalid")]
)
def test_the_reason_of_a_refusal(value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidRecordError) as refused:
        decoder(Post)(value)
    assert refused.value.reason == reason


def test_unknown_fields_are_ignored() -> None:
    assert decoder(Post)(as_json(brand_new={"a": [1]})) == some_post(text="hallo")


def test_one_record_is_not_another() -> None:
    with pytest.raises(InvalidRecordError, match="missing required field `decision_id`"):
        decoder(Decision)(as_json())
