"""The fast tier: a vector and a weight for each word piece, and a small network on their weighted mean and their maximum. No word order.

The vectors are distilled from the tuned encoder (each piece alone between <s> and </s>, its main axes kept; Tulkens & van Dongen 2024,
model2vec) and trained further, towards the labels and towards the accurate tier's own answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from pipeline.scoring.training.encoder import BEGIN, END, FAR, PAD, Frozen, Layer, states
from pipeline.scoring.training.graph import INPUT, Graph, highest, mask, vectors_in_8_bits
from pipeline.scoring.training.loop import Batch
from pipeline.scoring.training.rows import LABELS, Floats

COLUMNS, HIDDEN = 256, 256

DROPOUT, VECTOR_DROPOUT = 0.3, 0.1

COMMON = 1e-3
"""A piece of this frequency starts with half the weight of a rare one (SIF, Arora et al. 2017)."""

CHUNK = 2048
"""Pieces that are embedded at once."""

TEACHER = 0.6
"""Weight of the accurate tier's answers in the loss; the rest is the labels'."""


@dataclass(frozen=True, slots=True)
class Static:
    """`vectors` [pieces, COLUMNS], `weights` [pieces] (before the exponential), `network`: the trained rest."""

    vectors: Floats
    weights: Floats
    network: Layer


@dataclass(frozen=True, slots=True)
class Rates:
    """Highest learning rates of the network and of the vectors."""

    network: float = 2e-3
    vectors: float = 3e-4


def distilled(layers: list[Layer], fixed: Frozen, frequency: NDArray[np.float64], key: jax.Array) -> Static:
    """The fast tier before its training. `frequency` of each piece, sums to 1."""
    vectors = _alone(layers, fixed)
    vectors -= (vectors * frequency[:, None]).sum(axis=0)
    scaled = vectors * np.sqrt(frequency)[:, None]
    spread = scaled.T @ scaled + np.cov(vectors[::7].T) * 0.5
    axes = np.linalg.eigh(spread)[1][:, ::-1][:, :COLUMNS]
    turned = (vectors @ axes).astype(np.float32)
    turned *= 0.5 / turned.std()
    turned[PAD] = 0
    weights = np.log(COMMON / (COMMON + frequency)).astype(np.float32)
    return Static(turned, weights, _network(key))


def _alone(layers: list[Layer], fixed: Frozen) -> Floats:
    """The middle state of <s> piece </s>, [pieces, H]."""
    count, columns = fixed.words.shape
    embed = jax.jit(lambda layers, fixed, ids: states(layers, fixed, ids)[:, 1])
    result = np.zeros((count, columns), np.float32)
    for start in range(0, count, CHUNK):
        pieces = np.arange(start, start + CHUNK).clip(max=count - 1)
        ids = np.stack([np.full(CHUNK, BEGIN), pieces, np.full(CHUNK, END)], axis=1).astype(np.int32)
        result[pieces] = np.asarray(embed(layers, fixed, ids))
    return result


def _network(key: jax.Array) -> Layer:
    first, second, third = jax.random.split(key, 3)

    def uniform(key: jax.Array, rows: int, columns: int) -> jax.Array:
        return jax.random.uniform(key, (rows, columns), minval=-(rows**-0.5), maxval=rows**-0.5)

    return {
        "look": uniform(first, COLUMNS, COLUMNS),
        "look_bias": jnp.zeros(COLUMNS),
        "hidden": uniform(second, 2 * COLUMNS, HIDDEN),
        "hidden_bias": jnp.zeros(HIDDEN),
        "out": uniform(third, HIDDEN, len(LABELS)),
        "out_bias": jnp.zeros(len(LABELS)),
    }


def logits(network: Layer, vectors: jax.Array, weights: jax.Array, real: jax.Array, key: jax.Array | None) -> jax.Array:
    """Logits [B, labels] of vectors [B, L, COLUMNS] and weights [B, L] of a text's pieces; real [B, L]: no padding."""
    keys = None if key is None else jax.random.split(key, 3)

    def drop(x: jax.Array, number: int, share: float) -> jax.Array:
        return x if keys is None else jnp.where(jax.random.bernoulli(keys[number], 1 - share, x.shape), x / (1 - share), 0.0)

    vectors = drop(vectors, 0, VECTOR_DROPOUT) * real[..., None]
    shares = jnp.exp(weights) * real
    mean = (vectors * shares[..., None]).sum(1) / shares.sum(1, keepdims=True)
    seen = jax.nn.gelu(vectors @ network["look"] + network["look_bias"], approximate=False)
    found = jnp.where(real[..., None], seen, -FAR).max(1)
    features = drop(jnp.concatenate([mean, found], axis=1), 1, DROPOUT)
    hidden = jax.nn.gelu(features @ network["hidden"] + network["hidden_bias"], approximate=False)
    return drop(hidden, 2, DROPOUT) @ network["out"] + network["out_bias"]


