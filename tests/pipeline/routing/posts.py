"""Scored posts and the house policy, to test routing with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline.config import read_toml
from pipeline.policy.evidence import Evidence
from pipeline.policy.policy import Policy, PolicySet, read_policies
from pipeline.routing.stage import RoutingStage
from schemas.records import Language, Media, Post, PostKind, ScoredPost, Unassessed

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
CASES = Path(__file__).parents[1] / "policy" / "cases"
EVIDENCE = read_toml(CASES / "evidence.toml", Evidence)
POLICY = read_policies(CASES / "policy.toml").policies[0].with_evidence(EVIDENCE)
POLICIES = PolicySet([POLICY])


def house(**changes: Any) -> Policy:
    """The house policy with `changes` of whole keys, and the same evidence."""
    return Policy.model_validate({**POLICY.model_dump(), **changes}).with_evidence(EVIDENCE)


def post(post_id: str = "p", **changes: Any) -> Post:
    """A post by `author-<id>` in conversation c."""
    fields: dict[str, Any] = {
        "post_id": post_id,
        "revision": 1,
        "kind": PostKind.CREATED,
        "conversation_id": "c",
        "author_id": f"author-{post_id}"[:200],
        "market": "GB",
        "created_at": NOW - dt.timedelta(minutes=1),
        "text": f"text of {post_id}",
    }
    return Post(**(fields | changes))


def scored(what: Post | None = None, *, tag: str = "en", alternatives: tuple[str, ...] = (), **changes: Any) -> ScoredPost:
    """A post that was assessed and in which nothing was found, with `changes`. Labels of the policy without a given score have 0, unless
    the scores that are given are empty: then nothing was scored.
    """
    fields: dict[str, Any] = {
        "post": what or post(),
        "received_at": NOW - dt.timedelta(seconds=1),
        "language": Language(tag=tag, confidence=0.95, alternatives=alternatives),
        "model_version": "tiny@1",
    }
    given = changes.pop("scores", None)
    scores = given if given == {} else dict.fromkeys(POLICY.labels, 0.0) | (given or {})
    return ScoredPost(**(fields | changes), scores=scores)


def stage(earlier: list[ScoredPost] | None = None, context_bytes: int = 1_000_000) -> RoutingStage:
    """A partition's routing under the house policy."""
    return RoutingStage(POLICIES, context_bytes, earlier or [])


_ids = st.sampled_from([f"p{number}" for number in range(8)])
_media = st.lists(st.just(Media(type="image/png", url="https://media.example/1")), max_size=2).map(tuple)
_posts = st.builds(
    Post,
    post_id=_ids,
    revision=st.integers(1, 3),
    kind=st.sampled_from(PostKind),
    conversation_id=st.sampled_from(["c1", "c2"]),
    author_id=st.sampled_from(["author-1", "author-2", "author-3"]),
    market=st.sampled_from(["GB", "BE", "DE", "SG"]),
    created_at=st.just(NOW),
    parent_id=st.none() | _ids,
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(["long " * 400, "é" * 900]),
    media=_media,
    reach=st.sampled_from([0, 10, 10**7, 2**63 - 1]),
)
streams = st.lists(
    st.builds(
        ScoredPost,
        post=_posts,
        received_at=st.just(NOW),
        language=st.builds(
            Language,
            tag=st.sampled_from(["en", "nl", "ms", "id", "und", "other"]),
            confidence=st.just(0.9),
            alternatives=st.sampled_from([(), ("id",), ("ms",)]),
        ),
        model_version=st.just("tiny@1"),
        scores=st.dictionaries(st.sampled_from(["toxic", "threat", "spam"]), st.floats(0, 1)),
        unassessed=st.lists(st.sampled_from(Unassessed), max_size=2, unique=True).map(tuple),
    ),
    max_size=25,
)
"""Scored posts of a partition in order, with duplicates, edits, deletions, cycles and replies to posts that never came."""


_TOLD = (PostKind.EDITED, PostKind.DELETED)


@st.composite
def conversations(draw: st.DrawFn) -> list[ScoredPost]:
    """A conversation as a platform sends it: each revision once and in order, replies to posts before them or to ones that never came;
    edits and deletions may leave out what the post answers.
    """
    sent: dict[str, Post] = {}
    stream: list[ScoredPost] = []
    for _ in range(draw(st.integers(1, 20))):
        post_id = draw(_ids)
        before = sent.get(post_id)
        answers = draw(st.sampled_from([None, "never", *(each for each in sent if each != post_id)]))
        if before is None:
            now = post(post_id, parent_id=answers, text=draw(st.sampled_from(["a", "b"])))
        else:
            kind = draw(st.sampled_from(_TOLD))
            named = before.parent_id if draw(st.booleans()) else None
            text = None if kind is PostKind.DELETED else "c"
            now = msgspec.structs.replace(before, revision=before.revision + 1, kind=kind, parent_id=named, text=text)
        sent[post_id] = now
        stream.append(scored(now, scores={"toxic": draw(st.sampled_from([0.1, 0.6, 0.97]))}))
    return stream
