"""Is a bundle fit for use? `check` answers for an operator; `load_scorer` is what a worker starts with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from pipeline.config import ConfigError
from pipeline.scoring.bundle import DESCRIPTION, GOLDEN, MODEL, TOKENIZER, Bundle, read_bundle
from pipeline.scoring.cache import ScoreCache
from pipeline.scoring.calibration import Array
from pipeline.scoring.model import DECIMALS, Model
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.tiers import Tier, read_tiers

TOLERANCE = 1e-3
"""How far a score may lie from its golden value, and how far it may move with its batch: the order of what int8 arithmetic of another
processor does to it."""

ROUNDING = 10.0**-DECIMALS / 2
"""Golden values are as rounded as scores are."""

_ALLOWED = f"at most {TOLERANCE} is allowed"

BATCHINGS = 16
LARGEST_BATCH = 32
RANDOM_TEXTS = 20
LONGEST_RANDOM_TEXT = 120

SENTENCES = (
    "The bus was late again, so we walked home through the rain.",
    "De bakker op de hoek verkoopt vandaag verse broodjes.",
    "Gestern haben wir im Garten Tomaten und Bohnen gepflanzt.",
    "Le marché ouvre à huit heures et ferme à midi.",
    "Você é um idiota e ninguém quer te ouvir!",
    "Yarın akşam sinemaya gidelim mi?",
    "اشترت أختي كتابا جديدا من المكتبة.",
    "मेरे भाई को क्रिकेट खेलना पसंद है।",
    "今天的面条很好吃，明天还想再来。",
    "駅前に新しい図書館ができました。",
    "어제 친구와 함께 바다에 다녀왔어요.",
    "Куда вы поставили мою чашку?",
    "FREE!!! click www.example.org and win £1000 now, you lucky loser 🎉🎉",
    "@someone shut up, you make me sick",
)
"""What scores are computed for when batches are compared, besides the golden texts and random pieces of the model's own vocabulary: several
scripts, mild and harsh."""


class Finding(NamedTuple):
    """One thing that was looked at: description, files, scores, golden, batches, cascade; the fast tier's names begin with `fast: `."""

    name: str
    ok: bool
    sentence: str


class Golden(msgspec.Struct, frozen=True):
    """A line of golden.jsonl: a text and the bundle's scores for it, before calibration, to four decimals."""

    text: str
    scores: dict[str, float]


def check(directory: Path) -> list[Finding]:
    """Everything that can be said of the bundle in `directory`, up to the first thing without which the rest has no meaning.

    A fast tier that it names is looked at in the same way.
    """
    try:
        bundle = read_bundle(directory)
    except ConfigError as error:
        return [Finding("description", False, str(error))]
    findings = [Finding("description", True, _described(bundle))]
    try:
        model = Model.load(directory)
    except ConfigError as error:
        return [*findings, Finding("files", False, str(error))]
    findings.append(Finding("files", True, f"{MODEL} and {TOKENIZER} are the ones that {DESCRIPTION} names, and they load"))
    return [*findings, *_scores(model, directory), *_cascade(directory, bundle)]


def _cascade(directory: Path, bundle: Bundle) -> list[Finding]:
    if bundle.cascade is None:
        return []
    try:
        fast = read_tiers(directory)[Tier.FAST]
    except ConfigError as error:
        return [Finding("cascade", False, str(error))]
    languages = ", ".join(sorted(bundle.settle_below)) or "no language"
    sentence = f"{fast.bundle.model_version} fits before {bundle.model_version}; it settles what is clear in {languages}"
    return [Finding("cascade", True, sentence), *(found._replace(name=f"fast: {found.name}") for found in check(fast.directory))]


def _scores(model: Model, directory: Path) -> list[Finding]:
    try:
        golden = read_golden(directory, model.bundle)
    except ConfigError as error:
        return [Finding("golden", False, str(error))]
    texts = [*(row.text for row in golden), *SENTENCES, *random_texts(model)]
    rows = [row for text in texts for row in model.windows(text).rows]
    longest = longest_row(model)
    longest = longest_row(model)
    said = "every text"
    try:
        alone = np.concatenate([model.probabilities_together([row]) for row in rows])
        said = f"a text of {len(longest)} tokens, which `tokenizer.max_tokens` allows"
        model.probabilities_together([longest])  # not among the batches: it would make each of them as long
        labels, count = len(model.bundle.labels), len(texts) + 1
        return [
            Finding("scores", True, f"a probability for each of {labels} labels on {count} texts, the longest of {len(longest)} tokens"),
            check_golden(model, golden),
            check_batches(model, rows, alone),
        ]
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no base but this one; whatever it is, the bundle is refused for it
        return [Finding("scores", False, f"the model does not score {said}: {_first_line(error)}")]


def load_scorer(directory: Path, threads: int = 1, cache: ScoreCache | None = None) -> Scorer:
    """The bundle in `directory`, and the fast tier that it may name, each as `load_verified` gives it. ConfigError otherwise."""
    tiers = read_tiers(directory)
    accurate, fast = load_verified(directory, threads), None
    if accurate.bundle.settle_below:
        fast = load_verified(tiers[Tier.FAST].directory, threads, alone=True)
    return Scorer(accurate, fast, cache)


