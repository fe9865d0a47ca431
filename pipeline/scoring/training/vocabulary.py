"""Fewer word pieces: of the base model's 250,002 the 131,000 or so that texts in the languages of this project use.

The pieces' scores stay, so a kept piece cuts a text as before; a dropped one falls back to shorter pieces. Kept are the pieces with the
highest relative frequency in any source (the rows to train on, counted twice; benign rows; the word lists of `wordfreq`, in 28 languages at
most), every single character seen, and all pieces of Kana and Thai, which are written without spaces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wordfreq
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.scoring.training.base import Pieces
from pipeline.scoring.training.recipe import VocabularyForm
from pipeline.scoring.training.rows import named

LANGUAGES = (
    *("nl", "en", "de", "fr", "es", "it", "pt", "pl", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "uk", "ru", "tr", "ar", "he", "hi"),
    *("id", "ms", "zh", "ja", "ko", "vi"),
)
"""Of the word lists. That of a language which the recipe does not name is not read."""

CAPITALISED = 0.2
"""Weight of a word's capitalised form beside the word itself."""

SPECIAL = 4
"""Ids 0 to 3: <s>, <pad>, </s>, <unk>."""

COMMON = 6_000
"""Below this id of the base model single characters are kept even if no source has them: the scripts of the large languages."""

FORM = Path(__file__).with_name("tokenizer_form.json")

_WITHOUT_SPACES = re.compile("[\u0e00-\u0e7f\u3040-\u30ff]")

Counts = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`keep`: the base model's ids that stay, ascending. `frequency`: [kept], how frequent each is where it is most frequent; sums to 1."""

    keep: Ids
    frequency: Counts
    tokenizer: str


def choose(  # noqa: PLR0913, PLR0917 - what decides which
    pieces: Pieces, train: Sequence[str], benign: Sequence[str], form: VocabularyForm, languages: Sequence[str], keep: Ids | None = None
) -> Vocabulary:
    """Of the base model's `pieces` at least as many as `form` says, for the texts of `train` and `benign` and the lists of `languages`; or
    those of the ids in `keep`.
    """
    full = Tokenizer.from_str(tokenizer_of(pieces))
    counted = _sources(full, train, benign, named(LANGUAGES, languages), form.words)
    shares = [share for counts in counted if (share := counts / max(counts.sum(), 1)).any()]
    highest = np.max([shares[0] * 2, *shares[1:]], axis=0)
    if keep is None:
        keep = _kept([piece for piece, _ in pieces], highest, form.pieces)
    frequency = np.max(shares, axis=0)[keep]
    return Vocabulary(keep, frequency / frequency.sum(), tokenizer_of([pieces[index] for index in keep]))


def ids_of(pieces: Pieces, tokenizer: str) -> Ids:
    """The base model's ids of the pieces of a tokenizer.json that `tokenizer_of` wrote. ValueError where it is another's."""
    numbers = {piece: number for number, (piece, _) in enumerate(pieces)}
    try:
        found = np.array([numbers[piece] for piece, _ in json.loads(tokenizer)["model"]["vocab"]])
        same = tokenizer_of([pieces[number] for number in found]) == tokenizer
    except (KeyError, TypeError, ValueError):
        same = False
    if not same:
        raise ValueError("its pieces are not some of the base model's")
    return found


def tokenizer_of(pieces: Sequence[tuple[str, float]]) -> str:
    """A tokenizer.json with these pieces; normaliser, special tokens and the rest are the base model's (tokenizer_form.json)."""
    description = json.loads(FORM.read_text())
    model = {**description["model"], "vocab": [list(piece) for piece in pieces]}
    return json.dumps({**description, "model": model}, ensure_ascii=False, separators=(",", ":"))


def _sources(full: Tokenizer, train: Sequence[str], benign: Sequence[str], lists: Sequence[str], words: int) -> Iterator[Counts]:
    yield _count(full, train, np.ones(len(train)))
    yield _count(full, benign, np.ones(len(benign)))
    for name in lists:
        frequencies = wordfreq.get_frequency_dict(name)
        frequent = sorted(frequencies, key=frequencies.__getitem__, reverse=True)[:words]
        weights = np.array([frequencies[word] for word in frequent])
        yield _count(full, frequent, weights) + _count(full, [word.capitalize() for word in frequent], weights * CAPITALISED)


def _count(full: Tokenizer, texts: Sequence[str], weights: Counts) -> Counts:
    """[pieces of `full`]."""
    counts = np.zeros(full.get_vocab_size())
    for start in range(0, len(texts), 4096):
        encoded = full.encode_batch(list(texts[start : start + 4096]), add_special_tokens=False)
        for each, weight in zip(encoded, weights[start : start + 4096], strict=True):
            np.add.at(counts, each.ids, weight)
    return counts


def _kept(pieces: list[str], frequency: Counts, size: int) -> Ids:
    single = np.array([len(piece.replace("▁", "")) <= 1 for piece in pieces])
    ids = np.arange(len(pieces))
    keep = (ids < SPECIAL) | (single & ((frequency > 0) | (ids < COMMON)))
    order = np.argsort(-frequency, kind="stable")
    wanted = order[(frequency[order] > 0) & ~keep[order]]
    keep[wanted[: max(0, size - int(keep.sum()))]] = True
    keep |= np.array([bool(_WITHOUT_SPACES.search(piece)) or len(piece.replace("▁", "")) == 1 for piece in pieces])
    kept: Ids = np.flatnonzero(keep)
    return kept
