"""The accurate tier in JAX: the first layers of the base model, and a head on the mean and the maximum of the last one's states.

Shapes: B texts, L tokens, H = 384 columns. A tree of parameters is a nested dict of arrays; word vectors and positions are frozen and stand
outside the tree.
"""

from __future__ import annotations

from typing import NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import numpy as np

from pipeline.scoring.training.base import HEADS, BaseLayer, BaseModel
from pipeline.scoring.training.rows import LABELS

BEGIN, PAD, END = 0, 1, 2
"""Ids of <s>, <pad> and </s> in every vocabulary of XLM-R, trimmed or not."""

EPSILON = 1e-12
"""Of the base model's layer norms."""

FAR = 1e4
"""What is taken from the logit of a padded token: exp(-FAR) is 0."""

HEAD_DROPOUT = 0.1

Layer = dict[str, jax.Array]


class Parameters(TypedDict):
    """What is trained."""

    layers: list[Layer]
    head: Layer


class Frozen(NamedTuple):
    """What is not: word vectors [V, H], positions, the first norm, and mean and spread of the pooled states [2H]."""

    words: jax.Array
    positions: jax.Array
    norm: jax.Array
    norm_bias: jax.Array
    centre: jax.Array
    spread: jax.Array


def frozen(base: BaseModel, keep: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Frozen:
    """The frozen part, with the rows `keep` of the base model's vocabulary."""
    columns = base.words.shape[1]
    centre, spread = jnp.zeros(2 * columns), jnp.ones(2 * columns)
    return Frozen(
        jnp.asarray(base.words[keep]), jnp.asarray(base.positions), jnp.asarray(base.norm), jnp.asarray(base.norm_bias), centre, spread
    )


def initial(base: BaseModel, layers: int, key: jax.Array) -> Parameters:
    """The base model's first `layers` layers and a fresh head."""
    columns = base.words.shape[1]
    first, second = jax.random.split(key)
    scale = (2 * columns) ** -0.5
    head = {
        "hidden": jax.random.uniform(first, (2 * columns, columns), minval=-scale, maxval=scale),
        "hidden_bias": jnp.zeros(columns),
        "out": jax.random.uniform(second, (columns, len(LABELS)), minval=-(columns**-0.5), maxval=columns**-0.5),
        "out_bias": jnp.zeros(len(LABELS)),
    }
    return {"layers": [_tree(layer) for layer in base.layers[:layers]], "head": head}


def _tree(layer: BaseLayer) -> Layer:
    return {name: jnp.asarray(getattr(layer, name)) for name in BaseLayer.__slots__}


MATRICES = ("qkv", "attention", "up", "down")
"""The large products of a layer: nearly all of a step's time."""


def halved(layers: list[Layer]) -> list[Layer]:
    """The layers with their matrices in bfloat16: on a processor with instructions for it a step takes little more than half the time.

    The sums stay in float32, and so do the weights that a step changes: a gradient goes through this copy to them.
    """
    return [{name: leaf.astype(jnp.bfloat16) if name in MATRICES else leaf for name, leaf in layer.items()} for layer in layers]


CHUNKS = 8
"""Parts of a batch in a gradient's sum over tokens."""


@jax.custom_vjp
def _product(x: jax.Array, weights: jax.Array) -> jax.Array:
    """X @ weights, in the type of the weights, summed in float32."""
    return jnp.dot(x.astype(weights.dtype), weights, preferred_element_type=jnp.float32)


def _product_forward(x: jax.Array, weights: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    x = x.astype(weights.dtype)
    return jnp.dot(x, weights, preferred_element_type=jnp.float32), (x, weights)


def _product_backward(kept: tuple[jax.Array, jax.Array], change: jax.Array) -> tuple[jax.Array, jax.Array]:
    """JAX's own rule would multiply float32 with bfloat16, for which there are no fast instructions. The sum over tokens goes through a
    reshape, because XLA otherwise folds the transposition into a product that is half as fast (jaxlib 0.10.2).
    """
    x, weights = kept
    change = change.astype(weights.dtype)
    of_x = jax.lax.dot_general(change, weights, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32)
    parts = CHUNKS if len(x) % CHUNKS == 0 else 1
    turned = x.reshape(parts, len(x) // parts, -1).transpose(2, 0, 1).reshape(x.shape[1], len(x))
    return of_x, jnp.dot(turned, change, preferred_element_type=jnp.float32).astype(weights.dtype)


_product.defvjp(_product_forward, _product_backward)


def norm(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    """Layer norm over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + EPSILON) * weight + bias


def _attend(layer: Layer, x: jax.Array, hidden: jax.Array) -> jax.Array:
    """The first half of a layer: x [B, L, H], hidden [B, 1, 1, L]: -FAR where padded, else 0."""
    batch, length, columns = x.shape
    flat = (_product(x.reshape(-1, columns), layer["qkv"]) + layer["qkv_bias"]).reshape(batch, length, 3, HEADS, columns // HEADS)
    query, key, value = flat.transpose(2, 0, 3, 1, 4)
    weights = jax.nn.softmax(query @ key.swapaxes(-1, -2) * (columns // HEADS) ** -0.5 + hidden, axis=-1)
    heads = (weights @ value).transpose(0, 2, 1, 3).reshape(-1, columns)
    attended = (_product(heads, layer["attention"]) + layer["attention_bias"]).reshape(x.shape)
    return norm(x + attended, layer["attention_norm"], layer["attention_norm_bias"])


def _widen(layer: Layer, x: jax.Array) -> jax.Array:
    """The second half of a layer."""
    wide = jax.nn.gelu(_product(x.reshape(-1, x.shape[-1]), layer["up"]) + layer["up_bias"], approximate=False)
    return norm(x + (_product(wide, layer["down"]) + layer["down_bias"]).reshape(x.shape), layer["norm"], layer["norm_bias"])


def _embed(fixed: Frozen, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What enters the first layer, and what is added to the logits of padded tokens."""
    x = norm(fixed.words[ids] + fixed.positions[: ids.shape[1]], fixed.norm, fixed.norm_bias)
    return x, jnp.where(ids == PAD, -FAR, 0.0)[:, None, None, :]


def states(layers: list[Layer], fixed: Frozen, ids: jax.Array) -> jax.Array:
    """The last layer's states, [B, L, H], of padded ids [B, L]."""
    x, hidden = _embed(fixed, ids)
    for layer in layers:
        x = _widen(layer, _attend(layer, x, hidden))
    return x


def inputs_of_layers(layers: list[Layer], fixed: Frozen, ids: jax.Array) -> jax.Array:
    """The largest absolute value of each column that enters `qkv` and `up`, [layers, 2, H], over the tokens of a batch."""
    x, hidden = _embed(fixed, ids)
    real = (ids != PAD)[..., None]
    found = []
    for layer in layers:
        middle = _attend(layer, x, hidden)
        found.append(jnp.stack([jnp.abs(jnp.where(real, each, 0)).max((0, 1)) for each in (x, middle)]))
        x = _widen(layer, middle)
    return jnp.stack(found)


def pooled(layers: list[Layer], fixed: Frozen, ids: jax.Array) -> jax.Array:
    """Mean and maximum over a text's tokens, [B, 2H], centred: the base model's states are far from 0, which wrecks a head's dropout."""
    x = states(layers, fixed, ids)
    real = (ids != PAD)[..., None]
    mean = (x * real).sum(1) / real.sum(1)
    highest = jnp.where(real, x, -FAR).max(1)
    return (jnp.concatenate([mean, highest], axis=1) - fixed.centre) / fixed.spread


def classify(head: Layer, features: jax.Array, key: jax.Array | None) -> jax.Array:
    """Logits, [B, labels]. Dropout when a random `key` is given."""
    inner = None if key is None else jax.random.split(key)
    features = features if inner is None else _drop(features, inner[0])
    hidden = jax.nn.gelu(features @ head["hidden"] + head["hidden_bias"], approximate=False)
    hidden = hidden if inner is None else _drop(hidden, inner[1])
    return hidden @ head["out"] + head["out_bias"]


def _drop(x: jax.Array, key: jax.Array) -> jax.Array:
    return jnp.where(jax.random.bernoulli(key, 1 - HEAD_DROPOUT, x.shape), x / (1 - HEAD_DROPOUT), 0.0)


def logits(parameters: Parameters, fixed: Frozen, ids: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Logits, [B, labels], of padded ids [B, L]."""
    return classify(parameters["head"], pooled(parameters["layers"], fixed, ids), key)
