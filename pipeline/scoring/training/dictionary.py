"""Dictionaries without a dictionary: words of two languages that are each other's nearest in the base model's space.

Each word is embedded alone (mean of the last layer's states). A pair counts when each is the other's nearest by CSLS, which takes away the
advantage of words that are near to everything (Conneau et al. 2018), when their cosine is high enough, and when both or neither are
profane. That is right for most frequent words, not for all: good enough for code-switching, where most words stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np
import wordfreq
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.scoring.training import templates
from pipeline.scoring.training.encode import padded
from pipeline.scoring.training.encoder import BEGIN, END, PAD, Frozen, Layer, states
from pipeline.scoring.training.rows import OTHER_TAGS, Floats, named

SOURCES = ("en", "de", "fr", "pt")
"""Languages with many labelled rows, of words between spaces."""

TARGETS = ("nl", "es", "it", "pl", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "ru", "uk", "ar", "he", "hi", "id", "ja")
"""Languages without labelled rows, or with few. Of both, those that the recipe does not name are left out."""

NEIGHBOURS = 10
"""Of CSLS, as in its paper."""

LEAST_COSINE = 0.86
"""The base model's space is narrow: words without anything in common have about .75 to .8."""

TOKENS = 10
"""Longer words are left out."""


def words_of(language: str, count: int, profane: Sequence[str]) -> list[str]:
    """The most frequent words of a language, with the profane ones. Single letters and numbers are left out."""
    frequencies = wordfreq.get_frequency_dict(language)
    frequent = sorted(frequencies, key=frequencies.__getitem__, reverse=True)
    chosen = [word for word in frequent[: count * 2] if _is_word(word) and (len(word) > 2 or not word.isascii())][:count]
    return list(dict.fromkeys([*chosen, *profane]))


def _is_word(word: str) -> bool:
    """Letters and the marks on them, without which no word of Hindi is one."""
    return all(unicodedata.category(character)[0] in "LM" for character in word)


def build(  # noqa: PLR0913, PLR0917 - what words are embedded by, and which
    layers: list[Layer],
    fixed: Frozen,
    tokenizer: Tokenizer,
    profane: Mapping[str, Sequence[str]],
    languages: Sequence[str],
    count: int,
) -> dict[str, dict[str, dict[str, str]]]:
    """Source language to target language to word to word, from each of `languages`' `count` most frequent words and its profane ones."""
    mean = jax.jit(_mean)

    def embed(ids: NDArray[np.int32]) -> Floats:
        return np.asarray(mean(layers, fixed, ids))

    def vectors(language: str) -> tuple[list[str], Floats]:
        words = words_of(language, count, profane.get(OTHER_TAGS.get(language, language), ()))
        ids = [each.ids for each in tokenizer.encode_batch(words, add_special_tokens=False)]
        short = [index for index, row in enumerate(ids) if len(row) <= TOKENS - 2]
        return [words[index] for index in short], _embedded(embed, [[BEGIN, *ids[index], END] for index in short])

    sources = {language: vectors(language) for language in named(SOURCES, languages)}
    result: dict[str, dict[str, dict[str, str]]] = {language: {} for language in sources}
    kept = {language: templates.telling(language) for language in sources}
    for target in named(TARGETS, languages):
        there, crude_there = vectors(target), set(profane.get(OTHER_TAGS.get(target, target), ()))
        for source, here in sources.items():
            crude, found = set(profane.get(source, ())), pairs(*here, *there).items()
            result[source][target] = {
                word: other for word, other in found if word not in kept[source] and (word in crude) == (other in crude_there)
            }
    return result


def _mean(layers: list[Layer], fixed: Frozen, ids: jax.Array) -> jax.Array:
    real = (ids != PAD)[..., None]
    return (states(layers, fixed, ids) * real).sum(1) / real.sum(1)


def _embedded(embed: Callable[[NDArray[np.int32]], Floats], rows: list[list[int]]) -> Floats:
    """Unit vectors, [rows, H]. Words of like length go together."""
    result = np.zeros((len(rows), 384), np.float32)
    for length in (4, 6, TOKENS):
        chosen = [index for index, row in enumerate(rows) if len(row) <= length and not result[index].any()]
        for start in range(0, len(chosen), 512):
            part = chosen[start : start + 512]
            ids = padded([rows[index] for index in part] + [rows[part[0]]] * (512 - len(part)), length)
            result[part] = embed(ids)[: len(part)]
    unit: Floats = result / np.linalg.norm(result, axis=1, keepdims=True)
    return unit


def pairs(here: Sequence[str], here_vectors: Floats, there: Sequence[str], there_vectors: Floats) -> dict[str, str]:
    """Words that are each other's nearest. The same word in both languages is no pair."""
    cosine = here_vectors @ there_vectors.T
    size = min(NEIGHBOURS, *cosine.shape)
    crowd_here = np.partition(cosine, -size, axis=1)[:, -size:].mean(axis=1, keepdims=True)
    crowd_there = np.partition(cosine, -size, axis=0)[-size:].mean(axis=0, keepdims=True)
    score = 2 * cosine - crowd_here - crowd_there
    best, back = score.argmax(axis=1), score.argmax(axis=0)
    return {
        word: there[best[index]]
        for index, word in enumerate(here)
        if back[best[index]] == index and cosine[index, best[index]] > LEAST_COSINE and there[best[index]] != word
    }