def load_verified(directory: Path, threads: int = 1, *, alone: bool = False) -> Model:
    """The bundle in `directory`, after it gave its golden scores on this machine. ConfigError otherwise.

    int8 arithmetic differs between processor families (u8 x s8 products saturate on x86 without VNNI), so a bundle that was checked
    elsewhere may score otherwise here.
    """
    model = Model.load(directory, threads, alone=alone)
    finding = check_golden(model, read_golden(directory, model.bundle))
    if not finding.ok:
        raise ConfigError(f"{directory / GOLDEN}: {finding.sentence}")
    return model


def read_golden(directory: Path, bundle: Bundle) -> list[Golden]:
    """The lines of `golden.jsonl`, none where there is no such file. ConfigError when one is not as it must be."""
    path = directory / GOLDEN
    if not path.exists():
        return []
    try:
        golden = msgspec.json.Decoder(Golden).decode_lines(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: each line must have a `text` and its `scores`: {error}") from error
    for number, row in enumerate(golden, 1):
        if set(row.scores) != set(bundle.labels):
            raise ConfigError(f"{path}: line {number}: scores: exactly the labels {', '.join(bundle.labels)} are allowed")
    return golden


def check_golden(model: Model, golden: Sequence[Golden]) -> Finding:
    """Whether the model gives its golden scores, where it has some."""
    if not golden:
        return Finding("golden", True, f"there is no {GOLDEN}, so nothing to compare with")
    expected = np.array([[row.scores[label] for label in model.bundle.labels] for row in golden])
    found = np.array([model.probabilities(model.windows(row.text).rows).max(axis=0) for row in golden])
    distances = np.abs(found - expected)
    if (distances <= TOLERANCE + ROUNDING).all():
        return Finding("golden", True, f"{len(golden)} golden texts, the largest difference is {distances.max():.5f}; {_ALLOWED}")
    text, label = np.unravel_index(distances.argmax(), distances.shape)
    far = int((distances > TOLERANCE + ROUNDING).any(axis=1).sum())
    sentence = (
        f"text {text + 1}, label {model.bundle.labels[label]}: expected {expected[text, label]:.4f}, got {found[text, label]:.4f}; "
        f"{_ALLOWED}. This kind of processor, or this version of ONNX Runtime, shifts scores ({far} of {len(golden)} texts), so "
        "thresholds and calibration do not hold here: use a machine of the kind that the bundle was checked on, or another bundle"
    )
    return Finding("golden", False, sentence)


def check_batches(model: Model, rows: Sequence[Sequence[int]], alone: Array) -> Finding:
    """Whether scores keep still when their companions in a batch change. `alone`: the rows' probabilities, each computed by itself."""
    chance = random.Random(7)  # noqa: S311 - the same batches whenever it is asked
    largest = 0.0
    for _ in range(BATCHINGS):
        order = list(range(len(rows)))
        chance.shuffle(order)
        together = np.empty_like(alone)
        while order:
            size = chance.randint(2, LARGEST_BATCH)
            batch, order = order[:size], order[size:]
            together[batch] = model.probabilities_together([rows[index] for index in batch])
        largest = max(largest, _movement(model, alone, together))
    sentence = f"scores move by at most {largest:.1e} with their batch, over {BATCHINGS * len(rows)} rows; at most {TOLERANCE} is allowed"
    return Finding("batches", largest <= TOLERANCE, sentence)


def random_texts(model: Model) -> list[str]:
    """Texts of pieces of the model's own vocabulary, the same ones each time; the first is empty."""
    chance = random.Random(11)  # noqa: S311 - as above
    pieces = model.vocabulary()
    lengths = [0, *(round(LONGEST_RANDOM_TEXT ** (index / RANDOM_TEXTS)) for index in range(1, RANDOM_TEXTS + 1))]
    return [" ".join(chance.choices(pieces, k=length)) for length in lengths]


def longest_row(model: Model) -> list[int]:
    """Token ids of a text that fills `max_tokens`, or comes as near as `max_characters` lets one: of pieces of any length, or of the
    shortest, whichever gives more tokens.
    """
    chance = random.Random(13)  # noqa: S311 - as above
    pieces = model.vocabulary()
    shortest = [piece for piece in pieces if len(piece) == 1] or pieces
    texts = [" ".join(chance.choices(some, k=model.bundle.tokenizer.max_tokens)) for some in (pieces, shortest)]
    return max((model.windows(text).rows[0] for text in texts), key=len)


def _movement(model: Model, one: Array, other: Array) -> float:
    """The largest difference after any calibration that the bundle has: a steep one makes a small movement large."""
    form = model.bundle.calibration
    tags = ("", *form.languages, *form.aligned)
    return max(float(np.abs(_calibrated(model, one, tag) - _calibrated(model, other, tag)).max()) for tag in tags)


def _calibrated(model: Model, probabilities: Array, tag: str) -> Array:
    return model.calibration.apply(probabilities, [tag] * len(probabilities))


def _described(bundle: Bundle) -> str:
    method = bundle.calibration.method.value
    return f"{bundle.model_version}: {len(bundle.labels)} labels, {len(bundle.languages)} languages, calibration {method}, {bundle.licence}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
