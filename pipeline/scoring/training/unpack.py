"""The weights of an exported 8-bit graph, read back: a training can go on from a bundle whose own weights nobody kept.

What eight bits lost is lost: the weights are those that the graph computes with, not those that it was made of.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from pipeline.scoring.training.encoder import MATRICES, Layer, Parameters
from pipeline.scoring.training.export import GELU_LEAST
from pipeline.scoring.training.rows import Floats

SMOOTHED = {"qkv", "up"}
"""Matrices into which divisors of the columns went that enter them."""


def read_graph(graph: bytes) -> Parameters:
    """The parameters of a stored `graph`, whose head reads pooled states as they are. ValueError where `export` did not write it."""
    try:
        return _Graph(onnx.load_from_string(graph)).parameters()
    except (KeyError, IndexError, ValueError, DecodeError) as error:
        raise ValueError(f"is no graph in 8 bits that sluice train has written: {error}") from error


class _Graph:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._nodes = list(model.graph.node)
        self._stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        self._made_by = {name: index for index, node in enumerate(self._nodes) for name in node.output}

    def parameters(self) -> Parameters:
        norms = self._all("LayerNormalization")[1:]  # the first is of the word vectors
        matrices = self._all("MatMulIntegerToFloat")
        count = len(norms) // 2
        if not count or (len(norms), len(matrices)) != (2 * count, len(MATRICES) * count):
            raise ValueError(f"{len(norms)} norms and {len(matrices)} products make no layers")
        layers: list[Layer] = []
        for number in range(count):
            layer: dict[str, Floats] = {}
            for name, index in zip(MATRICES, matrices[number * len(MATRICES) :], strict=False):
                layer[name], layer[f"{name}_bias"] = self._matrix(index, name)
            for name, index in zip(("attention_norm", "norm"), norms[2 * number :], strict=False):
                layer[name], layer[f"{name}_bias"] = (self._stored[each] for each in self._nodes[index].input[1:3])
            layers.append({name: jnp.asarray(value) for name, value in layer.items()})
        (hidden, hidden_bias), (out, out_bias) = (self._linear(index) for index in self._all("MatMul"))
        head = {"hidden": hidden, "hidden_bias": hidden_bias, "out": out, "out_bias": out_bias}
        return {"layers": layers, "head": {name: jnp.asarray(value) for name, value in head.items()}}

    def _all(self, operator: str) -> list[int]:
        return [index for index, node in enumerate(self._nodes) if node.op_type == operator]

    def _before(self, name: str) -> onnx.NodeProto:
        return self._nodes[self._made_by[name]]

    def _linear(self, index: int) -> tuple[Floats, Floats]:
        return self._stored[self._nodes[index].input[1]], self._added(index + 1)

    def _added(self, index: int) -> Floats:
        found: NDArray[np.float32] = self._stored[self._nodes[index].input[1]]
        return found

    def _matrix(self, index: int, name: str) -> tuple[Floats, Floats]:
        """[columns in, columns out] and its bias: what `export` did to them, undone."""
        node = self._nodes[index]
        weights: Floats = self._stored[node.input[1]].astype(np.float32) * self._stored[node.input[3]]
        bias = self._added(index + 2)  # behind the product with the row's scale
        if name == "down":
            bias = bias + GELU_LEAST * weights.sum(axis=0)
        if name in SMOOTHED:
            scaled = self._before(self._before(node.input[0]).input[0])
            entering = self._before(scaled.input[0])
            if entering.op_type == "Mul":
                weights = weights * self._stored[entering.input[1]][:, None]
        return weights, bias
