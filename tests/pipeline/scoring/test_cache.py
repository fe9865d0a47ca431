"""Scores from the cache are the scores that would be computed, and it stays within its bounds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.cache import ENTRY_BYTES, ScoreCache
from pipeline.scoring.check import load_scorer
from pipeline.scoring.model import Model
from pipeline.scoring.scorer import Scorer
from schemas.records import Language
from tests.support.tiny_cascade import CLEAR, build_cascade
from tests.support.tiny_model import build_not_finite, graph_with_probabilities, write_bundle

PLATT = {"method": "platt", "languages": {"en": {"hate": {"a": 1.0, "b": 1.0}}, "nl": {"hate": {"a": 2.0, "b": 0.0}}}}


class Lookups(Counter[str]):
    """What a cache reports."""

    def __call__(self, hits: int, misses: int) -> None:
        self.update(hits=hits, misses=misses)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model.load(write_bundle(tmp_path_factory.mktemp("platt"), graph_with_probabilities(), {"calibration": PLATT}))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["hate", "hate  speech", "hate speech", "spam @a", "spam @b", "word " * 999, ""]), st.sampled_from(["en", "nl"])
    ),
    max_size=12,
)


@given(st.lists(ROWS, max_size=6), st.sampled_from([1, 3 * ENTRY_BYTES, 10**6]))
def test_a_score_is_the_same_with_it_and_without(calibrated: Model, batches: list[list[tuple[str, str]]], max_bytes: int) -> None:
    cache = ScoreCache(max_bytes, Lookups())
    for batch in batches:
        texts, languages = [text for text, _ in batch], [language for _, language in batch]
        assert cache.score(calibrated, texts, languages) == calibrated.score(texts, languages)


def test_hits_and_misses_are_counted(calibrated: Model) -> None:
    seen = Lookups()
    cache = ScoreCache(10**6, seen)
    cache.score(calibrated, ["hate", "see https://a.example", "hate"], ["en", "en", "en"])
    assert seen == {"misses": 2, "hits": 1}
    cache.score(calibrated, ["see  https://b.example/other", "hate"], ["en", "nl"])
    assert seen == {"misses": 3, "hits": 2}  # the same text once links are left out; the other language is another score


def test_tiers_do_not_share_scores(tmp_path: Path) -> None:
    accurate, _ = build_cascade(tmp_path, {"en": CLEAR})
    english = [Language(tag="en", confidence=1.0)]
    cached, fresh = load_scorer(accurate, cache=ScoreCache(10**6, Lookups())), load_scorer(accurate)
    for text in ("good morning", "good morning", "hate", "hate"):
        (one,), (other,) = cached.score([text], english), fresh.score([text], english)
        assert (one.model.bundle, one.scored) == (other.model.bundle, other.scored)


def test_it_is_bounded_in_bytes_and_so_in_entries_and_forgets_the_oldest(calibrated: Model) -> None:
    seen = Lookups()
    cache = ScoreCache(10 * ENTRY_BYTES, seen)
    for number in range(100):
        cache.score(calibrated, [f"text {number}", "always"], ["en", "en"])
        assert cache.bytes <= 10 * ENTRY_BYTES
        assert len(cache) <= 9
    assert seen["misses"] == 101  # "always" is asked for again and again, so it is kept


def test_a_text_that_fits_nowhere_is_scored_and_not_kept(calibrated: Model) -> None:
    cache = ScoreCache(ENTRY_BYTES, Lookups())
    assert cache.score(calibrated, ["hate"], ["en"]) == calibrated.score(["hate"], ["en"])
    assert len(cache) == 0


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    scorer = Scorer(Model.load(build_not_finite(tmp_path)), cache=ScoreCache(10**6, Lookups()))
    for _ in range(2):
        with pytest.raises(ValueError, match="no probability"):
            scorer.score(["toxic"], [Language(tag="en", confidence=1.0)])
