"""Descriptions that are refused, each with the sentence an operator gets. `{dir}` stands for the bundle's directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from pipeline.config import ConfigError
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.model import Model
from tests.support.tiny_model import (
    LABELS,
    build_external_data,
    build_optimum_like,
    build_tiny_bundle,
    graph,
    graph_with_probabilities,
    sha256,
    write_bundle,
)

NAMES = ", ".join(LABELS)
PLATT = {"a": 1.0, "b": 0.0}

DESCRIPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "{dir}/bundle.toml: name: is missing"),
    ({"version": "1 beta"}, "{dir}/bundle.toml: version: String should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' (got '1 beta')"),
    ({"colour": "red"}, "{dir}/bundle.toml: colour: no such key; see the documentation for the allowed ones"),
    ({"labels": [*LABELS, "toxic"]}, "{dir}/bundle.toml: labels: each name may stand once, toxic stands more often"),
    ({"labels": [*LABELS, "self_harm"]}, f"{{dir}}/bundle.toml: (whole file): `labels` names self_harm; allowed are {NAMES}"),
    ({"languages": ["en", "de-"]}, "{dir}/bundle.toml: languages[1]: String should match pattern"),
    ({"labelled_languages": ["en", "fi"]}, "{dir}/bundle.toml: (whole file): `labelled_languages` names fi; allowed are ar, de, en"),
    (
        {"text": {"normalisation": "lower"}},
        "{dir}/bundle.toml: text.normalisation: Input should be 'none', 'links_and_names' or 'robust' (got 'lower')",
    ),
    ({"text": {"max_characters": 0}}, "{dir}/bundle.toml: text.max_characters: Input should be greater than or equal to 1 (got 0)"),
    ({"tokenizer": {"max_tokens": "many"}}, "{dir}/bundle.toml: tokenizer.max_tokens: Input should be a valid integer"),
    ({"tokenizer": {"window_overlap": 49}}, "{dir}/bundle.toml: tokenizer: `window_overlap` may be at most half of `max_tokens`, 48"),
    (
        {"tokenizer": {"max_tokens": 8192, "max_windows": 9}},
        "{dir}/bundle.toml: tokenizer: `max_tokens` times `max_windows` may be at most 65536",
    ),
    ({"model": {"activation": "relu"}}, "{dir}/bundle.toml: model.activation: Input should be 'none', 'sigmoid' or 'softmax' (got 'relu')"),
    ({"model": {"sha256": "ABC"}}, "{dir}/bundle.toml: model.sha256: String should match pattern '^[0-9a-f]{64}$' (got 'ABC')"),
    ({"model": {"batch_size": 0}}, "{dir}/bundle.toml: model.batch_size: Input should be greater than or equal to 1 (got 0)"),
    ({"calibration": {"method": "isotonic"}}, "{dir}/bundle.toml: calibration.method: Input should be 'none' or 'platt' (got 'isotonic')"),
    ({"calibration": {"method": "platt"}}, '{dir}/bundle.toml: calibration: `method = "platt"` needs a table in `languages`'),
    (
        {"calibration": {"method": "none", "default": {"toxic": PLATT}}},
        '{dir}/bundle.toml: calibration: `method = "none"` allows none of `default`, `languages` and `aligned`',
    ),
    (
        {"calibration": {"method": "platt", "languages": {"en": {"toxic": {"a": 0.0, "b": 0.0}}}}},
        "{dir}/bundle.toml: calibration.languages.en.toxic.a: Input should be greater than 0 (got 0.0)",
    ),
    (
        {"calibration": {"method": "platt", "languages": {"en": {"toxic": {"a": 1.0, "b": float("inf")}}}}},
        "{dir}/bundle.toml: calibration.languages.en.toxic.b: Input should be a finite number (got inf)",
    ),
    (
        {"calibration": {"method": "platt", "languages": {"fi": {"toxic": PLATT}}}},
        "{dir}/bundle.toml: (whole file): `calibration.languages` names fi; allowed are ar, de, en",
    ),
    (
        {"calibration": {"method": "platt", "languages": {"en": {"toxic": PLATT}}, "aligned": {"en": {"toxic": PLATT}}}},
        "{dir}/bundle.toml: calibration: a language may be calibrated or aligned, en is both",
    ),
    (
        {"calibration": {"method": "platt", "languages": {"en": {"rude": PLATT}}}},
        f"{{dir}}/bundle.toml: (whole file): `calibration` names rude; allowed are {NAMES}",
    ),
]


@pytest.mark.parametrize(("settings", "sentence"), DESCRIPTIONS, ids=[sentence.split(": ", 1)[1][:50] for _, sentence in DESCRIPTIONS])
def test_a_wrong_description_is_refused_with_a_sentence(tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    write_bundle(tmp_path, graph_with_probabilities(), settings)
    with pytest.raises(ConfigError) as refused:
        read_bundle(tmp_path)
    assert str(refused.value).startswith(sentence.replace("{dir}", str(tmp_path)))


def refusal(directory: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        Model.load(directory)
    return str(refused.value).replace(str(directory), "{dir}")


def test_model_version_names_bundle_and_version(tiny: Model) -> None:
    assert tiny.bundle.model_version == "tiny@1"


@pytest.mark.parametrize(("file", "key"), [("model.onnx", "model.sha256"), ("tokenizer.json", "tokenizer.sha256")])
def test_a_changed_file_is_refused(tmp_path: Path, file: str, key: str) -> None:
    build_tiny_bundle(tmp_path)
    with (tmp_path / file).open("ab") as changed:
        changed.write(b"\n")
    sentence = refusal(tmp_path)
    assert sentence.startswith(f"{{dir}}/{file}: its sha256 is ")
    assert f"bundle.toml allows only {key} = " in sentence


@pytest.mark.parametrize("file", ["bundle.toml", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_refused(tmp_path: Path, file: str) -> None:
    build_tiny_bundle(tmp_path)
    (tmp_path / file).unlink()
    assert refusal(tmp_path) == f"{{dir}}/{file}: cannot be read: No such file or directory"


def test_weights_in_a_second_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_external_data(tmp_path)
    monkeypatch.chdir(tmp_path)  # where the second file would be found by its relative name
    assert refusal(tmp_path) == "{dir}/model.onnx: keeps weights in another file (external data); only one file with all weights is allowed"


def test_a_label_too_few_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, graph(("input_ids",), "probabilities", "sigmoid", ("neutral", *LABELS)))
    assert refusal(tmp_path) == "{dir}/bundle.toml: model.columns: the model has 8 columns, so that many names are allowed, not 7"


def test_an_output_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, graph_with_probabilities(), {"model": {"output": "logits"}})
    assert refusal(tmp_path) == "{dir}/bundle.toml: model.output: 'logits' is no output of the model; allowed: probabilities"


def test_an_input_that_is_not_known_is_refused(tmp_path: Path) -> None:
    model = graph_with_probabilities()
    model.graph.input.append(type(model.graph.input[0])())
    model.graph.input[1].CopyFrom(model.graph.input[0])
    model.graph.input[1].name = "pixel_values"
    write_bundle(tmp_path, model)
    assert refusal(tmp_path) == (
        "{dir}/model.onnx: input pixel_values (tensor(int64), 2 dimensions): allowed are input_ids, attention_mask, token_type_ids, "
        "each tensor(int64) with 2 dimensions"
    )


def test_an_input_of_another_type_is_refused(tmp_path: Path) -> None:
    model = graph_with_probabilities()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.array(0, np.int32), "pad"))
    write_bundle(tmp_path, model)
    assert refusal(tmp_path).startswith("{dir}/model.onnx: input input_ids (tensor(int32), 2 dimensions): allowed are input_ids, ")


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("model.onnx", "{dir}/model.onnx: is no ONNX model that this version of ONNX Runtime can load: "),
        ("tokenizer.json", "{dir}/tokenizer.json: is no tokenizer that this version of `tokenizers` can load: "),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, file: str, sentence: str) -> None:
    build_tiny_bundle(tmp_path)
    true_hash = sha256(tmp_path / file)
    (tmp_path / file).write_text('{"what": "ever"}')
    description = tmp_path / "bundle.toml"
    description.write_text(description.read_text().replace(true_hash, sha256(tmp_path / file)))
    assert refusal(tmp_path).startswith(sentence)


def test_a_padding_id_outside_the_vocabulary_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, graph_with_probabilities(), {"tokenizer": {"pad_id": 11}})
    assert refusal(tmp_path) == "{dir}/bundle.toml: tokenizer.pad_id: ids below 11 are allowed (got 11)"


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_what_optimum_exports_is_taken(tmp_path: Path, activation: str) -> None:
    model = Model.load(build_optimum_like(tmp_path, activation))
    insult, nothing = model.score(["insult insult insult", "good morning to you"], ["en", "en"])
    assert insult.probabilities["insult"] > 0.99
    assert list(insult.probabilities) == list(LABELS)
    assert max(nothing.probabilities.values()) < 0.13


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_logits_of_any_size_become_probabilities(tmp_path: Path, activation: str) -> None:
    columns = ("neutral", *LABELS)
    logits = graph(("input_ids",), "logits", "logits", columns)
    for each in logits.graph.initializer:
        if each.name in {"slope", "offset"}:
            each.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(each) * 1000, each.name))
    model = Model.load(write_bundle(tmp_path, logits, {"model": {"output": "logits", "activation": activation, "columns": columns}}))
    with np.errstate(over="raise", invalid="raise"):
        (scored,) = model.score(["insult"], ["en"])
    assert scored.probabilities["insult"] == 1
