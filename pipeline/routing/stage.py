"""Step three of the flow: scored posts in, decisions and what opens cases out."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence

import msgspec

from pipeline.policy.policy import PolicySet
from pipeline.routing.context import Conversations, alone
from pipeline.routing.decide import Sight, decide
from pipeline.routing.highlights import Explain, unexplained
from pipeline.stage import Incoming, Output
from schemas.records import ScoredPost, Unassessed


class RoutingStage:
    """pipeline.stage.Stage for ScoredPost, for one partition: it remembers its conversations.

    `context_bytes` bounds that memory; `earlier` are the posts before the partition's position, oldest first. `explain` is asked for posts
    that go to people.
    """

    def __init__(self, policies: PolicySet, context_bytes: int, earlier: Iterable[ScoredPost], explain: Explain = unexplained) -> None:
        self._policies = policies
        self._explain = explain
        self._conversations = Conversations(context_bytes)
        for scored in earlier:
            self._conversations.add(scored.post)

    def process(self, batch: Sequence[Incoming[ScoredPost]], now: dt.datetime) -> list[list[Output]]:
        """For each post a Decision (for an edit a proposal), and a CaseEvent where people may have to look."""
        return [self._route(item.record, now) for item in batch]

    def fallback(self, item: Incoming[ScoredPost], now: dt.datetime) -> list[Output]:
        """As unassessed, without conversation and highlights: what broke may be in there. Its scores may still bring it to people."""
        scored = item.record
        failed = msgspec.structs.replace(scored, unassessed=tuple(dict.fromkeys((*scored.unassessed, Unassessed.STAGE_ERROR))))
        sight = Sight(functools.partial(alone, scored.post), unexplained)
        return decide(failed, self._policies.at(scored.received_at), sight, now)

    def _route(self, scored: ScoredPost, now: dt.datetime) -> list[Output]:
        self._conversations.add(scored.post)
        policy = self._policies.at(scored.received_at)
        show = functools.partial(self._conversations.snapshot, scored.post, policy.review.context_posts, policy.review.context_bytes)
        return decide(scored, policy, Sight(show, self._explain), now)
