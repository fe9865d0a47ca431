"""Posts to test with."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from schemas.records import Post, PostKind

FIELDS = {
    "post_id": "post-1",
    "revision": 1,
    "kind": "created",
    "conversation_id": "conversation-1",
    "author_id": "author-1",
    "market": "NL",
    "created_at": "2026-11-01T10:00:00Z",
    "text": "hallo",
}


def as_json(**changes: Any) -> bytes:
    """An ordinary post with `changes`, as a producer writes it."""
    return json.dumps({**FIELDS, **changes}).encode()


def some_post(*, text: str) -> Post:
    """An ordinary post."""
    return Post(
        post_id="post-1",
        revision=1,
        kind=PostKind.CREATED,
        conversation_id="conversation-1",
        author_id="author-1",
        market="NL",
        created_at=dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC),
        text=text,
    )
