"""The steps of the fast tier: texts answered by the accurate one, vectors distilled from it, and what learns from both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.training import static
from pipeline.scoring.training.accurate import Material, Tuned, answered, answering
from pipeline.scoring.training.augment import Augment
from pipeline.scoring.training.encode import encode_draws
from pipeline.scoring.training.loop import batches
from pipeline.scoring.training.recipe import AugmentForm, FastForm
from pipeline.scoring.training.sampling import Mix, draws
from pipeline.scoring.training.work import Work


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the fast tier learns from: the material of the accurate one, and its tuned weights."""

    material: Material
    augment: AugmentForm
    length: int
    tuned: Tuned
    frequency: NDArray[np.float64]


def train(work: Work, form: FastForm, lesson: Lesson) -> Path:
    """The fast tier's graph."""
    material, augment = lesson.material, lesson.augment
    random, key = np.random.default_rng(form.seed), jax.random.key(form.seed)
    noise = Augment(augment.rates, material.profane, material.dictionary)
    drawn = draws(material.rows, form.draws, Mix(benign=form.benign, soft=form.soft), noise, random)
    ids = encode_draws(material.tokenizer, drawn, lesson.length)
    targets = np.stack([draw.targets for draw in drawn])

    answers = answered(work, "answers.npy", ids, answering([(lesson.tuned, 1.0)], work.say))

    def make(path: Path) -> None:
        learn = batches(ids, targets, form.tokens, random, answers)
        start = static.distilled(lesson.tuned[0]["layers"], lesson.tuned[1], lesson.frequency, key)
        static.export(static.fit(start, learn, static.Rates(), seed=form.seed, say=work.say), path)

    return work.once("fast.onnx", make)
