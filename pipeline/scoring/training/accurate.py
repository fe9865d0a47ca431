"""The steps of the accurate tier: its runs, their average, its graphs; and those of the teacher that it learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.scoring.training import export, loop
from pipeline.scoring.training.augment import Augment, Dictionary, Words
from pipeline.scoring.training.base import BaseModel
from pipeline.scoring.training.encode import Ids, encode_draws, padded
from pipeline.scoring.training.encoder import Frozen, Parameters, initial, logits, pooled
from pipeline.scoring.training.loop import LENGTHS
from pipeline.scoring.training.recipe import AugmentForm, EncoderForm, Run
from pipeline.scoring.training.rows import LABELS, Floats, Row
from pipeline.scoring.training.sampling import Draw, draws
from pipeline.scoring.training.work import Work, averaged, read_parameters, write_parameters

Tuned = tuple[Parameters, Frozen]
"""An encoder after a run."""

Teacher = Callable[[Sequence[Ids]], Floats]
"""Texts as ids to probabilities, [rows, labels]."""

HEAD_TOKENS = 6144
"""Of a batch whose states are only computed, not learnt from."""

ANSWERED_TOKENS = 12_288
"""Of a batch that a teacher answers."""

ANSWERED_BATCHES = 20
"""After so many it says how far it is."""

STANDARD_ROWS = 3_000
"""Whose states say how a head that is given is standardised: about what a fresh head's first rows would say."""

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


def train(  # noqa: PLR0913, PLR0917 - what a training needs
    work: Work, form: EncoderForm, augment: AugmentForm, material: Material, taught_by: Teacher | None, given: Parameters | None = None
) -> Tuned:
    """All runs, each a step of its own, and their average. `given` is the first run's result, which is then not trained."""
    if given:
        work.once(f"run-{next(iter(form.runs))}.npz", lambda path: write_parameters(path, *standardised(given, material)))
    paths = _runs(work, "run", form, augment, material, taught_by)
    like = initial(material.base, form.layers, jax.random.key(0))
    return averaged([{paths[name]: weight for name, weight in family.items()} for family in form.families], like, material.fixed)


def teacher(work: Work, form: EncoderForm, augment: AugmentForm, material: Material) -> Teacher:
    """What answers for a teacher's runs: the weighted mean of their logits. They need not have one start in common.

    It is trained when it is first asked: a work folder that has all that it was asked for needs it no more.
    """

    @cache
    def trained() -> Teacher:
        return _teacher(work, form, augment, material)

    def answer(ids: Sequence[Ids]) -> Floats:
        return trained()(ids)

    return answer


def _teacher(work: Work, form: EncoderForm, augment: AugmentForm, material: Material) -> Teacher:
    paths = _runs(work, "teacher", form, augment, material, None)
    like = initial(material.base, form.layers, jax.random.key(0))
    total = sum(form.average.values())
    models = [(read_parameters(paths[name], like, material.fixed), weight / total) for name, weight in form.average.items()]
    return answering(models, work.say)


def answering(models: Sequence[tuple[Tuned, float]], say: Callable[[str], None]) -> Teacher:
    """What gives the probabilities of the mean of the logits of `models`, by their weights."""
    of_batch = jax.jit(logits)

    def answer(ids: Sequence[Ids]) -> Floats:
        result = np.zeros((len(ids), len(LABELS)), np.float32)
        done = 0
        for number, (rows, batch) in enumerate(loop.alike(ids, range(len(ids)), ANSWERED_TOKENS), 1):
            mean = sum(np.asarray(of_batch(*tuned, batch)) * weight for tuned, weight in models)
            result[rows] = (1 / (1 + np.exp(-mean)))[: len(rows)]
            done += len(rows)
            if number % ANSWERED_BATCHES == 0:
                say(f"answers: {done} of {len(ids)}")
        return result

    return answer


