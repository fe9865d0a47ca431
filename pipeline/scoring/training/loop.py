"""Training one encoder: batches of one length, AdamW with a rate that falls layer by layer, a state on disk from which a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from pipeline.scoring.training.encode import Ids, padded
from pipeline.scoring.training.encoder import Frozen, Layer, Parameters, classify, halved, logits, pooled
from pipeline.scoring.training.rows import LABELS, Floats

LENGTHS = (16, 24, 32, 44, 58, 72)
"""A batch has one of these lengths, for each of which JAX compiles a step."""

LABEL_WEIGHTS = tuple(1.5 if label in {"threat", "sexual"} else 1.0 for label in LABELS)
"""In the loss: the labels with the fewest harmful rows count for more."""

SAVE_SECONDS = 180.0
"""Between two states on disk."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`rate`: the highest of the last layer; `fall`: of each layer below it; `head_rate`: times `rate`, of the head. `tokens`: of a batch.

    `warmup`: the share of steps in which the rate rises. `head_draws`: how many draws the head alone learns from first, on frozen states.
    `half`: matrices are multiplied in bfloat16. `taught`: the share of the loss that a teacher's answers have; the rest is the labels'.
    """

    rate: float = 3e-4
    fall: float = 0.8
    head_rate: float = 1.5
    tokens: int = 3072
    warmup: float = 0.1
    decay: float = 0.01
    smoothing: float = 0.02
    head_draws: int = 6000
    head_passes: int = 3
    half: bool = False
    taught: float = 0


class Batch(NamedTuple):
    """Ids [B, L], targets and a teacher's answers [B, labels], both NaN where not known."""

    ids: NDArray[np.int32]
    targets: Floats
    answers: Floats


class State(NamedTuple):
    """What changes from step to step."""

    parameters: Parameters
    optimiser: optax.OptState


def batches(ids: Sequence[Ids], targets: Floats, tokens: int, random: np.random.Generator, answers: Floats | None = None) -> list[Batch]:
    """All rows once, those of like length together, in random order. `answers` of a teacher: [rows, labels]."""
    known = np.concatenate([targets, np.full_like(targets, np.nan) if answers is None else answers], axis=1)
    result = []
    for chosen, padded_ids in alike(ids, random.permutation(len(ids)).tolist(), tokens):
        rows = np.full((len(padded_ids), known.shape[1]), np.nan, np.float32)
        rows[: len(chosen)] = known[chosen]
        result.append(Batch(padded_ids, *np.split(rows, 2, axis=1)))
    return [result[index] for index in random.permutation(len(result))]


