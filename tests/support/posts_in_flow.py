"""Posts for tests of the flow. What the tiny model says of a text is decided by the labels' names in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from schemas.records import Decision
from schemas.wire import decoder
from tests.support.clients import Message, Outgoing

CALM = "the weather is lovely today and we walk along the river with our friends"
THREAT = "this is a threat threat threat threat threat and you will see it"
HATE = "i hate hate hate hate hate hate all of you people"
CALM_DUTCH = "het weer is vandaag heerlijk en wij lopen met onze vrienden langs de rivier"
THREAT_DUTCH = "dit is een threat threat threat threat threat en dat zul je nog wel zien"
HATE_DUTCH = "ik hate hate hate hate hate hate hate jullie allemaal en dat mag iedereen weten"

decode_decision = decoder(Decision)


def outgoing(post_id: str, conversation: str = "c", text: str | None = CALM, headers: Any = (), **fields: Any) -> Outgoing:
    """A post as a producer sends it; `fields` are set as they are."""
    post = {
        "post_id": post_id,
        "revision": 1,
        "kind": "created",
        "conversation_id": conversation,
        "author_id": f"author-of-{post_id}",
        "market": "GB",
        "created_at": "2026-11-01T10:00:00Z",
        "text": text,
        **fields,
    }
    value = {name: content for name, content in post.items() if content is not None}
    return Outgoing(conversation.encode(), json.dumps(value, ensure_ascii=False).encode(), headers)


def decisions(messages: list[Message]) -> dict[tuple[str, int], Decision]:
    """The decisions by post and revision. AssertionError if two of them on one revision have different ids."""
    found: dict[tuple[str, int], Decision] = {}
    for message in messages:
        decision = decode_decision(message.value)
        first = found.setdefault((decision.post_id, decision.revision), decision)
        assert first.decision_id == decision.decision_id, f"{decision.post_id}: two decisions on revision {decision.revision}"
    return found


def has_all(wanted: set[str]) -> Callable[[list[Message]], bool]:
    """A condition for `read_all`: every one of these keys is there. Decisions and review tasks have post ids, the others conversations'."""
    return lambda messages: wanted <= {(message.key or b"").decode() for message in messages}