def loss(outputs: jax.Array, labels: jax.Array, teacher: jax.Array) -> jax.Array:
    """Cross-entropy with the labels and with the accurate tier's probabilities, by their weights. NaN: not known, or a row of padding."""

    def cost(wanted: jax.Array) -> jax.Array:
        known = ~jnp.isnan(wanted)
        of_all: jax.Array = (optax.sigmoid_binary_cross_entropy(outputs, jnp.nan_to_num(wanted)) * known).sum() / jnp.maximum(
            known.sum(), 1
        )
        return of_all

    return (1 - TEACHER) * cost(labels) + TEACHER * cost(teacher)


def fit(start: Static, learn: Sequence[Batch], rates: Rates, *, seed: int, say: Callable[[str], None]) -> Static:
    """`start` trained on each batch once. Of the vectors only those in a batch are touched (lazy Adam), so that a step costs little."""
    optimiser = optax.adamw(optax.cosine_onecycle_schedule(len(learn), rates.network, 0.1), weight_decay=0.01)
    network, table = start.network, _Table(np.concatenate([start.vectors, start.weights[:, None]], axis=1))
    state = optimiser.init(network)

    def value(network: Layer, rows: jax.Array, batch: tuple[jax.Array, ...], key: jax.Array) -> jax.Array:
        ids, places, labels, wanted = batch
        picked = rows[places]
        return loss(logits(network, picked[..., :-1], picked[..., -1], ids != PAD, key), labels, wanted)

    @jax.jit
    def step(
        network: Layer, state: optax.OptState, rows: jax.Array, batch: tuple[jax.Array, ...], key: jax.Array
    ) -> tuple[Layer, optax.OptState, jax.Array, jax.Array]:
        cost, (change, of_rows) = jax.value_and_grad(value, argnums=(0, 1))(network, rows, batch, key)
        updates, state = optimiser.update(change, state, network)
        return optax.apply_updates(network, updates), state, of_rows, cost

    key, began, costs = jax.random.key(seed), time.monotonic(), []
    for number, batch in enumerate(learn):
        pieces, places = np.unique(batch.ids, return_inverse=True)
        room = batch.ids.size + 1
        padded = np.concatenate([pieces, np.full(room - len(pieces), PAD)])
        given = tuple(jnp.asarray(each) for each in (batch.ids, places.reshape(batch.ids.shape), batch.targets, batch.answers))
        network, state, of_rows, cost = step(network, state, table.values[padded], given, jax.random.fold_in(key, number))
        table.update(pieces.astype(np.int64), np.asarray(of_rows)[: len(pieces)], rates.vectors * (1 - number / len(learn)))
        costs.append(float(cost))
        if len(costs) == 100:
            say(f"fast tier: step {number + 1} of {len(learn)}, loss {np.mean(costs):.4f}, {time.monotonic() - began:.0f} s")
            costs.clear()
    return Static(table.values[:, :-1], table.values[:, -1], network)


class _Table:
    """Rows with Adam's two moments, updated where they were used."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._mean = np.zeros_like(values)
        self._square = np.zeros_like(values)
        self._uses = np.zeros(len(values), np.int64)

    def update(self, rows: NDArray[np.int64], gradient: Floats, rate: float) -> None:
        self._uses[rows] += 1
        self._mean[rows] = 0.9 * self._mean[rows] + 0.1 * gradient
        self._square[rows] = 0.999 * self._square[rows] + 0.001 * gradient**2
        uses = self._uses[rows][:, None]
        mean, square = self._mean[rows] / (1 - 0.9**uses), self._square[rows] / (1 - 0.999**uses)
        self.values[rows] -= (rate * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)


def export(static: Static, path: Path) -> None:
    """Writes the ONNX graph: vectors in 8 bits, all products in float32, so that no processor's integer units matter."""
    graph = Graph()
    _, real3 = mask(graph)
    vectors = graph.add("Mul", vectors_in_8_bits(graph, static.vectors), real3)
    shares = graph.add("Mul", graph.add("Exp", graph.add("Gather", graph.constant(static.weights[:, None]), INPUT)), real3)
    total = graph.add("ReduceSum", graph.add("Mul", vectors, shares), graph.axes(1), keepdims=0)
    mean = graph.add("Div", total, graph.add("ReduceSum", shares, graph.axes(1), keepdims=0))
    of = {name: np.asarray(value) for name, value in static.network.items()}
    seen = graph.gelu(graph.linear(vectors, of["look"], of["look_bias"]))
    features = graph.add("Concat", mean, highest(graph, seen, real3), axis=1)
    hidden = graph.gelu(graph.linear(features, of["hidden"], of["hidden_bias"]))
    graph.save(path, graph.linear(hidden, of["out"], of["out_bias"]))
