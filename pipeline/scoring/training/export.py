"""The accurate tier as an ONNX graph, in float32 or with 8-bit products.

Scores must not depend on the rest of the batch, nor on the processor. So each token's row of activations has a scale of its own, taken from
nothing but that row (LLM.int8(), Dettmers et al. 2022, calls it row-wise), and weights have seven bits: on x86 without VNNI two products of
an unsigned and a signed byte are added in 16 bits (vpmaddubsw), which saturate at 2 * 255 * 127 and do not at 2 * 255 * 63. Sums of
integers are then exact everywhere, and what is left is the rounding of float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from pipeline.scoring.training.base import HEADS
from pipeline.scoring.training.encoder import Frozen, Layer, Parameters, inputs_of_layers
from pipeline.scoring.training.graph import INPUT, MICROSOFT, Graph, highest, mask, vectors_in_4_bits
from pipeline.scoring.training.rows import Floats

WEIGHT_MAX = 63
"""Of a weight in seven bits, the sign included."""

GELU_LEAST = 0.17
"""GELU is never below -0.17: shifted by that it is positive, and all 256 values of a byte serve."""

MAX_TOKENS = 128
"""Positions that are stored: a longer row is an error of the graph."""

SMOOTHING = 0.5
"""SmoothQuant's alpha (Xiao et al. 2023): how much of a column's spread goes from the activations into the weights."""

SEARCH = np.linspace(0.7, 1.0, 13)
"""Shares of a weight column's largest value that are tried as its scale's end."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Divisors of the columns that enter `qkv` and `up`, per layer."""

    qkv: Floats
    up: Floats


class Stored(NamedTuple):
    """A matrix in bytes, with a scale for each output column."""

    values: NDArray[np.int8]
    scale: Floats


def smoothing(parameters: Parameters, fixed: Frozen, sample: list[NDArray[np.int32]]) -> list[Smoothing]:
    """The divisors, from the largest activations in some batches of ids."""
    seen = jax.jit(inputs_of_layers)
    largest = [
        np.max(values, axis=0) for values in zip(*(np.asarray(seen(parameters["layers"], fixed, ids)) for ids in sample), strict=True)
    ]
    found = []
    for layer, (attention, up) in zip(parameters["layers"], largest, strict=True):
        found.append(Smoothing(_divisor(attention, np.asarray(layer["qkv"])), _divisor(up, np.asarray(layer["up"]))))
    return found


def _divisor(activations: Floats, weights: Floats) -> Floats:
    by_weight = np.clip(np.abs(weights).max(axis=1), 1e-4, None)
    divisor: Floats = np.clip(activations, 1e-4, None) ** SMOOTHING / by_weight ** (1 - SMOOTHING)
    return divisor.astype(np.float32)


def export(parameters: Parameters, fixed: Frozen, path: Path, smooth: list[Smoothing] | None) -> None:
    """Writes the graph; in float32 when `smooth` is None."""
    graph = Graph()
    real, real3 = mask(graph)
    whole = graph.cast(real, TensorProto.INT32)
    tokens = graph.add("Slice", graph.add("Shape", INPUT), graph.axes(1), graph.axes(2))
    positions = graph.add("Slice", graph.constant(np.asarray(fixed.positions)[:MAX_TOKENS]), graph.axes(0), tokens, graph.axes(0))
    x = graph.add("Add", vectors_in_4_bits(graph, np.asarray(fixed.words)), positions)
    x = graph.norm(x, np.asarray(fixed.norm), np.asarray(fixed.norm_bias))
    for index, layer in enumerate(parameters["layers"]):
        x = _layer(graph, x, whole, layer, smooth[index] if smooth else None)
    total = graph.add("ReduceSum", graph.add("Mul", x, real3), graph.axes(1), keepdims=0)
    mean = graph.add("Div", total, graph.add("ReduceSum", real, graph.axes(1), keepdims=1))
    features = graph.add("Concat", mean, highest(graph, x, real3), axis=1)
    graph.save(path, _head(graph, features, parameters["head"], fixed))


