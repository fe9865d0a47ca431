"""What scores texts: a bundle's model, perhaps a fast one before it that settles what is clear, perhaps a cache before both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.scoring.cache import ScoreCache
from pipeline.scoring.model import Model, Scored
from pipeline.scoring.tiers import Tier, settles_below
from schemas.records import Language


class Verdict(NamedTuple):
    """A text's scores, and the model that gave them."""

    model: Model
    scored: Scored


class Scorer:
    """A bundle in use. One thread at a time may use it.

    Which tier decides a text follows from the text and its language alone: the fast tier computes each text by itself, and it settles one
    only if its scores, as they are recorded, lie below the bundle's `settle_below`.
    """

    def __init__(self, accurate: Model, fast: Model | None = None, cache: ScoreCache | None = None) -> None:
        self.models = {Tier.ACCURATE: accurate} if fast is None else {Tier.ACCURATE: accurate, Tier.FAST: fast}
        self._accurate, self._fast, self._cache = accurate, fast, cache
        self._settle_below = accurate.bundle.settle_below

    @property
    def model_version(self) -> str:
        """Of the bundle in use: what a post carries for which no model was asked."""
        return self._accurate.bundle.model_version

    def read(self, text: str) -> str:
        """`text` as the bundle in use reads it."""
        return self._accurate.prepared(text).text

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[Verdict]:
        """In the order of the texts. ValueError when a model gives what is no probability."""
        settled = self._settled(texts, languages)
        rest = [index for index in range(len(texts)) if index not in settled]
        scored = self._by(self._accurate, [texts[index] for index in rest], [languages[index] for index in rest])
        verdicts = settled | {index: Verdict(self._accurate, each) for index, each in zip(rest, scored, strict=True)}
        return [verdicts[index] for index in range(len(texts))]

    def _settled(self, texts: Sequence[str], languages: Sequence[Language]) -> dict[int, Verdict]:
        """By its index, each text that the fast tier settles."""
        if self._fast is None:
            return {}
        tags = [(language.tag, *language.alternatives) for language in languages]
        limits = {index: limit for index, each in enumerate(tags) if (limit := settles_below(self._settle_below, each))}
        scored = self._by(self._fast, [texts[index] for index in limits], [languages[index] for index in limits])
        return {
            index: Verdict(self._fast, each)
            for (index, limit), each in zip(limits.items(), scored, strict=True)
            if not each.truncated and all(each.probabilities[label] < below for label, below in limit.items())
        }

    def _by(self, model: Model, texts: Sequence[str], languages: Sequence[Language]) -> list[Scored]:
        tags = [language.tag for language in languages]
        return model.score(texts, tags) if self._cache is None else self._cache.score(model, texts, tags)
