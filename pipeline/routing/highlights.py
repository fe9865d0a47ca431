"""Highlights for posts that go to people: who finds them, and for which posts. docs/decisions/0031-highlights.md"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from schemas.records import Highlight, ScoredPost


class Explanation(NamedTuple):
    """Words that speak for the labels that were asked about, and the model that found them; no model, no words."""

    highlights: tuple[Highlight, ...] = ()
    model_version: str | None = None


Explain = Callable[[ScoredPost, tuple[str, ...]], Explanation]
"""A post, and the labels for which it goes to people, gravest first."""


def unexplained(_scored: ScoredPost, _labels: tuple[str, ...]) -> Explanation:
    """No words."""
    return Explanation()


def explain_with(bundle: Path, passes: int) -> Explain:
    """Loads the fast tier of the bundle, or the bundle itself where it names none. ConfigError when one is not what it says it is.

    A post that another model scored gets no highlights: its scores and these words would be of two minds, and a replay after a change of
    models would show other words under the same task.
    """
    from pipeline.scoring.check import load_verified
    from pipeline.scoring.explain import Explainer
    from pipeline.scoring.tiers import Tier, read_tiers

    tiers = read_tiers(bundle)
    versions = {described.bundle.model_version for described in tiers.values()}
    explainer = Explainer(load_verified(tiers.get(Tier.FAST, tiers[Tier.ACCURATE]).directory), passes)

    def explain(scored: ScoredPost, labels: tuple[str, ...]) -> Explanation:
        if not labels or not scored.post.text or scored.model_version not in versions:
            return Explanation()
        found = explainer.explain(scored.post.text, scored.language.tag, labels)
        return Explanation(found, explainer.model_version) if found else Explanation()

    return explain
