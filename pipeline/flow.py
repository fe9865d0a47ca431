"""The flow, on one page: what each stage reads and writes, and what it is made of.

    posts.incoming.v1 -> language -> posts.language.v1 -> scoring -> posts.scored.v1 -> routing -> moderation.decisions.v1
                                                                                             `--> moderation.cases.v1

    moderation.cases.v1, and by people, their tools and the platform: task-events, verdicts, appeals, reports, enforcements, erasures
        -> cases -> moderation.decisions.v1, review.<region>.v1, task-events.v1, notices.v1

What cannot be read goes to moderation.dead-letters.v1, at every stage (the edge sees to that). Models and policies are loaded by `start`,
in the process that runs the stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.stage import Stage, StageSpec
from schemas.records import LanguagePost, Post, ScoredPost
from schemas.topics import CASES, DECISIONS, NOTICES, POSTS_INCOMING, POSTS_LANGUAGE, POSTS_SCORED, TASK_EVENTS, review_topic

if TYPE_CHECKING:
    from pipeline.cases.rules import Rules
    from pipeline.cases.spec import CasesSpec, Machine
    from pipeline.policy.policy import PolicySet
    from pipeline.scoring.cache import ScoreCache

STAGES = ("language", "scoring", "routing", "cases")
"""In the order of the flow."""


def language(*, batch: int) -> StageSpec[Post]:
    """Which language a post is in, and how sure that is."""

    def start() -> Callable[[Iterable[Post]], Stage[Post]]:
        from pipeline.language.identify import Identifier
        from pipeline.language.stage import LanguageStage

        stage = LanguageStage(Identifier())
        return lambda _history: stage

    return StageSpec("language", POSTS_INCOMING, (POSTS_LANGUAGE,), start, batch)


def scoring(bundle: Path, *, threads: int, batch: int, cache: ScoreCache | None) -> StageSpec[LanguagePost]:
    """The model's calibrated probability per label; where the bundle names a fast tier, that one's for what is clear."""

    def start() -> Callable[[Iterable[LanguagePost]], Stage[LanguagePost]]:
        from pipeline.scoring.check import load_scorer
        from pipeline.scoring.stage import ScoringStage

        stage = ScoringStage(load_scorer(bundle, threads, cache))
        return lambda _history: stage

    return StageSpec("scoring", POSTS_LANGUAGE, (POSTS_SCORED,), start, batch, quick_batch=-(-batch // 4))


class Shown(NamedTuple):
    """What people are shown with a post, and what that may cost: bytes of memory for conversations, per partition; words that the
    bundle's fast tier, or else its only model, looks at for highlights, a forward pass each (0: none).
    """

    context_bytes: int
    bundle: Path
    highlight_passes: int


def routing(policies: PolicySet, shown: Shown, *, history: int, batch: int) -> StageSpec[ScoredPost]:
    """Allow, limit, remove, or open a case for people; one conversation memory per partition."""

    def start() -> Callable[[Iterable[ScoredPost]], Stage[ScoredPost]]:
        from pipeline.routing.highlights import explain_with, unexplained
        from pipeline.routing.stage import RoutingStage

        explain = explain_with(shown.bundle, shown.highlight_passes) if shown.highlight_passes else unexplained
        return lambda earlier: RoutingStage(policies, shown.context_bytes, earlier, explain)

    return StageSpec("routing", POSTS_SCORED, (DECISIONS, CASES), start, batch, history)


def cases(rules: Rules) -> CasesSpec:
    """What people decide: a task, verdicts, appeals and reports for each post that the machine must not decide alone or has restricted."""

    def start() -> Callable[[int], Machine]:
        from pipeline.cases.shard import Shard

        return lambda shards: Shard(rules, shards)

    from pipeline.cases.spec import CasesSpec

    reviews = (review_topic(region.name) for region in rules.regions.regions)
    return CasesSpec(start, (DECISIONS, *reviews, TASK_EVENTS, NOTICES))
