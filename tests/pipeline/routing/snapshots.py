"""What a reviewer of the last of some posts is shown."""

from __future__ import annotations

from pipeline.routing.context import Conversations, Snapshot
from schemas.records import Post


def snapshot(*posts: Post, max_posts: int = 10, max_bytes: int = 10_000) -> Snapshot:
    """Of the last of `posts`, after all of them came."""
    conversations = Conversations(1_000_000)
    for one in posts:
        conversations.add(one)
    return conversations.snapshot(posts[-1], max_posts, max_bytes)


def shown(result: Snapshot) -> list[str]:
    return [one.post_id for one in result.context.thread]
