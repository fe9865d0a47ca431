"""The scoring agent: posts.language.v1 -> posts.scored.v1."""

from __future__ import annotations

import logging

from agents.edge import metrics
from agents.edge.runner import Agent
from agents.settings import Settings
from pipeline import flow
from pipeline.language.languages import LANGUAGES, OTHER, UNDETERMINED
from pipeline.scoring.bundle import GOLDEN
from pipeline.scoring.cache import ScoreCache
from pipeline.scoring.tiers import read_tiers
from schemas.records import LanguagePost

logger = logging.getLogger(__name__)


def agent(settings: Settings) -> Agent[LanguagePost]:
    """The stage with this worker's settings. Raises ConfigError where the tiers of the model do not fit together."""
    tiers = read_tiers(settings.model)
    for tier, described in tiers.items():
        metrics.MODEL_INFO.labels(described.bundle.model_version, tier.value).set(1)
        if not (described.directory / GOLDEN).exists():
            logger.warning("%s: has no %s: whether this processor shifts its scores is not known", described.directory, GOLDEN)
    cache = ScoreCache(settings.score_cache_bytes, metrics.count_cache) if settings.score_cache_bytes else None
    spec = flow.scoring(settings.model, threads=settings.scoring_threads, batch=settings.scoring_batch, cache=cache)
    versions = {described.bundle.model_version: tier.value for tier, described in tiers.items()}
    return Agent(spec, metrics.ScoringMetrics(versions, languages={*LANGUAGES, OTHER, UNDETERMINED}))
