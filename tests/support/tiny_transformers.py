"""Transformers with random weights, in the forms in which `optimum` exports sequence classification: BERT's and XLM-RoBERTa's.

Names, types and dimensions of inputs and output, the additive mask, the positions (BERT: a slice of a constant; XLM-R: counted over what is
no padding, from the padding id on), pooler or head on the first token, logits at the end. Small: two layers of sixteen numbers.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tests.support.tiny_model import Settings, write_bundle

WIDTH, HEADS, LAYERS, INNER, POSITIONS = 16, 2, 2, 32, 514
LETTERS = string.ascii_lowercase
WORDS = ("good", "morning", "you", "are", "hate", "this", "idiot", "the", "a", "and")


@dataclass(frozen=True)
class Kind:
    """A family and a head. `columns` are what the model gives, `labels` those of them that are used."""

    family: str
    activation: str
    columns: Sequence[str]
    labels: Sequence[str]
    token_types: bool = False

    @property
    def name(self) -> str:
        """For a test's id."""
        return f"{self.family}-{self.activation}-{len(self.columns)}{'-token-types' if self.token_types else ''}"


def build_transformer(directory: Path, kind: Kind, max_tokens: int = 32) -> Path:
    """A bundle with such a model. It has positions for 512 tokens, as is usual; XLM-R keeps two more that stand for nothing."""
    bert = kind.family == "bert"
    tokens = _bert_tokenizer() if bert else _xlm_r_tokenizer()
    settings: Settings = {
        "name": kind.family,
        "labels": kind.labels,
        "tokenizer": {"pad_id": 0 if bert else 1, "max_tokens": max_tokens, "window_overlap": 8},
        "model": {"output": "logits", "activation": kind.activation, "columns": kind.columns, "batch_size": 8},
    }
    return write_bundle(directory, _transformer(kind, tokens.get_vocab_size(), pad_id=0 if bert else 1), settings, tokens)


def _bert_tokenizer() -> Tokenizer:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS), "!", ".", ","]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokens = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokens.normalizer = normalizers.BertNormalizer()
    tokens.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return tokens


def _xlm_r_tokenizer() -> Tokenizer:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *(f"▁{word}" for word in WORDS), *LETTERS, "!", ".", ","]
    tokens = Tokenizer(models.Unigram([(piece, -float(number) / 8) for number, piece in enumerate(pieces)], unk_id=3))
    tokens.normalizer = normalizers.NFKC()
    tokens.pre_tokenizer = pre_tokenizers.Metaspace()
    tokens.decoder = decoders.Metaspace()
    tokens.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokens


@dataclass
class _Graph:
    """Nodes and constants in the making. Every operation gives the name of its result."""

    chance: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def weights(self, *shape: int, scale: float = 0.5) -> str:
        return self.constant((self.chance.standard_normal(shape) * scale).astype(np.float32))

    def linear(self, x: str, inner: int, outer: int, scale: float = 0.5, output: str | None = None) -> str:
        return self.op("Add", self.op("MatMul", x, self.weights(inner, outer, scale=scale)), self.weights(outer), output=output)

    def norm(self, x: str) -> str:
        ones, zeros = self.constant(np.ones(WIDTH, np.float32)), self.constant(np.zeros(WIDTH, np.float32))
        return self.op("LayerNormalization", x, ones, zeros, axis=-1, epsilon=1e-5)


def _transformer(kind: Kind, words: int, pad_id: int) -> onnx.ModelProto:
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if kind.token_types else [])]
    graph = _Graph(np.random.default_rng(5))
    x = _embedded(graph, kind, words, pad_id)
    mask = graph.op("Unsqueeze", graph.op("Cast", "attention_mask", to=TensorProto.FLOAT), graph.numbers(1, 2))
    hidden = graph.op("Mul", graph.op("Sub", graph.number(1), mask), graph.number(float(np.finfo(np.float32).min)))
    for _ in range(LAYERS):
        x = _layer(graph, x, hidden)
    first = graph.op("Gather", x, graph.constant(np.array(0, np.int64)), axis=1)
    pooled = graph.op("Tanh", graph.linear(first, WIDTH, WIDTH))
    graph.linear(pooled, WIDTH, len(kind.columns), output="logits")
    made = helper.make_graph(
        graph.nodes,
        kind.family,
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch_size", "sequence_length"]) for name in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch_size", len(kind.columns)])],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _embedded(graph: _Graph, kind: Kind, words: int, pad_id: int) -> str:
    x = graph.op("Gather", graph.weights(words, WIDTH, scale=1.0), "input_ids")
    if kind.family == "bert":
        length = graph.op("Gather", graph.op("Shape", "input_ids"), graph.numbers(1))
        every = graph.constant(np.arange(POSITIONS - 2, dtype=np.int64)[None])
        positions = graph.op("Slice", every, graph.numbers(0), length, graph.numbers(1))
    else:
        kept = graph.op("Not", graph.op("Equal", "input_ids", graph.constant(np.array(pad_id, np.int64))))
        counted = graph.op("Cast", kept, to=TensorProto.INT64)
        running = graph.op("Mul", graph.op("CumSum", counted, graph.constant(np.array(1, np.int64))), counted)
        positions = graph.op("Add", running, graph.constant(np.array(pad_id, np.int64)))
    x = graph.op("Add", x, graph.op("Gather", graph.weights(POSITIONS, WIDTH, scale=0.2), positions))
    if kind.token_types:
        x = graph.op("Add", x, graph.op("Gather", graph.weights(2, WIDTH), "token_type_ids"))
    return graph.norm(x)


def _layer(graph: _Graph, x: str, hidden: str) -> str:
    """Attention and feed-forward, a norm after each."""

    def heads(part: str, order: tuple[int, ...]) -> str:
        return graph.op("Transpose", graph.op("Reshape", part, graph.numbers(0, 0, HEADS, WIDTH // HEADS)), perm=order)

    q, k, v = (graph.linear(x, WIDTH, WIDTH) for _ in range(3))
    scores = graph.op("MatMul", heads(q, (0, 2, 1, 3)), heads(k, (0, 2, 3, 1)))
    scaled = graph.op("Div", scores, graph.number(float(np.sqrt(WIDTH // HEADS))))
    weights = graph.op("Softmax", graph.op("Add", scaled, hidden), axis=-1)
    seen = graph.op("Transpose", graph.op("MatMul", weights, heads(v, (0, 2, 1, 3))), perm=(0, 2, 1, 3))
    x = graph.norm(graph.op("Add", x, graph.linear(graph.op("Reshape", seen, graph.numbers(0, 0, WIDTH)), WIDTH, WIDTH)))
    inner = graph.linear(x, WIDTH, INNER)
    half = graph.op("Mul", inner, graph.number(0.5))
    gelu = graph.op("Mul", half, graph.op("Add", graph.op("Erf", graph.op("Div", inner, graph.number(float(np.sqrt(2))))), graph.number(1)))
    return graph.norm(graph.op("Add", x, graph.linear(gelu, INNER, WIDTH)))