def _layer(graph: Graph, x: str, whole: str, layer: Layer, smooth: Smoothing | None) -> str:
    of = {name: np.asarray(value) for name, value in layer.items()}
    columns = of["attention"].shape[0]
    qkv = _product(graph, x, of["qkv"], of["qkv_bias"], smooth.qkv if smooth else None)
    query, key, value = graph.many("Split", [qkv, graph.axes(columns, columns, columns)], 3, axis=2)
    heads = graph.add("MultiHeadAttention", query, key, value, "", whole, domain=MICROSOFT, num_heads=HEADS)
    ones = np.ones(columns, np.float32)
    attended = _product(graph, heads, of["attention"], of["attention_bias"], ones if smooth else None)
    x = graph.norm(graph.add("Add", x, attended), of["attention_norm"], of["attention_norm_bias"])
    wide = graph.gelu(_product(graph, x, of["up"], of["up_bias"], smooth.up if smooth else None))
    narrow = (
        graph.linear(wide, of["down"], of["down_bias"]) if smooth is None else _product_of_gelu(graph, wide, of["down"], of["down_bias"])
    )
    return graph.norm(graph.add("Add", x, narrow), of["norm"], of["norm_bias"])


def _product(graph: Graph, x: str, weights: Floats, bias: Floats, divisor: Floats | None) -> str:
    """X @ weights + bias; in bytes when a divisor of x's columns is given."""
    if divisor is None:
        return graph.linear(x, weights, bias)
    if (divisor != 1).any():
        x = graph.add("Mul", x, graph.constant(1 / divisor))
        weights = weights * divisor[:, None]
    largest = graph.add("Max", graph.add("ReduceMax", x, graph.axes(-1)), graph.add("Neg", graph.add("ReduceMin", x, graph.axes(-1))))
    scale = graph.add("Add", graph.add("Mul", largest, graph.number(1 / 127)), graph.number(1e-9))
    return _in_bytes(graph, x, scale, 128, in_7_bits(weights), bias)


def _product_of_gelu(graph: Graph, x: str, weights: Floats, bias: Floats) -> str:
    """The same for what GELU gives: shifted to be positive, and the shift taken back in the bias."""
    x = graph.add("Add", x, graph.number(GELU_LEAST))
    scale = graph.add("Add", graph.add("Mul", graph.add("ReduceMax", x, graph.axes(-1)), graph.number(1 / 255)), graph.number(1e-9))
    stored = in_7_bits(weights)
    return _in_bytes(graph, x, scale, 0, stored, bias - GELU_LEAST * (stored.values * stored.scale).sum(axis=0))


def _in_bytes(  # noqa: PLR0913, PLR0917 - a product and what scales it
    graph: Graph, x: str, scale: str, zero: int, weights: Stored, bias: Floats
) -> str:
    middle = graph.constant(np.array(zero, np.uint8))
    quantised = graph.add("QuantizeLinear", graph.add("Div", x, scale), graph.number(1), middle)
    product = graph.add(
        "MatMulIntegerToFloat",
        quantised,
        graph.constant(weights.values),
        graph.number(1),
        graph.constant(weights.scale),
        middle,
        domain=MICROSOFT,
    )
    return graph.add("Add", graph.add("Mul", product, scale), graph.constant(bias.astype(np.float32)))


def in_7_bits(weights: Floats) -> Stored:
    """Whole numbers within WEIGHT_MAX and a scale for each output column, chosen to have the least squared error."""
    largest = np.abs(weights).max(axis=0) + 1e-12
    best = np.full(weights.shape[1], np.inf)
    scale = largest / WEIGHT_MAX
    for share in SEARCH:
        tried = largest * share / WEIGHT_MAX
        error = ((np.clip(np.round(weights / tried), -WEIGHT_MAX, WEIGHT_MAX) * tried - weights) ** 2).sum(axis=0)
        scale = np.where(error < best, tried, scale)
        best = np.minimum(best, error)
    stored = np.clip(np.round(weights / scale), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
    return Stored(stored, scale.astype(np.float32))


def _head(graph: Graph, features: str, head: Layer, fixed: Frozen) -> str:
    """Logits; the features' centre and spread go into the first matrix."""
    hidden = np.asarray(head["hidden"]) / np.asarray(fixed.spread)[:, None]
    bias = np.asarray(head["hidden_bias"]) - np.asarray(fixed.centre) @ hidden
    return graph.linear(graph.gelu(graph.linear(features, hidden, bias)), np.asarray(head["out"]), np.asarray(head["out_bias"]))