def alike(ids: Sequence[Ids], order: Iterable[int], tokens: int) -> Iterator[tuple[list[int], NDArray[np.int32]]]:
    """The rows of `order`, those of like length together, at most `tokens` at once: their numbers and their ids, [B, L].

    A batch that would not be full is filled up with its first row. ValueError where a row is longer than all of LENGTHS.
    """
    groups: dict[int, list[int]] = {}
    for index in order:
        fits = next((length for length in LENGTHS if len(ids[index]) <= length), None)
        if fits is None:
            raise ValueError(f"row {index} has {len(ids[index])} ids, and no batch has more than {LENGTHS[-1]}")
        groups.setdefault(fits, []).append(index)
    for length, members in groups.items():
        size = max(1, tokens // length)
        for start in range(0, len(members), size):
            chosen = members[start : start + size]
            yield chosen, padded([ids[index] for index in [*chosen, *([chosen[0]] * (size - len(chosen)))]], length)


def loss(outputs: jax.Array, targets: jax.Array, smoothing: float) -> jax.Array:
    """Mean binary cross-entropy over the known targets, which are drawn towards .5 by `smoothing`."""
    known = ~jnp.isnan(targets) * jnp.asarray(LABEL_WEIGHTS)
    wanted = jnp.nan_to_num(targets) * (1 - smoothing) + smoothing / 2
    cost: jax.Array = (optax.sigmoid_binary_cross_entropy(outputs, wanted) * known).sum() / jnp.maximum(known.sum(), 1)
    return cost


def both(outputs: jax.Array, targets: jax.Array, answers: jax.Array, smoothing: float, taught: float) -> jax.Array:
    """The labels' loss and the teacher's, by their shares (Hinton et al. 2015, at temperature 1)."""
    labels = loss(outputs, targets, smoothing)
    return labels if taught == 0 else (1 - taught) * labels + taught * loss(outputs, answers, 0)


def fit_head(
    parameters: Parameters, fixed: Frozen, learn: Sequence[Batch], schedule: Schedule, key: jax.Array
) -> tuple[Parameters, Frozen]:
    """The head trained on the base model's states, and the states' centre and spread: a fresh head would tear the layers apart."""
    features = np.concatenate([np.asarray(_pooled(parameters["layers"], fixed, batch.ids)) for batch in learn])
    targets = np.concatenate([batch.targets for batch in learn])
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-4
    features = (features - centre) / spread
    head = parameters["head"]
    state = _HEAD_OPTIMISER.init(head)
    size = min(256, len(features))
    for turn in jax.random.split(key, schedule.head_passes):
        order = np.asarray(jax.random.permutation(turn, len(features)))
        for number, start in enumerate(range(0, len(order) - size + 1, size)):
            chosen = order[start : start + size]
            of_step = jax.random.fold_in(turn, number)
            head, state = _head_step(head, state, features[chosen], targets[chosen], of_step, schedule.smoothing)
    return {"layers": parameters["layers"], "head": head}, fixed._replace(centre=jnp.asarray(centre), spread=jnp.asarray(spread))


_HEAD_OPTIMISER = optax.adamw(1e-3, weight_decay=0.05)


@partial(jax.jit, static_argnames="smoothing")
def _head_step(  # noqa: PLR0913, PLR0917 - what a step needs
    head: Layer, state: optax.OptState, features: jax.Array, targets: jax.Array, key: jax.Array, smoothing: float
) -> tuple[Layer, optax.OptState]:
    """Compiled once for each shape, whatever the run."""
    gradient = jax.grad(lambda each: loss(classify(each, features, key), targets, smoothing))(head)
    updates, state = _HEAD_OPTIMISER.update(gradient, state, head)
    return optax.apply_updates(head, updates), state


@partial(jax.jit, static_argnames=("smoothing", "half", "taught"))
def _gradient(  # noqa: PLR0913, PLR0917 - what a step needs
    parameters: Parameters, fixed: Frozen, batch: Batch, key: jax.Array, smoothing: float, half: bool, taught: float
) -> tuple[jax.Array, Parameters]:
    """The loss and its gradient. Compiled once for each shape, whatever the run."""

    def cost(parameters: Parameters) -> jax.Array:
        if half:
            parameters = {"layers": halved(parameters["layers"]), "head": parameters["head"]}
        outputs = logits(parameters, fixed, jnp.asarray(batch.ids), key)
        return both(outputs, jnp.asarray(batch.targets), jnp.asarray(batch.answers), smoothing, taught)

    return jax.value_and_grad(cost)(parameters)


_pooled = jax.jit(pooled)


def fit(  # noqa: PLR0913 - what a training needs
    parameters: Parameters,
    fixed: Frozen,
    learn: Sequence[Batch],
    schedule: Schedule,
    *,
    seed: int,
    saved: Path,
    say: Callable[[str], None],
) -> Parameters:
    """All layers trained on `learn`, each batch once. Goes on from `saved` when that file is of the same run."""
    optimiser = _optimiser(parameters, schedule, len(learn))
    state = State(parameters, optimiser.init(parameters))
    first = 0
    if saved.exists():
        state, first = restore(saved, state)
        say(f"goes on from step {first}")

    def update(state: State, gradient: Parameters) -> State:
        updates, inner = optimiser.update(gradient, state.optimiser, state.parameters)
        return State(optax.apply_updates(state.parameters, updates), inner)

    apply = jax.jit(update, donate_argnums=0)
    key = jax.random.key(seed)
    began = last_saved = time.monotonic()
    losses: list[jax.Array] = []  # read only now and then: an accelerator that is asked after each step stands still meanwhile
    for number, batch in enumerate(learn[first:], first):
        of_step = jax.random.fold_in(key, number)
        value, change = _gradient(state.parameters, fixed, batch, of_step, schedule.smoothing, schedule.half, schedule.taught)
        state = apply(state, change)
        losses.append(value)
        if len(losses) == 25:
            mean = np.mean([float(each) for each in losses])
            per_step = (time.monotonic() - began) / (number + 1 - first)
            say(f"step {number + 1} of {len(learn)}, loss {mean:.4f}, {per_step:.3f} s a step")
            losses.clear()
        if time.monotonic() - last_saved > SAVE_SECONDS:
            save(saved, state, number + 1)
            last_saved = time.monotonic()
    save(saved, state, len(learn))
    return state.parameters


def _optimiser(parameters: Parameters, schedule: Schedule, steps: int) -> optax.GradientTransformation:
    """AdamW. The rate rises for a share of the steps, then falls to nothing; each layer has a lower one than the layer above it."""
    top = len(parameters["layers"]) - 1
    scale: Parameters = {
        "layers": [
            jax.tree.map(lambda _, by=schedule.fall ** (top - index): by, layer) for index, layer in enumerate(parameters["layers"])
        ],
        "head": jax.tree.map(lambda _: schedule.head_rate, parameters["head"]),
    }
    rise = max(1, round(steps * schedule.warmup))
    rate = optax.join_schedules(
        [optax.linear_schedule(schedule.rate / 25, schedule.rate, rise), optax.linear_schedule(schedule.rate, 0, steps - rise)], [rise]
    )
    by_layer = optax.stateless(lambda updates, _: jax.tree.map(lambda update, by: update * by, updates, scale))
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(),
        optax.add_decayed_weights(schedule.decay),
        optax.scale_by_learning_rate(rate),
        by_layer,
    )


def save(path: Path, state: State, step: int) -> None:
    """Writes `state` so that `path` is always whole."""
    leaves = {f"leaf{number}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(state))}
    beside = path.with_suffix(".new.npz")
    np.savez(beside, allow_pickle=False, step=np.array(step), **leaves)
    beside.replace(path)


def restore(path: Path, like: State) -> tuple[State, int]:
    """The state in `path`, in the form of `like`, and the step after it."""
    with np.load(path) as stored:
        count = len(jax.tree.leaves(like))
        leaves = [jnp.asarray(stored[f"leaf{number}"]) for number in range(count)]
        return jax.tree.unflatten(jax.tree.structure(like), leaves), int(stored["step"])
