"""The language agent: posts.incoming.v1 -> posts.language.v1."""

from __future__ import annotations

from agents.edge.runner import Agent
from agents.settings import Settings
from pipeline import flow
from schemas.records import Post


def agent(settings: Settings) -> Agent[Post]:
    """The stage with this worker's settings."""
    return Agent(flow.language(batch=settings.batch_posts))
