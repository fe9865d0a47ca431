"""A work folder in which each step leaves a file: a training that was interrupted goes on with the first step that has none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from pipeline.config import ConfigError
from pipeline.scoring.training.encoder import Frozen, Layer, Parameters
from pipeline.scoring.training.rows import DataFile

RECORD = "record.json"

Tree = TypeVar("Tree")


class Made(msgspec.Struct):
    """How long a step took, and where: a work folder may have been on several machines."""

    seconds: float
    processor: str


class Record(msgspec.Struct):
    """What is known of a training: its command, libraries and data, and each step by its name. `start`: the bundle that it went on from.

    `texts_sha256`: of the project's own sentences and posts, and of the word lists.
    """

    command: str
    recipe_sha256: str
    libraries: list[str]
    processor: str
    data: list[DataFile]
    start: str = ""
    texts_sha256: dict[str, str] = {}
    steps: dict[str, Made] = {}


class Work:
    """The folder. `say`: where progress goes."""

    def __init__(self, folder: Path, record: Record, say: Callable[[str], None]) -> None:
        """ConfigError when `folder` is of another training."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.say = say
        self.record = record
        path = folder / RECORD
        if path.exists():
            before = msgspec.json.decode(path.read_bytes(), type=Record)
            if _of(before) != _of(record):
                raise ConfigError(
                    f"{folder}: belongs to a training with another recipe, other data, other sentences, posts or word lists, or another "
                    "bundle to go on from; give another folder, or remove it"
                )
            record.steps = before.steps
        self._write()

    def path(self, name: str) -> Path:
        """A file of the folder."""
        return self.folder / name

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file or folder `name`, made by `make` unless it is there already."""
        path = self.path(name)
        if path.exists():
            self.say(f"{name}: there already")
            return path
        self.say(f"{name} …")
        began = time.monotonic()
        beside = path.with_name(f"new-{name}")
        make(beside)
        beside.replace(path)
        made = self.record.steps[name] = Made(round(time.monotonic() - began, 1), self.record.processor)
        self._write()
        self.say(f"{name}: {made.seconds:.0f} s")
        return path

    def _write(self) -> None:
        self.path(RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(self.record), indent=2))


def _of(record: Record) -> tuple[object, ...]:
    return record.recipe_sha256, record.data, record.texts_sha256, record.start


def write_parameters(path: Path, parameters: Parameters, fixed: Frozen) -> None:
    """A run's result: what was trained, and centre and spread of the pooled states."""
    leaves = {f"leaf{number}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(parameters))}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, centre=np.asarray(fixed.centre), spread=np.asarray(fixed.spread), **leaves)


def read_parameters(path: Path, like: Parameters, fixed: Frozen) -> tuple[Parameters, Frozen]:
    """The same, in the form of `like`."""
    with np.load(path) as stored:
        leaves = [jnp.asarray(stored[f"leaf{number}"]) for number in range(len(jax.tree.leaves(like)))]
        changed = fixed._replace(centre=jnp.asarray(stored["centre"]), spread=jnp.asarray(stored["spread"]))
        return jax.tree.unflatten(jax.tree.structure(like), leaves), changed


def averaged(families: Sequence[Mapping[Path, float]], like: Parameters, fixed: Frozen) -> tuple[Parameters, Frozen]:
    """One model of several runs with their weights: the weighted mean of their layers (Wortsman et al. 2022, model soups), and of the heads
    of a family, which are the runs that go on from one run. Heads of different families began at random, and their mean would be nothing:
    they stand side by side, which gives the weighted mean of their logits.

    Each head reads features standardised by its run's centre and spread; that is folded into its first matrix.
    """
    total = sum(weight for family in families for weight in family.values())
    means = [(_mean_of(family, like, fixed), sum(family.values()) / total) for family in families]
    layers = _mean([(of["layers"], weight) for of, weight in means])
    heads = [(of["head"], weight) for of, weight in means]
    head = {
        "hidden": jnp.concatenate([each["hidden"] for each, _ in heads], axis=1),
        "hidden_bias": jnp.concatenate([each["hidden_bias"] for each, _ in heads]),
        "out": jnp.concatenate([each["out"] * weight for each, weight in heads]),
        "out_bias": sum((each["out_bias"] * weight for each, weight in heads), jnp.zeros_like(like["head"]["out_bias"])),
    }
    plain = fixed._replace(centre=jnp.zeros_like(fixed.centre), spread=jnp.ones_like(fixed.spread))
    return {"layers": layers, "head": head}, plain


def _mean_of(family: Mapping[Path, float], like: Parameters, fixed: Frozen) -> Parameters:
    total = sum(family.values())
    runs = [(read_parameters(path, like, fixed), weight / total) for path, weight in family.items()]
    plain: list[tuple[Parameters, float]] = [
        ({"layers": of["layers"], "head": _of_plain_features(of["head"], its)}, weight) for (of, its), weight in runs
    ]
    return _mean(plain)


def _mean(trees: Sequence[tuple[Tree, float]]) -> Tree:
    def mean(*leaves: jax.Array) -> jax.Array:
        return sum((leaf * weight for leaf, (_, weight) in zip(leaves, trees, strict=True)), jnp.zeros_like(leaves[0]))

    found: Tree = jax.tree.map(mean, *(tree for tree, _ in trees))
    return found


def _of_plain_features(head: Layer, own: Frozen) -> Layer:
    plain = head["hidden"] / own.spread[:, None]
    return {**head, "hidden": plain, "hidden_bias": head["hidden_bias"] - own.centre @ plain}