def answered(work: Work, name: str, ids: Sequence[Ids], teacher: Teacher) -> Floats:
    """The step `name`: what `teacher` says of `ids`, [rows, labels]."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, teacher(ids))

    found: Floats = np.load(work.once(name, make))
    return found


def with_labels(answers: Floats, targets: Floats, own: Sequence[bool]) -> Floats:
    """`answers` [rows, labels]; the known `targets` in their place in rows that are `own`."""
    return np.where(np.array(own)[:, None] & ~np.isnan(targets), targets, answers)


def _runs(  # noqa: PLR0913, PLR0917 - what all runs need
    work: Work, kind: str, form: EncoderForm, augment: AugmentForm, material: Material, taught_by: Teacher | None
) -> dict[str, Path]:
    like = initial(material.base, form.layers, jax.random.key(0))
    paths: dict[str, Path] = {}
    for name, run in form.runs.items():
        start = read_parameters(paths[run.after], like, material.fixed) if run.after else None
        step = f"{kind}-{name}"

        def make(path: Path, step: str = step, run: Run = run, start: Tuned | None = start) -> None:
            write_parameters(path, *_run(work, step, run, form, augment, material, start, taught_by))

        paths[name] = work.once(f"{step}.npz", make)
        work.path(_state(step)).unlink(missing_ok=True)
    return paths


def standardised(parameters: Parameters, material: Material) -> Tuned:
    """`parameters`, whose head reads pooled states as they are, in the form of a run, whose head reads standardised ones: the same."""
    random = np.random.default_rng(0)
    chosen = random.choice(len(material.rows), min(STANDARD_ROWS, len(material.rows)), replace=False).tolist()
    rows = [material.rows[index] for index in chosen]
    texts = encode_draws(material.tokenizer, [Draw(row.text, row.targets) for row in rows], LENGTHS[-1])
    of_batch = jax.jit(pooled)
    states = np.concatenate(
        [
            np.asarray(of_batch(parameters["layers"], material.fixed, batch))[: len(numbers)]
            for numbers, batch in loop.alike(texts, range(len(texts)), HEAD_TOKENS)
        ]
    )
    centre, spread = states.mean(axis=0), states.std(axis=0) + 1e-4
    head = parameters["head"]
    read = {**head, "hidden": head["hidden"] * spread[:, None], "hidden_bias": head["hidden_bias"] + centre @ head["hidden"]}
    return {"layers": parameters["layers"], "head": read}, material.fixed._replace(centre=jnp.asarray(centre), spread=jnp.asarray(spread))


def _state(step: str) -> str:
    return f"state-{step}.npz"


def _run(  # noqa: PLR0913, PLR0917 - a run is where everything meets
    work: Work,
    step: str,
    run: Run,
    form: EncoderForm,
    augment: AugmentForm,
    material: Material,
    start: Tuned | None,
    taught_by: Teacher | None,
) -> Tuned:
    random, key = np.random.default_rng(run.seed), jax.random.key(run.seed)
    rows = material.rows if run.benign else [row for row in material.rows if not row.benign]
    noise = Augment(replace(augment.rates, dress=run.dressed), material.profane, material.dictionary if run.dictionary else {})
    drawn = draws(rows, run.draws, run.mix, noise, random)
    ids = encode_draws(material.tokenizer, drawn, form.length)
    targets = np.stack([draw.targets for draw in drawn])
    work.say(f"{step}: {len(ids)} texts drawn")
    schedule = form.schedule(run)
    if start is None:
        few = schedule.head_draws
        head = loop.batches(ids[:few], targets[:few], HEAD_TOKENS, random)
        parameters, fixed = loop.fit_head(initial(material.base, form.layers, key), material.fixed, head, schedule, key)
    else:
        parameters, fixed = start
    answering_now = answering([(start, 1.0)], work.say) if start and run.kept else taught_by
    answers = answered(work, f"answers-{step}.npy", ids, answering_now) if answering_now and schedule.taught else None
    if answers is not None and run.kept:
        answers = with_labels(answers, targets, [draw.own for draw in drawn])
    learn = loop.batches(ids, targets, schedule.tokens, random, answers)

    def say(sentence: str) -> None:
        work.say(f"{step}: {sentence}")

    return loop.fit(parameters, fixed, learn, schedule, seed=run.seed, saved=work.path(_state(step)), say=say), fixed


def graphs(work: Work, name: str, parameters: Parameters, fixed: Frozen, sample: Sequence[list[int]]) -> tuple[Path, Path]:
    """The graph with 8-bit products, and its twin in float32. `sample`: ids of some rows, for the divisors."""
    rows = [row[:CALIBRATION_TOKENS] for row in sample[:: max(1, len(sample) // CALIBRATION_ROWS)]]
    ids: list[NDArray[np.int32]] = [padded(rows[at : at + 32], CALIBRATION_TOKENS) for at in range(0, len(rows), 32)]
    smooth = export.smoothing(parameters, fixed, ids)
    small = work.once(f"{name}.onnx", lambda path: export.export(parameters, fixed, path, smooth))
    return small, work.once(f"{name}-float32.onnx", lambda path: export.export(parameters, fixed, path, None))
