"""One model of several runs, and the folder that they lie in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pipeline.config import ConfigError
from pipeline.scoring.training.encoder import Frozen, Parameters, classify
from pipeline.scoring.training.recipe import read_recipe
from pipeline.scoring.training.work import Record, Work, averaged, write_parameters

STATES, HIDDEN, OUT = 6, 4, 3


def _run(seed: int) -> tuple[Parameters, Frozen]:
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> jax.Array:
        return jnp.asarray(random.normal(size=shape), jnp.float32)

    head = {"hidden": drawn(STATES, HIDDEN), "hidden_bias": drawn(HIDDEN), "out": drawn(HIDDEN, OUT), "out_bias": drawn(OUT)}
    fixed = Frozen(drawn(1, 1), drawn(1, 1), drawn(1), drawn(1), centre=drawn(STATES), spread=jnp.exp(drawn(STATES)))
    return {"layers": [{"up": drawn(2, 2)}], "head": head}, fixed


def _stored(folder: Path, runs: Mapping[int, tuple[Parameters, Frozen]]) -> dict[int, Path]:
    paths = {number: folder / f"run-{number}.npz" for number in runs}
    for number, path in paths.items():
        write_parameters(path, *runs[number])
    return paths


def test_heads_of_runs_with_different_starts_give_the_mean_of_their_logits(tmp_path: Path) -> None:
    runs = {number: _run(number) for number in (1, 2)}
    paths, states = _stored(tmp_path, runs), jnp.asarray(np.random.default_rng(9).normal(size=(5, STATES)), jnp.float32)
    mean, fixed = averaged([{paths[1]: 1.0}, {paths[2]: 3.0}], *runs[1])
    each = [classify(of["head"], (states - its.centre) / its.spread, None) for of, its in runs.values()]
    found = classify(mean["head"], (states - fixed.centre) / fixed.spread, None)
    assert np.asarray(found) == pytest.approx(np.asarray(each[0] + 3 * each[1]) / 4, abs=1e-4)
    layers = [np.asarray(of["layers"][0]["up"]) for of, _ in runs.values()]
    assert np.asarray(mean["layers"][0]["up"]) == pytest.approx((layers[0] + 3 * layers[1]) / 4, abs=1e-6)


def test_runs_that_go_on_from_one_another_become_one_head_of_the_same_size(tmp_path: Path) -> None:
    first, fixed = _run(1)
    further, _ = _run(2)
    paths = _stored(tmp_path, {1: (first, fixed), 2: (further, fixed)})
    mean, plain = averaged([{paths[1]: 1.0, paths[2]: 2.0}], first, fixed)
    wanted = jax.tree.map(lambda one, two: (one + 2 * two) / 3, first["head"], further["head"])
    states = jnp.asarray(np.random.default_rng(9).normal(size=(5, STATES)), jnp.float32)
    found = classify(mean["head"], (states - plain.centre) / plain.spread, None)
    assert np.asarray(found) == pytest.approx(np.asarray(classify(wanted, (states - fixed.centre) / fixed.spread, None)), abs=1e-4)
    assert mean["head"]["hidden"].shape == (STATES, HIDDEN)


def test_runs_are_of_the_family_of_the_run_that_they_began_with() -> None:
    form = read_recipe(Path("tests/data/training/recipe.toml")).accurate
    run = next(iter(form.runs.values()))
    runs = {name: run.model_copy(update={"after": after}) for name, after in (("a", ""), ("b", "a"), ("c", ""), ("d", "b"))}
    weights = {"b": 1.0, "c": 2.0, "d": 3.0}
    assert form.model_copy(update={"runs": runs, "average": weights}).families == [{"b": 1.0, "d": 3.0}, {"c": 2.0}]


@pytest.mark.parametrize("other", [{"recipe_sha256": "b"}, {"start": "x@1"}, {"texts_sha256": {"written/nl.tsv": "b"}}])
def test_a_work_folder_of_another_training_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    def record(**changed: object) -> Record:
        of: dict[str, object] = {"recipe_sha256": "a", "start": "", "texts_sha256": {"written/nl.tsv": "a"}, **changed}
        return Record(command="", libraries=[], processor="", data=[], **of)  # type: ignore[arg-type] # of several types

    Work(tmp_path, record(), lambda _: None)
    Work(tmp_path, record(), lambda _: None)
    with pytest.raises(ConfigError, match="another recipe, other data, other sentences, posts or word lists, or another bundle"):
        Work(tmp_path, record(**other), lambda _: None)
