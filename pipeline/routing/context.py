"""Recent conversations of a partition, in bounded memory, and the part of one that a reviewer is shown with a post."""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.routing.digest import digest
from schemas.records import Context, ContextPost, Post, PostKind

KEPT_POSTS = 256
"""Posts kept of one conversation, and so the most that a snapshot looks at: five times what a policy may show."""

MIN_TEXT = 160
"""Bytes: a text is not shown cut to less than that, nobody could judge by it."""

_POST_BYTES = 600
_CONVERSATION_BYTES = 600
"""CPython 3.11's cost of a kept post without its strings, and of a conversation without its posts: 560 and 310 with tracemalloc, rounded
up; the second by an id of 200 characters."""


class Snapshot(NamedTuple):
    """What a reviewer is shown; `speaker` is the letter of the post's own author."""

    context: Context
    speaker: str


class _Kept:
    """A post as it is remembered. `position`: when its first revision came; `seen`: when this one did.

    `parent_id` None with `parent_known`: it answers nothing; without: nobody knows what it answers.
    """

    __slots__ = (
        "author_id",
        "created_at",
        "kind",
        "media",
        "parent_id",
        "parent_known",
        "position",
        "post_id",
        "revision",
        "seen",
        "size",
        "text",
    )

    def __init__(self, post: Post, known: _Kept | None, now: int) -> None:
        gone = post.kind is PostKind.DELETED
        self.post_id = post.post_id
        self.revision = post.revision
        self.kind = post.kind
        self.parent_id, self.parent_known = _parent(post, known)
        self.author_id = post.author_id
        self.created_at = post.created_at
        self.text = "" if gone else post.text or ""
        self.media = 0 if gone else len(post.media)
        self.position: int = known.position if known else now
        self.seen = now
        self.size = _POST_BYTES + sys.getsizeof(self.text) + len(post.post_id) + len(post.author_id) + len(self.parent_id or "")


_Posts = OrderedDict[str, _Kept]


