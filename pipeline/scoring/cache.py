"""Scores of texts that come again and again, such as spam and greetings. docs/decisions/0030-score-cache.md"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from cachetools import LRUCache

from pipeline.scoring.model import Model, Prepared, Scored

ENTRY_BYTES = 1024
"""What an entry counts for besides its text: key, scores and their places in two dictionaries take 900 bytes with seven labels in CPython
3.11 (tracemalloc), rounded up. So the bound on bytes bounds the entries as well."""

Key = tuple[str, str, Prepared]
"""Model version, language tag, text in the model's form: all that a score depends on."""


class ScoreCache:
    """The texts that were scored last, with their scores, in at most `max_bytes`. `count` is told of hits and misses, a batch at a time."""

    def __init__(self, max_bytes: int, count: Callable[[int, int], None]) -> None:
        self._known: LRUCache[Key, tuple[int, Scored]] = LRUCache(max_bytes, getsizeof=lambda entry: entry[0])
        self._count = count

    def score(self, model: Model, texts: Sequence[str], languages: Sequence[str]) -> list[Scored]:
        """What `model.score` gives. What is known is not computed again, and what stands twice in a batch is computed once."""
        keys: list[Key] = [
            (model.bundle.model_version, language, model.prepared(text)) for text, language in zip(texts, languages, strict=True)
        ]
        found = {key: entry[1] for key in keys if (entry := self._known.get(key))}
        new = [key for key in dict.fromkeys(keys) if key not in found]
        for key, scored in zip(new, model.score_prepared([key[2] for key in new], [key[1] for key in new]), strict=True):
            found[key] = scored
            self._keep(key, scored)
        self._count(len(keys) - len(new), len(new))
        return [found[key] for key in keys]

    @property
    def bytes(self) -> int:
        """Memory in use, estimated."""
        return int(self._known.currsize)

    def __len__(self) -> int:
        return len(self._known)

    def _keep(self, key: Key, scored: Scored) -> None:
        size = ENTRY_BYTES + sys.getsizeof(key[2].text)
        if size <= self._known.maxsize:  # cachetools refuses what can never fit
            self._known[key] = size, scored
