"""The steps of the accurate tier: its runs, their average, its graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.scoring.training import export, loop
from pipeline.scoring.training.augment import Augment, Dictionary, Words
from pipeline.scoring.training.base import BaseModel
from pipeline.scoring.training.encode import encode_draws, padded
from pipeline.scoring.training.encoder import Frozen, Parameters, initial
from pipeline.scoring.training.recipe import AccurateForm, AugmentForm, Run
from pipeline.scoring.training.rows import Row
from pipeline.scoring.training.sampling import draws
from pipeline.scoring.training.work import Work, averaged, read_parameters, write_parameters

HEAD_TOKENS = 6144
"""Of a batch whose states are only computed, not learnt from."""

CALIBRATION_ROWS, CALIBRATION_TOKENS = 256, 80
"""Rows and tokens whose activations decide the divisors of the 8-bit graph."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the runs learn from."""

    rows: Sequence[Row]
    tokenizer: Tokenizer
    base: BaseModel
    fixed: Frozen
    profane: Words
    dictionary: Dictionary


def train(work: Work, form: AccurateForm, augment: AugmentForm, material: Material) -> tuple[Parameters, Frozen]:
    """All runs, each a step of its own, and their average."""
    like = initial(material.base, form.layers, jax.random.key(0))
    paths: dict[str, Path] = {}
    for name, run in form.runs.items():
        start = read_parameters(paths[run.after], like, material.fixed) if run.after else None

        def make(path: Path, name: str = name, run: Run = run, start: tuple[Parameters, Frozen] | None = start) -> None:
            write_parameters(path, *_run(work, name, run, form, augment, material, start))

        paths[name] = work.once(f"run-{name}.npz", make)
        work.path(_state(name)).unlink(missing_ok=True)
    return averaged({paths[name]: weight for name, weight in form.average.items()}, like, material.fixed)


def _state(name: str) -> str:
    return f"state-{name}.npz"


def _run(  # noqa: PLR0913, PLR0917 - a run is where everything meets
    work: Work, name: str, run: Run, form: AccurateForm, augment: AugmentForm, material: Material, start: tuple[Parameters, Frozen] | None
) -> tuple[Parameters, Frozen]:
    random, key = np.random.default_rng(run.seed), jax.random.key(run.seed)
    rows = material.rows if run.benign else [row for row in material.rows if not row.benign]
    noise = Augment(replace(augment.rates, dress=run.dressed), material.profane, material.dictionary if run.dictionary else {})
    drawn = draws(rows, run.draws, run.mix, noise, random)
    ids = encode_draws(material.tokenizer, drawn, form.length)
    targets = np.stack([draw.targets for draw in drawn])
    schedule = form.schedule(run)
    if start is None:
        few = schedule.head_draws
        head = loop.batches(ids[:few], targets[:few], HEAD_TOKENS, random)
        parameters, fixed = loop.fit_head(initial(material.base, form.layers, key), material.fixed, head, schedule, key)
    else:
        parameters, fixed = start
    learn = loop.batches(ids, targets, schedule.tokens, random)

    def say(sentence: str) -> None:
        work.say(f"{name}: {sentence}")

    return loop.fit(parameters, fixed, learn, schedule, seed=run.seed, saved=work.path(_state(name)), say=say), fixed


def graphs(work: Work, name: str, parameters: Parameters, fixed: Frozen, sample: Sequence[list[int]]) -> tuple[Path, Path]:
    """The graph with 8-bit products, and its twin in float32. `sample`: ids of some rows, for the divisors."""
    rows = [row[:CALIBRATION_TOKENS] for row in sample[:: max(1, len(sample) // CALIBRATION_ROWS)]]
    ids: list[NDArray[np.int32]] = [padded(rows[at : at + 32], CALIBRATION_TOKENS) for at in range(0, len(rows), 32)]
    smooth = export.smoothing(parameters, fixed, ids)
    small = work.once(f"{name}.onnx", lambda path: export.export(parameters, fixed, path, smooth))
    return small, work.once(f"{name}-float32.onnx", lambda path: export.export(parameters, fixed, path, None))
