"""From a text in disguise to its scores, through what `sluice score` uses; and what has no words in any disguise stays without scores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.language.clean import clean, has_words
from pipeline.language.identify import Identifier
from pipeline.scoring.model import Model
from pipeline.scoring.offline import ScoredRow, score_rows
from pipeline.scoring.scorer import Scorer
from schemas.records import Unassessed
from tests.pipeline.language import cases as languages
from tests.pipeline.scoring.test_normalise import read
from tests.support.tiny_model import graph_with_probabilities, write_bundle

WITH_WORDS = [case for case in read("disguised") if has_words(clean(case["plain"]))]
WITHOUT = [case for case in languages.read("languages") if case["tag"] == "und"]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    form = {"text": {"normalisation": "robust"}}
    return Scorer(Model.load(write_bundle(tmp_path_factory.mktemp("robust"), graph_with_probabilities(), form)))


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return Identifier()


def result(scorer: Scorer, identifier: Identifier, text: str) -> ScoredRow:
    (row,) = score_rows([json.dumps({"text": text.encode("utf-8", "ignore").decode()}).encode()], scorer, identifier.identify)
    assert isinstance(row, ScoredRow)
    return row


@pytest.mark.parametrize("case", WITH_WORDS, ids=lambda case: case["what"])
def test_a_disguise_has_scores(scorer: Scorer, identifier: Identifier, case: dict[str, str]) -> None:
    row = result(scorer, identifier, case["text"])
    assert row.scores
    assert Unassessed.NO_LANGUAGE not in row.unassessed


@pytest.mark.parametrize("text", ["🅵🆄🅲🅺 🆈🅾🆄", "b@stard", "f@ggot", "n@zi", "f@ck y@u", "kys@all", "@sshole", "KKK"])
def test_a_post_that_is_one_disguised_word_has_scores(scorer: Scorer, identifier: Identifier, text: str) -> None:
    assert result(scorer, identifier, text).scores


@pytest.mark.parametrize("case", WITHOUT, ids=lambda case: case["about"])
def test_what_has_no_words_has_no_scores(scorer: Scorer, identifier: Identifier, case: dict[str, Any]) -> None:
    row = result(scorer, identifier, case["text"])
    assert (row.scores, row.unassessed) == ({}, (Unassessed.NO_LANGUAGE,))
