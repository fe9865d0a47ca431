"""The steps of the fast tier: texts answered by the accurate one, vectors distilled from it, and what learns from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.model import Model
from pipeline.scoring.training import static
from pipeline.scoring.training.accurate import Material
from pipeline.scoring.training.augment import Augment
from pipeline.scoring.training.encode import encode_draws
from pipeline.scoring.training.encoder import Frozen, Parameters
from pipeline.scoring.training.loop import batches
from pipeline.scoring.training.measured import THREADS
from pipeline.scoring.training.recipe import AugmentForm, FastForm
from pipeline.scoring.training.rows import LABELS, Floats
from pipeline.scoring.training.sampling import Mix, draws
from pipeline.scoring.training.work import Work

ANSWERED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the fast tier learns from: the material of the accurate one, its tuned weights, and its bundle, `teacher`."""

    material: Material
    augment: AugmentForm
    length: int
    tuned: tuple[Parameters, Frozen]
    frequency: NDArray[np.float64]
    teacher: Path


def train(work: Work, form: FastForm, lesson: Lesson) -> Path:
    """The fast tier's graph."""
    material, augment = lesson.material, lesson.augment
    random, key = np.random.default_rng(form.seed), jax.random.key(form.seed)
    noise = Augment(augment.rates, material.profane, material.dictionary)
    drawn = draws(material.rows, form.draws, Mix(benign=form.benign, soft=form.soft), noise, random)
    ids = encode_draws(material.tokenizer, drawn, lesson.length)
    targets = np.stack([draw.targets for draw in drawn])

    def answer(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, _answers(work, Model.load(lesson.teacher, THREADS), ids))

    answers = np.load(work.once("answers.npy", answer))

    def make(path: Path) -> None:
        both = np.concatenate([targets, answers], axis=1)
        learn = batches(ids, both, form.tokens, random)
        count = len(LABELS)
        labels = [batch._replace(targets=batch.targets[:, :count]) for batch in learn]
        start = static.distilled(lesson.tuned[0]["layers"], lesson.tuned[1], lesson.frequency, key)
        wanted = [batch.targets[:, count:] for batch in learn]
        static.export(static.fit(start, labels, wanted, static.Rates(), seed=form.seed, say=work.say), path)

    return work.once("fast.onnx", make)


def _answers(work: Work, teacher: Model, rows: Sequence[Sequence[int]]) -> Floats:
    """The accurate tier's probabilities [rows, labels] for rows of ids."""
    found = []
    for start in range(0, len(rows), ANSWERED_AT_ONCE):
        found.append(teacher.probabilities(rows[start : start + ANSWERED_AT_ONCE]))
        work.say(f"answers: {min(len(rows), start + ANSWERED_AT_ONCE)} of {len(rows)}")
    return np.concatenate(found).astype(np.float32)
