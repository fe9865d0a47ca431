"""Models of the usual kinds, as they are exported, are bundles once a bundle.toml is beside them: docs/model/bring-your-own.md."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from pipeline.scoring.check import load_scorer
from pipeline.scoring.model import Model
from pipeline.scoring.stage import ScoringStage
from pipeline.stage import Incoming
from schemas.records import Language, LanguagePost, Post, PostKind, ScoredPost
from tests.agents.cli.commands import sluice
from tests.support.tiny_transformers import Kind, build_transformer

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
MULTI = ("toxic", "hate", "insult", "threat")
TEXTS = ("good morning!", "you are the idiot and this is hate. " * 12, "hate", "the good and the idiot", "图书馆")

KINDS = [
    Kind("bert", "sigmoid", MULTI, MULTI, token_types=True),
    Kind("bert", "softmax", ("neutral", *MULTI), MULTI, token_types=True),
    Kind("bert", "sigmoid", MULTI, MULTI),  # DistilBERT and others without segments
    Kind("bert", "softmax", ("neutral", "toxic"), ("toxic",)),
    Kind("xlm-r", "sigmoid", MULTI, MULTI),
    Kind("xlm-r", "softmax", ("neutral", "toxic"), ("toxic",)),
    Kind("xlm-r", "sigmoid", ("toxic",), ("toxic",)),
]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def bundle(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_transformer(tmp_path_factory.mktemp("transformer"), kind)


def test_the_check_passes(bundle: Path) -> None:
    result = sluice("model", "check", str(bundle))
    assert result.exit_code == 0, result.stdout
    assert "refused" not in result.stdout


@pytest.mark.parametrize(("max_tokens", "passes"), [(512, True), (1024, False)])
def test_a_bundle_that_fails_on_long_texts_is_refused(kind: Kind, tmp_path: Path, max_tokens: int, passes: bool) -> None:
    result = sluice("model", "check", str(build_transformer(tmp_path, kind, max_tokens)))
    assert ("text of 1024 tokens" in result.stdout, result.exit_code == 0) == (not passes, passes)


def test_the_stage_scores_with_it(bundle: Path, kind: Kind) -> None:
    language = Language(tag="en", confidence=0.9)
    posts = [
        LanguagePost(
            post=Post(
                post_id=f"p{number}", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="a", market="GB", created_at=NOW,
                text=text,
            ),
            received_at=NOW,
            language=language,
        )
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    outputs = ScoringStage(load_scorer(bundle)).process([Incoming(post, NOW) for post in posts], NOW)
    scores = [output.record.scores for (output,) in outputs if isinstance(output.record, ScoredPost)]
    assert [list(each) for each in scores] == [list(kind.labels)] * len(TEXTS)
    assert len({tuple(each.values()) for each in scores}) == len(TEXTS)
    if kind.activation == "softmax":
        assert all(sum(each.values()) < 1.001 for each in scores[2:])  # the neutral class has the rest; in one window, that is


def test_it_computes_what_the_exported_graph_gives_by_itself(bundle: Path, kind: Kind) -> None:
    (row,) = Model.load(bundle).windows("you are the idiot").rows
    graph = ort.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    values = {"input_ids": row, "attention_mask": [1] * len(row), "token_type_ids": [0] * len(row)}
    feeds = {each.name: np.array([values[each.name]]) for each in graph.get_inputs()}
    logits = graph.run(["logits"], feeds)[0][0].astype(float)
    expected = 1 / (1 + np.exp(-logits)) if kind.activation == "sigmoid" else np.exp(logits) / np.exp(logits).sum()
    (scored,) = Model.load(bundle).score(["you are the idiot"], ["en"])
    assert scored.probabilities == pytest.approx({label: expected[kind.columns.index(label)] for label in kind.labels}, abs=1e-4)
