"""The scoring agent: posts.language.v1 -> posts.scored.v1."""

from __future__ import annotations

from agents.edge import metrics
from agents.edge.runner import Agent
from agents.settings import Settings
from pipeline import flow
from pipeline.scoring.bundle import read_bundle
from schemas.records import LanguagePost


def agent(settings: Settings) -> Agent[LanguagePost]:
    """The stage with this worker's settings."""
    metrics.MODEL_INFO.labels(read_bundle(settings.model).model_version).set(1)
    return Agent(flow.scoring(settings.model, threads=settings.scoring_threads, batch=settings.scoring_batch))
