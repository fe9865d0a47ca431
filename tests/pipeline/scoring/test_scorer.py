"""Which tier gives a text its scores, and that nothing but the text and its language decides that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import ConfigError
from pipeline.scoring.check import check, load_scorer
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.tiers import read_tiers
from schemas.records import Language
from tests.support.tiny_cascade import ACCURATE_NOTHING, CLEAR, FAST_NOTHING, build_cascade
from tests.support.tiny_model import LABELS, build_tiny_bundle

TABLES = {"en": CLEAR, "nl": {**CLEAR, "spam": 0.05}, "ms": CLEAR, "id": {**CLEAR, "hate": 0.06}}
FAST, ACCURATE = "tiny-fast@3", "tiny@1"


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    accurate, _ = build_cascade(tmp_path_factory.mktemp("cascade"), TABLES)
    return load_scorer(accurate)


def language(tag: str, *alternatives: str) -> Language:
    return Language(tag=tag, confidence=0.9, alternatives=alternatives)


def decided_by(scorer: Scorer, text: str, its: Language) -> str:
    (verdict,) = scorer.score([text], [its])
    return verdict.model.bundle.model_version


@pytest.mark.parametrize(
    ("text", "its", "by"),
    [
        ("a good morning to all", language("en"), FAST),
        ("twenty words of which one is hate " + "word " * 200, language("en"), FAST),
        ("five words of which hate", language("en"), ACCURATE),
        ("a good morning to all", language("nl"), ACCURATE),  # below 0.05 never: its spam is always 0.0601
        ("a good morning to all", language("de"), ACCURATE),  # no table
        ("a good morning to all", language("other"), ACCURATE),
        ("a good morning to all", language("en", "de"), ACCURATE),  # of an alternative there is no table
        ("a good morning to all", language("ms"), FAST),
        ("a good morning to all", language("ms", "id"), ACCURATE),  # the lowest threshold of both counts, 0.06 for hate
        ("word " * 1000, language("en"), ACCURATE),  # nobody has read its end
    ],
)
def test_who_decides(cascade: Scorer, text: str, its: Language, by: str) -> None:
    assert decided_by(cascade, text, its) == by


def test_the_scores_are_those_of_the_tier_that_decided(cascade: Scorer) -> None:
    clear, harmful = cascade.score(["a good morning to all", "five words of which hate"], [language("en")] * 2)
    assert clear.scored.probabilities == dict.fromkeys(LABELS, FAST_NOTHING)
    assert harmful.scored.probabilities == {**dict.fromkeys(LABELS, ACCURATE_NOTHING), "hate": 0.5}


def test_no_texts(cascade: Scorer) -> None:
    assert cascade.score([], []) == []


TEXTS = st.lists(st.sampled_from(["word", "good", "hate", "spam", "图书馆"]), max_size=120).map(" ".join)
LANGUAGES = st.sampled_from([language("en"), language("nl"), language("de"), language("ms", "id"), language("ms")])


@given(st.lists(st.tuples(TEXTS, LANGUAGES), max_size=20))
def test_who_decides_does_not_depend_on_the_batch(cascade: Scorer, batch: list[tuple[str, Language]]) -> None:
    together = cascade.score([text for text, _ in batch], [its for _, its in batch])
    for (text, its), verdict in zip(batch, together, strict=True):
        assert cascade.score([text], [its]) == [verdict]


def test_a_bundle_without_a_cascade_decides_alone(tmp_path: Path) -> None:
    scorer = load_scorer(build_tiny_bundle(tmp_path))
    assert decided_by(scorer, "a good morning to all", language("en")) == ACCURATE


def test_a_fast_tier_that_settles_nothing_is_named_and_not_loaded(tmp_path: Path) -> None:
    accurate, fast = build_cascade(tmp_path, {})
    (fast / "model.onnx").unlink()
    assert [tier.bundle.model_version for tier in read_tiers(accurate).values()] == [ACCURATE, FAST]
    assert decided_by(load_scorer(accurate), "a good morning to all", language("en")) == ACCURATE


REFUSED = [
    ({"fast_version": "tiny-fast@2"}, {}, "cascade: fast_version: the bundle in ../fast is tiny-fast@3; only tiny-fast@2 is allowed"),
    ({}, {"cascade": {"fast": "../x", "fast_version": "x@1"}}, "cascade: fast: tiny-fast@3 has a cascade itself; only one fast tier is"),
    ({}, {"labels": ["toxic", "hate"]}, f"cascade: fast: tiny-fast@3 has the labels toxic, hate; exactly {', '.join(LABELS)} are allowed"),
    ({}, {"languages": ["en"], "labelled_languages": []}, "cascade: settle_below: tiny-fast@3 was not made for id, ms, nl; allowed are en"),
    ({"settle_below": {"fi": CLEAR}}, {}, "(whole file): `cascade.settle_below` names fi; allowed are ar, de, en"),
    (
        {"settle_below": {"en": {"hate": 0.1}}},
        {},
        f"(whole file): `cascade.settle_below.en` needs a number for each label and no other: {', '.join(LABELS)}",
    ),
    ({"settle_below": {"en": {**CLEAR, "hate": 0}}}, {}, "cascade.settle_below.en.hate: Input should be greater than 0 (got 0)"),
    ({"fast": None}, {}, "cascade.fast: is missing"),
]


@pytest.mark.parametrize(("cascade", "fast", "sentence"), REFUSED, ids=[sentence[:50] for *_, sentence in REFUSED])
def test_tiers_that_do_not_fit_stop_the_start(tmp_path: Path, cascade: dict[str, Any], fast: dict[str, Any], sentence: str) -> None:
    accurate, _ = build_cascade(tmp_path, TABLES, cascade, fast)
    with pytest.raises(ConfigError) as refused:
        load_scorer(accurate)
    assert str(refused.value).startswith(f"{accurate}/bundle.toml: {sentence}")


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_of_the_fast_tier_is_refused(tmp_path: Path, file: str) -> None:
    accurate, fast = build_cascade(tmp_path, TABLES)
    with (fast / file).open("ab") as changed:
        changed.write(b"\n")
    with pytest.raises(ConfigError, match=f"fast/{file}: its sha256 is "):
        load_scorer(accurate)


def test_the_golden_scores_of_the_fast_tier_are_checked_too(tmp_path: Path) -> None:
    accurate, fast = build_cascade(tmp_path, TABLES)
    (fast / "golden.jsonl").write_text(json.dumps({"text": "good", "scores": dict.fromkeys(LABELS, 0.018)}))
    with pytest.raises(ConfigError, match=r"fast/golden.jsonl: text 1, label toxic: expected 0\.0180, got 0\.0601; "):
        load_scorer(accurate)


def test_a_check_looks_at_both_tiers(tmp_path: Path) -> None:
    accurate, fast = build_cascade(tmp_path, TABLES)
    names = ["description", "files", "scores", "golden", "batches"]
    findings = {finding.name: finding for finding in check(accurate)}
    assert list(findings) == [*names, "cascade", *(f"fast: {name}" for name in names)]
    assert all(finding.ok for finding in findings.values())
    assert findings["cascade"].sentence == "tiny-fast@3 fits before tiny@1; it settles what is clear in en, id, ms, nl"
    (fast / "bundle.toml").unlink()
    assert not check(accurate)[-1].ok
