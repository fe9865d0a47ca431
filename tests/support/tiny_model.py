"""Small genuine bundles: ONNX graphs and tokenizers made on the spot, one sound and others with one fault each.

The sound one knows the names of the labels as words: the more of a text's words are `insult`, the higher its score for insult. Any other
word counts for nothing. So a test says in the text what it wants, and what it gets never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tomlkit
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data
from tokenizers import Tokenizer, models, pre_tokenizers, processors

LABELS = ("toxic", "hate", "insult", "threat", "sexual", "spam", "profanity")
LANGUAGES = ("ar", "de", "en", "fr", "id", "ko", "ms", "nl", "pt", "tr", "zh")

PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")

SLOPE, OFFSET = 20.0, -4.0
"""logit = SLOPE * share of words that name the label + OFFSET: 0.018 for none, 0.5 for a fifth, 0.998 for a half."""

Settings = dict[str, dict[str, Any] | Any]


def build_tiny_bundle(directory: Path) -> Path:
    """A sound bundle in `directory`, with the labels of the default one."""
    return write_bundle(directory, graph_with_probabilities())


def build_wrong(directory: Path) -> Path:
    """Another version, by which every text is half of what its labels say: 0.27 where the sound one says 0.018."""
    return write_bundle(directory, graph(("input_ids",), "probabilities", _Head.SIGMOID, offset=-1.0), {"version": "2"})


def build_optimum_like(directory: Path, activation: str) -> Path:
    """What `optimum` exports: mask and segment inputs, `logits`, and a tokenizer with truncation and padding of its own.

    With `softmax` the graph has a neutral class in its first column.
    """
    columns = ("neutral", *LABELS) if activation == "softmax" else LABELS
    model = graph(("input_ids", "attention_mask", "token_type_ids"), "logits", _Head.LOGITS, columns)
    tokens = tokenizer()
    tokens.enable_truncation(512)
    tokens.enable_padding(pad_id=PAD, length=128)
    settings = {"model": {"output": "logits", "activation": activation, "columns": columns}}
    return write_bundle(directory, model, settings, tokens)


def build_companion_dependent(directory: Path) -> Path:
    """Scores move with the batch: activations are quantised with one scale for the whole batch, as dynamic int8 does."""
    return write_bundle(directory, graph(("input_ids",), "probabilities", _Head.QUANTISED))


def build_not_finite(directory: Path) -> Path:
    """Gives NaN for a text that names a label: 0 / 0."""
    return write_bundle(directory, graph(("input_ids",), "probabilities", _Head.NAN))


def build_external_data(directory: Path) -> Path:
    """Keeps its word vectors in a second file. ONNX Runtime does not need their values to open the graph, so it takes whatever it finds."""
    model = graph_with_probabilities()
    convert_model_to_external_data(model, location="weights.bin", size_threshold=250)
    return write_bundle(directory, model)


def write_bundle(directory: Path, model: onnx.ModelProto, settings: Settings | None = None, tokens: Tokenizer | None = None) -> Path:
    """The files of a bundle; `settings` are laid over the sound description, table by table. A key with the value None is left out."""
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(model, directory / "model.onnx")
    (tokens or tokenizer()).save(str(directory / "tokenizer.json"))
    content = _description(directory)
    for key, value in (settings or {}).items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, Mapping) else value
    (directory / "bundle.toml").write_text(tomlkit.dumps(_without_none(content)), encoding="utf-8")
    return directory


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tokenizer() -> Tokenizer:
    """Words and punctuation marks; the labels' names are known, everything else is [UNK]."""
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *LABELS))}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", START), ("[SEP]", END)])
    return tokens


def graph_with_probabilities() -> onnx.ModelProto:
    """The sound graph: token ids in, a probability per label out."""
    return graph(("input_ids",), "probabilities", _Head.SIGMOID)


class _Head:
    """What the graph does with the mean of a text's vectors."""

    SIGMOID = "sigmoid"
    LOGITS = "logits"
    QUANTISED = "quantised"
    NAN = "nan"


def graph(inputs: Sequence[str], output: str, head: str, columns: Sequence[str] = LABELS, offset: float = OFFSET) -> onnx.ModelProto:
    """Embedding, mean over the words (neither padding nor special tokens), linear, and what `head` says."""
    width = len(columns)
    vectors = np.zeros((len(SPECIAL) + len(LABELS), width), np.float32)
    for index, label in enumerate(LABELS):
        vectors[len(SPECIAL) + index, list(columns).index(label)] = 1
    nodes, constants = _mean(vectors, inputs)
    constants |= {"slope": np.eye(width, dtype=np.float32) * SLOPE, "offset": np.full(width, offset, np.float32)}
    nodes += {"sigmoid": _sigmoid, "logits": _logits, "quantised": _quantised, "nan": _nan}[head](output, constants)
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch_size", "sequence_length"]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch_size", width])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


