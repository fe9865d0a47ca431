from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import ConfigError
from pipeline.scoring.check import Finding, check, load_verified
from tests.support.tiny_model import (
    LABELS,
    build_companion_dependent,
    build_external_data,
    build_not_finite,
    build_optimum_like,
    build_tiny_bundle,
    graph,
    write_bundle,
)

GOOD = {"text": "toxic and four other words", "scores": {**dict.fromkeys(LABELS, 0.018), "toxic": 0.5}}


def write_golden(directory: Path, *rows: object) -> None:
    (directory / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def outcome(findings: list[Finding]) -> dict[str, bool]:
    return {finding.name: finding.ok for finding in findings}


@pytest.mark.parametrize(
    "build",
    [build_tiny_bundle, lambda path: build_optimum_like(path, "sigmoid"), lambda path: build_optimum_like(path, "softmax")],
    ids=["tiny", "optimum, sigmoid", "optimum, softmax"],
)
def test_a_sound_bundle_passes(tmp_path: Path, build: Callable[[Path], Path]) -> None:
    findings = check(build(tmp_path))
    assert outcome(findings) == {"description": True, "files": True, "scores": True, "golden": True, "batches": True}


def test_scores_that_move_with_their_batch_are_refused(tmp_path: Path) -> None:
    findings = check(build_companion_dependent(tmp_path))
    assert outcome(findings) == {"description": True, "files": True, "scores": True, "golden": True, "batches": False}
    assert findings[-1].sentence == "scores move by at most 1.0e-02 with their batch, over 640 rows; at most 0.001 is allowed"


@pytest.mark.parametrize("kind", ["languages", "aligned"])
def test_a_steep_calibration_makes_a_small_movement_too_large(tmp_path: Path, kind: str) -> None:
    steady: dict[str, Any] = {
        "method": "platt",
        "languages": {"en": {"toxic": {"a": 0.01, "b": 0.0}}},
        "default": {label: {"a": 0.01, "b": 0.0} for label in LABELS},
    }
    steep = {"nl": {"toxic": {"a": 3.0, "b": 5.0}}}
    moving = {**steady, "languages": {**steady["languages"], **steep}} if kind == "languages" else {**steady, kind: steep}
    model = graph(("input_ids",), "probabilities", "quantised")
    assert outcome(check(write_bundle(tmp_path / "steady", model, {"calibration": steady})))["batches"]
    assert not outcome(check(write_bundle(tmp_path / "moving", model, {"calibration": moving})))["batches"]


def test_a_bundle_that_does_not_score_every_text_is_refused(tmp_path: Path) -> None:
    assert check(build_not_finite(tmp_path))[2:] == [
        Finding("scores", False, "the model does not score every text: the model gave a number that is no probability")
    ]


def test_ids_that_the_graph_does_not_know_are_refused(tmp_path: Path) -> None:
    model = graph(("input_ids",), "probabilities", "sigmoid")
    vectors = next(each for each in model.graph.initializer if each.name == "vectors")
    vectors.dims[0] -= 1
    vectors.raw_data = vectors.raw_data[: -4 * len(LABELS)]
    finding = check(write_bundle(tmp_path, model))[2]
    assert finding.name == "scores"
    assert "indices element out of data bounds" in finding.sentence


def test_nothing_is_computed_with_files_that_are_not_the_described_ones(tmp_path: Path) -> None:
    assert outcome(check(build_external_data(tmp_path))) == {"description": True, "files": False}


def test_a_wrong_description_is_the_only_finding(tmp_path: Path) -> None:
    assert check(tmp_path) == [Finding("description", False, f"{tmp_path}/bundle.toml: cannot be read: No such file or directory")]


def test_golden_scores_that_are_met(tmp_path: Path) -> None:
    write_golden(build_tiny_bundle(tmp_path), GOOD)
    golden = next(finding for finding in check(tmp_path) if finding.name == "golden")
    assert golden == Finding("golden", True, "1 golden texts, the largest difference is 0.00001; at most 0.001 is allowed")
    assert load_verified(tmp_path).bundle.name == "tiny"


def test_golden_scores_that_are_missed_keep_a_worker_from_starting(tmp_path: Path) -> None:
    write_golden(build_tiny_bundle(tmp_path), GOOD, {**GOOD, "scores": {**GOOD["scores"], "spam": 0.02}})  # type: ignore[dict-item]
    with pytest.raises(ConfigError) as refused:
        load_verified(tmp_path)
    sentence = str(refused.value).removeprefix(f"{tmp_path}/golden.jsonl: ")
    assert Finding("golden", False, sentence) in check(tmp_path)
    assert sentence == (
        "text 2, label spam: expected 0.0200, got 0.0180; at most 0.001 is allowed. This kind of processor, or this version of ONNX "
        "Runtime, shifts scores (1 of 2 texts), so thresholds and calibration do not hold here: use a machine of the kind that the bundle "
        "was checked on, or another bundle"
    )


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"text": "a", "scores": {"toxic": 0.1}}, f"line 2: scores: exactly the labels {', '.join(LABELS)} are allowed"),
        ({"text": "a"}, "each line must have a `text` and its `scores`: Object missing required field `scores`"),
        ([], "each line must have a `text` and its `scores`: Expected `object`, got `array`"),
    ],
)
def test_golden_lines_that_cannot_be_used(tmp_path: Path, row: object, sentence: str) -> None:
    write_golden(build_tiny_bundle(tmp_path), GOOD, row)
    (finding,) = check(tmp_path)[2:]
    assert (finding.name, finding.ok) == ("golden", False)
    assert finding.sentence.startswith(f"{tmp_path}/golden.jsonl: {sentence}")