class Conversations:
    """Posts of the conversations that were active last, at most `max_bytes` of memory (or one post, if that alone is larger)."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clock = 0
        self._conversations: OrderedDict[str, _Posts] = OrderedDict()

    @property
    def bytes(self) -> int:
        """Memory in use, estimated."""
        return self._bytes

    def add(self, post: Post) -> None:
        """Remembers a post. An edit replaces it, a deletion blanks it; a duplicate and an older revision change nothing."""
        posts = self._conversations.get(post.conversation_id)
        if posts is None:
            posts = self._conversations[post.conversation_id] = OrderedDict()
            self._bytes += _CONVERSATION_BYTES
        else:
            self._conversations.move_to_end(post.conversation_id)
        known = posts.get(post.post_id)
        if known and not _newer(post, known):
            return
        self._clock += 1
        kept = _Kept(post, known, self._clock)
        posts[post.post_id] = kept
        self._bytes += kept.size - (known.size if known else 0)
        if len(posts) > KEPT_POSTS:
            self._forget_oldest(posts, post.post_id)
        while self._bytes > self._max_bytes and self._forget(posts, post.post_id):
            pass

    def _forget(self, current: _Posts, keep: str) -> bool:
        """Makes room: the conversation that was quiet longest, then the oldest of the one at hand. False if nothing is left to forget."""
        if len(self._conversations) > 1:
            _, posts = self._conversations.popitem(last=False)
            self._bytes -= _CONVERSATION_BYTES + sum(kept.size for kept in posts.values())
            return True
        return self._forget_oldest(current, keep)

    def _forget_oldest(self, posts: _Posts, keep: str) -> bool:
        oldest = next((post_id for post_id in posts if post_id != keep), None)
        if oldest is None:
            return False
        self._bytes -= posts.pop(oldest).size
        return True

    def snapshot(self, post: Post, max_posts: int, max_bytes: int) -> Snapshot:
        """The posts that `post` answers, nearest first in preference, and as much as fits of what came last before it.

        At most `max_posts` posts and `max_bytes` of text. Only what arrived before this revision of the post is shown: a later reply or
        edit is not. `missing` names the nearest ancestor that is unknown or did not fit, or the post of which nobody knows what it
        answers. `complete` is false then, and where a shown post has media: the task carries only their number, no tool can show them.
        Posts beside the chain that do not fit lack nothing.
        """
        posts: _Posts | dict[str, _Kept] = self._conversations.get(post.conversation_id, {})
        own = posts.get(post.post_id)
        horizon, position = (own.seen, own.position) if own else (math.inf, math.inf)
        room = _Room(max_posts, max_bytes)
        missing = None
        for ancestor, kept in _chain(post, posts):
            if kept is None or kept.seen > horizon or not room.take(kept):
                missing = ancestor
                break
        for kept in reversed(posts.values()):
            if kept.position < position and kept.seen < horizon and kept.post_id not in room.shown and not room.take(kept):
                break
        return _shown(post, room, () if missing is None else (missing,))


def alone(post: Post) -> Snapshot:
    """A post without its conversation, which is not known: never complete."""
    missing = () if post.parent_id is None else (post.parent_id,)
    context = Context(complete=False, digest=digest(post, letters(0), (), missing), missing=missing)
    return Snapshot(context, letters(0))


class _Room:
    """What is shown, as far as it fits. One text takes at most a quarter of the bytes, so that a long one does not hide the others."""

    def __init__(self, max_posts: int, max_bytes: int) -> None:
        self.shown: dict[str, tuple[_Kept, str]] = {}
        self._posts, self._bytes, self._largest = max_posts, max_bytes, max(MIN_TEXT, max_bytes // 4)

    def take(self, kept: _Kept) -> bool:
        """Shows the post, cut if need be; False if it does not fit."""
        size = len(kept.text.encode())
        allowed = min(self._bytes, self._largest)
        if len(self.shown) >= self._posts or allowed < min(size, MIN_TEXT):
            return False
        text = kept.text if size <= allowed else cut(kept.text, allowed)
        self._bytes -= min(size, allowed)
        self.shown[kept.post_id] = kept, text
        return True


def _chain(post: Post, posts: _Posts | dict[str, _Kept]) -> Iterator[tuple[str, _Kept | None]]:
    """The post that it answers, the one that that answers, and so on; ends where it would go round, or with None: for a post that is
    unknown, and again for one of which nobody knows what it answers.
    """
    at = post.post_id
    parent, known = _parent(post, posts.get(at))
    visited = {at}
    while parent is not None and parent not in visited:
        at = parent
        visited.add(at)
        kept = posts.get(at)
        yield at, kept
        parent, known = (kept.parent_id, kept.parent_known) if kept else (None, True)
    if not known:
        yield at, None


def _parent(post: Post, known: _Kept | None) -> tuple[str | None, bool]:
    """What a post answers, and whether that is known. A deletion or an edit that names nothing leaves it as it was: a producer that says
    it only once must not make a conversation look whole.
    """
    if post.parent_id is not None or (post.kind is PostKind.CREATED and post.revision == 1):
        return post.parent_id, True
    return (known.parent_id, known.parent_known) if known else (None, False)


def _shown(post: Post, room: _Room, missing: tuple[str, ...]) -> Snapshot:
    ordered = sorted(room.shown.values(), key=lambda shown: shown[0].position)
    speakers = _speakers([*(kept.author_id for kept, _ in ordered), post.author_id])
    thread = tuple(
        ContextPost(
            post_id=kept.post_id,
            speaker=speakers[kept.author_id],
            created_at=kept.created_at,
            kind=kept.kind,
            text=text,
            cut=len(text) < len(kept.text),
            media=kept.media,
        )
        for kept, text in ordered
    )
    speaker = speakers[post.author_id]
    complete = not missing and not any(shown.media for shown in thread)
    return Snapshot(Context(complete=complete, digest=digest(post, speaker, thread, missing), thread=thread, missing=missing), speaker)


def _speakers(authors: Iterable[str]) -> dict[str, str]:
    return {author: letters(number) for number, author in enumerate(dict.fromkeys(authors))}


def letters(number: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    name = ""
    while number >= 0:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
    return name


def cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8 from the start; no character is split."""
    return text[:size].encode()[:size].decode(errors="ignore")


def _newer(post: Post, known: _Kept) -> bool:
    """A deletion counts even under the revision that it deletes: what must not be shown is not shown."""
    if post.revision == known.revision:
        return post.kind is PostKind.DELETED and known.kind is not PostKind.DELETED
    return post.revision > known.revision