Constants = dict[str, NDArray[Any]]


def _mean(vectors: NDArray[np.float32], inputs: Sequence[str]) -> tuple[list[onnx.NodeProto], Constants]:
    constants: Constants = {
        "vectors": vectors,
        "pad": np.array(PAD, np.int64),
        "axis": np.array([1], np.int64),
        "last": np.array([-1], np.int64),
        "special": np.array(2, np.float32),
        "least": np.array(1, np.float32),
    }
    node = helper.make_node
    if "attention_mask" in inputs:
        mask = [node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT)]
    else:
        mask = [
            node("Equal", ["input_ids", "pad"], ["padding"]),
            node("Not", ["padding"], ["kept"]),
            node("Cast", ["kept"], ["mask"], to=TensorProto.FLOAT),
        ]
    if "token_type_ids" in inputs:
        constants["segments"] = np.zeros((1, vectors.shape[1]), np.float32)
        words = [
            node("Gather", ["vectors", "input_ids"], ["words"]),
            node("Gather", ["segments", "token_type_ids"], ["segment"]),
            node("Add", ["words", "segment"], ["embedded"]),
        ]
    else:
        words = [node("Gather", ["vectors", "input_ids"], ["embedded"])]
    return [
        *mask,
        *words,
        node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        node("Mul", ["embedded", "wide_mask"], ["masked"]),
        node("ReduceSum", ["masked", "axis"], ["sum"], keepdims=0),
        node("ReduceSum", ["mask", "axis"], ["tokens"], keepdims=1),
        node("Sub", ["tokens", "special"], ["word_count"]),
        node("Max", ["word_count", "least"], ["divisor"]),
        node("Div", ["sum", "divisor"], ["mean"]),
    ], constants


def _logits(output: str, constants: Constants) -> list[onnx.NodeProto]:
    return [helper.make_node("MatMul", ["mean", "slope"], ["scaled"]), helper.make_node("Add", ["scaled", "offset"], [output])]


def _sigmoid(output: str, constants: Constants) -> list[onnx.NodeProto]:
    return [*_logits("raw", constants), helper.make_node("Sigmoid", ["raw"], [output])]


def _quantised(output: str, constants: Constants) -> list[onnx.NodeProto]:
    constants |= {"slope_int8": (np.eye(len(constants["offset"])) * 127).astype(np.int8), "slope_scale": np.array(SLOPE / 127, np.float32)}
    node = helper.make_node
    return [
        node("DynamicQuantizeLinear", ["mean"], ["quantised", "scale", "zero"]),
        node("MatMulInteger", ["quantised", "slope_int8", "zero"], ["product"]),
        node("Cast", ["product"], ["product_float"], to=TensorProto.FLOAT),
        node("Mul", ["scale", "slope_scale"], ["factor"]),
        node("Mul", ["product_float", "factor"], ["scaled"]),
        node("Add", ["scaled", "offset"], ["raw"]),
        node("Sigmoid", ["raw"], [output]),
    ]


def _nan(output: str, constants: Constants) -> list[onnx.NodeProto]:
    constants["one"] = np.array(1, np.float32)
    node = helper.make_node
    return [
        node("Sub", ["one", "mean"], ["rest"]),
        node("Floor", ["rest"], ["floor"]),
        node("Div", ["floor", "floor"], [output]),
    ]


def _description(directory: Path) -> dict[str, Any]:
    return {
        "name": "tiny",
        "version": "1",
        "licence": "CC0-1.0",
        "labels": LABELS,
        "languages": LANGUAGES,
        "labelled_languages": ("en",),
        "text": {"normalisation": "links_and_names", "max_characters": 4000},
        "tokenizer": {
            "sha256": sha256(directory / "tokenizer.json"),
            "pad_id": PAD,
            "max_tokens": 96,
            "max_windows": 8,
            "window_overlap": 16,
        },
        "model": {
            "sha256": sha256(directory / "model.onnx"),
            "output": "probabilities",
            "activation": "none",
            "columns": LABELS,
            "batch_size": 64,
        },
        "calibration": {"method": "none"},
    }


def _without_none(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _without_none(value) if isinstance(value, Mapping) else value for key, value in content.items() if value is not None}
