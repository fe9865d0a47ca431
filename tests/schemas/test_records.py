"""The limits of records: what is just inside is read, what is just outside is not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import MAX_TEXT_BYTES, Post, PostKind
from schemas.wire import InvalidRecordError, decoder, encode
from tests.schemas.posts import as_json, some_post

decode = decoder(Post)


@pytest.mark.parametrize("character", ["a", "é", "€", "😀", "\0"])
def test_text_may_have_exactly_64_kib_of_utf8(character: str) -> None:
    whole, rest = divmod(MAX_TEXT_BYTES, len(character.encode()))
    text = character * whole + "a" * rest
    assert len(text.encode()) == 64 * 1024
    assert decode(as_json(text=text)).text == text
    with pytest.raises(InvalidRecordError, match="65537 bytes of UTF-8; at most 65536"):
        decode(as_json(text=text + "a"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("post_id", "post-1\n"),
        ("post_id", "\npost-1"),
        ("conversation_id", "conversation-1\n"),
        ("author_id", "author-1\n"),
        ("parent_id", "post-0\n"),
        ("market", "NL\n"),
    ],
)
def test_no_pattern_lets_a_newline_through(field: str, value: str) -> None:
    with pytest.raises(InvalidRecordError, match=rf"^`{field}` must be "):
        decode(as_json(**{field: value}))


def test_a_line_break_that_moves_all_that_follows_by_one_field_is_found() -> None:
    with pytest.raises(InvalidRecordError, match=r"^`post_id` must be "):
        decode(as_json(post_id="a\nb", conversation_id="c", author_id="d", parent_id="NL", market="NL"))
    with pytest.raises(InvalidRecordError, match=r"^`post_id` must be "):
        decode(as_json(post_id="a\nb", conversation_id="c", author_id="NL", parent_id=None, market="d"))


def test_what_no_pattern_fits_is_refused_where_a_post_is_made_too() -> None:
    with pytest.raises(ValueError, match=r"^`market` must be two capital letters, such as NL$"):
        replace(some_post(text="hallo"), market="Netherlands")


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("post_id", "a", ""),
        ("post_id", "a" * 200, "a" * 201),
        ("post_id", "A.z_0:9-", "a/b"),
        ("market", "NL", "nl"),
        ("market", "NL", "NLD"),
        ("language_hint", "x" * 1000, "x" * 1001),
        ("revision", 1, 0),
        ("revision", 2**31 - 1, 2**31),
        ("reach", 0, -1),
        ("reach", 2**63 - 1, 2**63),
        ("created_at", "2026-11-01T10:00:00Z", "2026-11-01T10:00:00"),
        ("media", [{"type": "image/png", "url": "u" * 2048}], [{"type": "image/png", "url": "u" * 2049}]),
        ("media", [{"type": "t" * 100, "url": "u"}] * 32, [{"type": "t", "url": "u"}] * 33),
    ],
)
def test_a_limit(field: str, inside: Any, outside: Any) -> None:
    decode(as_json(**{field: inside}))
    with pytest.raises(InvalidRecordError, match=rf"`(\$\.)?{field}") as refused:
        decode(as_json(**{field: outside}))
    assert refused.value.reason == "invalid"


@pytest.mark.parametrize("kind", ["created", "edited"])
def test_a_post_that_is_there_needs_text_or_media(kind: str) -> None:
    with pytest.raises(InvalidRecordError, match=f"'{kind}' needs `text` or `media`"):
        decode(as_json(kind=kind, text=None))
    assert decode(as_json(kind=kind, text=None, media=[{"type": "image/png", "url": "https://example.org/1.png"}])).text is None


def test_a_deleted_post_needs_neither() -> None:
    assert decode(as_json(kind="deleted", text=None)).kind is PostKind.DELETED


def test_what_is_absent_is_left_out_and_never_null() -> None:
    written = encode(some_post(text="hallo"))
    assert b"null" not in written
    assert not {b"parent_id", b"language_hint", b"media", b"reach"} & set(written.replace(b'"', b" ").split())
