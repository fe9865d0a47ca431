"""Building an ONNX graph by hand: names, constants, and the few blocks that both tiers share.

Operators of the domain `com.microsoft` are ONNX Runtime's own (its docs/ContribOperators.md); pipeline.scoring.session runs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.scoring.training.encoder import EPSILON, FAR, PAD
from pipeline.scoring.training.rows import LABELS, Floats

INPUT, OUTPUT = "input_ids", "probabilities"

MICROSOFT = "com.microsoft"

OPSET, IR_VERSION = 18, 9

BLOCK = 32
"""Values of a word vector that share a scale in four bits."""

Attribute = int | float | str


class Graph:
    """A graph that grows: each method adds nodes and gives the name of the result."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        """A stored tensor."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def number(self, value: float) -> str:
        """A stored float32."""
        return self.constant(np.array(value, np.float32))

    def axes(self, *values: int) -> str:
        """A stored list of int64."""
        return self.constant(np.array(values, np.int64))

    def many(self, operator: str, inputs: Sequence[str], outputs: int, domain: str = "", **attributes: Attribute) -> list[str]:
        """A node with several results."""
        names = [f"t{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, f"{operator}_{len(self._nodes)}", domain=domain, **attributes))
        return names

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """A node with one result."""
        return self.many(operator, inputs, 1, domain, **attributes)[0]

    def cast(self, x: str, to: int) -> str:
        """`x` in another type of onnx.TensorProto."""
        return self.add("Cast", x, to=to)

    def linear(self, x: str, weights: Floats, bias: Floats) -> str:
        """X @ weights + bias in float32."""
        return self.add("Add", self.add("MatMul", x, self.constant(weights.astype(np.float32))), self.constant(bias.astype(np.float32)))

    def norm(self, x: str, weight: Floats, bias: Floats) -> str:
        """Layer norm over the last axis."""
        return self.add("LayerNormalization", x, self.constant(weight), self.constant(bias), axis=-1, epsilon=EPSILON)

    def gelu(self, x: str) -> str:
        """X * Phi(x), with the error function, not its approximation."""
        return self.add("Gelu", x, domain=MICROSOFT)

    def save(self, path: Path, result: str) -> None:
        """Writes the model, with `result` [texts, labels] as its output."""
        self._nodes.append(helper.make_node("Sigmoid", [result], [OUTPUT], "Sigmoid_out"))
        graph = helper.make_graph(
            self._nodes,
            "sluice",
            [helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["texts", len(LABELS)])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)])
        model.ir_version = IR_VERSION
        model.producer_name = "sluice train"
        onnx.save(model, str(path))


def mask(graph: Graph) -> tuple[str, str]:
    """1.0 for a token and 0.0 for padding, as [texts, tokens] and as [texts, tokens, 1]."""
    real = graph.cast(graph.add("Not", graph.add("Equal", INPUT, graph.constant(np.array(PAD, np.int64)))), TensorProto.FLOAT)
    return real, graph.add("Unsqueeze", real, graph.axes(2))


def highest(graph: Graph, x: str, real: str) -> str:
    """The maximum over a text's tokens, [texts, columns], of x [texts, tokens, columns]. `real`: the three-dimensional mask."""
    far = graph.add("Mul", graph.add("Sub", real, graph.number(1)), graph.number(FAR))
    return graph.add("ReduceMax", graph.add("Add", x, far), graph.axes(1), keepdims=0)


def vectors_in_4_bits(graph: Graph, vectors: Floats) -> str:
    """Rows of `vectors` by token id, stored as Q4_0 (pipeline.scoring.training.base): lossless for a table that was read from Q4_0."""
    columns = vectors.shape[1]
    packed, scale = pack_4_bits(vectors)
    halves = graph.add("Gather", graph.constant(packed), INPUT)
    shape = graph.add("Concat", graph.add("Shape", INPUT), graph.axes(columns // BLOCK, BLOCK // 2), axis=0)
    halves = graph.add("Reshape", halves, shape)
    low = graph.add("BitwiseAnd", halves, graph.constant(np.array(15, np.uint8)))
    high = graph.add("BitShift", halves, graph.constant(np.array(4, np.uint8)), direction="RIGHT")
    values = graph.add("Sub", graph.cast(graph.add("Concat", low, high, axis=-1), TensorProto.FLOAT), graph.number(8))
    scales = graph.cast(graph.add("Gather", graph.constant(scale), INPUT), TensorProto.FLOAT)
    scaled = graph.add("Mul", values, graph.add("Unsqueeze", scales, graph.axes(-1)))
    return graph.add("Reshape", scaled, graph.add("Concat", graph.add("Shape", INPUT), graph.axes(columns), axis=0))


def pack_4_bits(vectors: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """[count, columns / 2] of packed nibbles and [count, columns / BLOCK] of scales."""
    count, columns = vectors.shape
    blocks = vectors.reshape(count, columns // BLOCK, BLOCK)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)[..., 0]
    scale = (extreme / -8).astype(np.float16)
    wide = scale.astype(np.float32)
    nibbles = np.clip(np.round(blocks / np.where(wide == 0, 1, wide)[..., None]) + 8, 0, 15).astype(np.uint8)
    packed: NDArray[np.uint8] = nibbles[..., : BLOCK // 2] | (nibbles[..., BLOCK // 2 :] << np.uint8(4))
    return packed.reshape(count, columns // 2), scale


def vectors_in_8_bits(graph: Graph, vectors: Floats) -> str:
    """Rows of `vectors` by token id, stored in 8 bits with a scale for each row."""
    scale = (np.abs(vectors).max(axis=1, keepdims=True) / 127 + 1e-12).astype(np.float32)
    values = graph.cast(graph.add("Gather", graph.constant(np.round(vectors / scale).astype(np.int8)), INPUT), TensorProto.FLOAT)
    return graph.add("Mul", values, graph.add("Gather", graph.constant(scale), INPUT))
