"""Step three of the flow: scored posts in, decisions and review tasks out."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence

import msgspec

from pipeline.policy.policy import PolicySet
from pipeline.policy.regions import Regions
from pipeline.routing.context import Conversations, alone
from pipeline.routing.decide import decide
from pipeline.stage import Incoming, Output
from schemas.records import ScoredPost, Unassessed


class RoutingStage:
    """pipeline.stage.Stage for ScoredPost, for one partition: it remembers its conversations.

    `context_bytes` bounds that memory; `earlier` are the posts before the partition's position, oldest first.
    """

    def __init__(self, policies: PolicySet, regions: Regions, context_bytes: int, earlier: Iterable[ScoredPost]) -> None:
        self._policies = policies
        self._regions = regions
        self._conversations = Conversations(context_bytes)
        for scored in earlier:
            self._conversations.add(scored.post)

    def process(self, batch: Sequence[Incoming[ScoredPost]], now: dt.datetime) -> list[list[Output]]:
        """For each post a Decision, and a ReviewTask where a person must look."""
        return [self._route(item.record, now) for item in batch]

    def fallback(self, item: Incoming[ScoredPost], now: dt.datetime) -> list[Output]:
        """As unassessed, without its conversation: what broke may be in there. Scores that it has may still bring it to people."""
        scored = item.record
        failed = msgspec.structs.replace(scored, unassessed=tuple(dict.fromkeys((*scored.unassessed, Unassessed.STAGE_ERROR))))
        return decide(failed, self._policies.at(scored.received_at), self._regions, functools.partial(alone, scored.post), now)

    def _route(self, scored: ScoredPost, now: dt.datetime) -> list[Output]:
        self._conversations.add(scored.post)
        policy = self._policies.at(scored.received_at)
        show = functools.partial(self._conversations.snapshot, scored.post, policy.review.context_posts, policy.review.context_bytes)
        return decide(scored, policy, self._regions, show, now)
