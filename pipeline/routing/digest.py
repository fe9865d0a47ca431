"""What proves which conversation a reviewer was shown. docs/reviewers.md says the same for tools in other languages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from schemas.records import Context, ContextPost, Post, ReviewPost

FORM = "sluice-context-1"


def digest_of(post: ReviewPost, context: Context) -> str:
    """Of what a review task shows: what a tool repeats in its verdict, once all of it was on the screen."""
    return digest(post, post.speaker, context.thread, context.missing)


def digest(post: Post | ReviewPost, speaker: str, thread: Iterable[ContextPost], missing: Iterable[str]) -> str:
    """SHA-256, as 64 hexadecimal digits, over the fields of `_fields`, each written as a netstring.

    A netstring is the number of UTF-8 bytes in decimal, a colon, the bytes, a comma; so no two lists of fields are written the same.
    """
    hashed = hashlib.sha256()
    for field in _fields(post, speaker, tuple(thread), tuple(missing)):
        data = field.encode()
        hashed.update(b"%d:%b," % (len(data), data))
    return hashed.hexdigest()


def _fields(post: Post | ReviewPost, speaker: str, thread: tuple[ContextPost, ...], missing: tuple[str, ...]) -> Iterator[str]:
    """In this order; numbers in decimal, `cut` as 0 or 1, times exactly as they stand in the record's JSON."""
    yield from (FORM, post.text or "", speaker, str(len(post.media)))
    for media in post.media:
        yield from (media.type, media.url)
    yield str(len(thread))
    for shown in thread:
        yield from (shown.post_id, shown.speaker, msgspec.to_builtins(shown.created_at), shown.kind.value)
        yield from (str(int(shown.cut)), str(shown.media), shown.text)
    yield from (str(len(missing)), *missing)
