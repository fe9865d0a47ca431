"""Texts as people distort them and as bilinguals write them, made from labelled and benign rows.

Spelling noise: what hides a word from a filter (leet, spaced letters, drawn-out letters, dropped and swapped characters, capitals). Word
lists of profanity (LDNOOBW, CC-BY-4.0) carry labels into languages without labelled rows: a profane word is exchanged for one of another
language, and a word of a benign row's own language is set into it. A dictionary (pipeline.scoring.training.dictionary) exchanges ordinary
words, so that a labelled text is half in a language that has none (Qin et al. 2020, CoSDA-ML). Benign rows are sentences out of
newspapers, harmful ones mostly tweets: what only tweets have (names of accounts, hashtags, emoji, links) is set around benign rows, so that
it does not pass for a sign of harm.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from pipeline.scoring.training.rows import LABELS, OTHER_TAGS, Floats

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "A": "4", "E": "3", "I": "1", "O": "0", "S": "$"})

TOXIC, PROFANITY, SPAM = (LABELS.index(label) for label in ("toxic", "profanity", "spam"))
ON_WORDS = tuple(LABELS.index(label) for label in ("hate", "insult"))
"""Labels that hang on which word it is, and not only on its being crude."""

NOT_CRUDE = Path(__file__).with_name("not_crude.toml")

PROFANE_TOXIC, PROFANE = 0.7, 0.9
"""Targets of a benign row with a word of a list set into it. Below 1: some words of the lists are crude and not unkind."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances: of spelling noise in any text, of an exchange in a text that has a profane word, of a word set into a benign row, and of the
    dictionary for a labelled row, with the share of its words that are then exchanged. `dress`: of a benign row to look like a tweet.
    """

    noise: float = 0.15
    exchange: float = 0.35
    insert: float = 0.3
    switch: float = 0.4
    switched_words: float = 0.6
    dress: float = 0


Words = Mapping[str, Sequence[str]]
"""Language to words."""

Dictionary = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Language of the row to language of the words to word to word."""


@dataclass(frozen=True, slots=True)
class Augment:
    """What to do with a drawn text. With nothing given, nothing happens."""

    rates: Rates = field(default_factory=Rates)
    profane: Words = field(default_factory=dict)
    dictionary: Dictionary = field(default_factory=dict)

    def __call__(self, text: str, language: str, targets: Floats, random: np.random.Generator) -> tuple[str, Floats]:
        """The text as it is learnt from, and its targets."""
        is_benign = bool(np.isnan(targets[PROFANITY]) and targets[TOXIC] < 0.5 and targets[TOXIC] > 0)
        if is_benign:
            text, targets = self._insert(text, language, targets, random)
            if self.rates.dress and random.random() < self.rates.dress:
                text = _dressed(text, random)
        else:
            text, targets = self._exchange(text, language, targets, random)
            text = self._switch(text, language, random)
        if random.random() < self.rates.noise:
            text = _NOISES[random.integers(len(_NOISES))](text, random)
        return text, targets

    def _insert(self, text: str, language: str, targets: Floats, random: np.random.Generator) -> tuple[str, Floats]:
        words = self.profane.get(language, ())
        if not words or random.random() >= self.rates.insert:
            return text, targets
        parts = text.split(" ")
        parts.insert(int(random.integers(len(parts) + 1)), words[int(random.integers(len(words)))])
        changed = np.full_like(targets, np.nan)
        changed[SPAM] = targets[SPAM]
        changed[TOXIC], changed[PROFANITY] = PROFANE_TOXIC, PROFANE
        return " ".join(parts), changed

    def _exchange(self, text: str, language: str, targets: Floats, random: np.random.Generator) -> tuple[str, Floats]:
        own = self.profane.get(language, ())
        others = [each for each in self.profane if each != language]
        if not own or not others or random.random() >= self.rates.exchange:
            return text, targets
        there = set(own)
        if not any(word.casefold() in there for word in _WORD.findall(text)):
            return text, targets
        words = self.profane[others[random.integers(len(others))]]

        def other(found: re.Match[str]) -> str:
            return str(words[int(random.integers(len(words)))]) if found[0].casefold() in there else found[0]

        changed = targets.copy()
        changed[list(ON_WORDS)] = np.nan  # the word may have been what was hateful, and the other one is perhaps
        return _WORD.sub(other, text), changed

    def _switch(self, text: str, language: str, random: np.random.Generator) -> str:
        targets = self.dictionary.get(language, {})
        if not targets or random.random() >= self.rates.switch:
            return text
        names = sorted(targets)
        words = targets[names[random.integers(len(names))]]

        def other(found: re.Match[str]) -> str:
            word = words.get(found[0].casefold())
            if word is None or random.random() >= self.rates.switched_words:
                return found[0]
            return word.capitalize() if found[0][0].isupper() else word

        return _WORD.sub(other, text)


_EMOJI = "😂❤😍🙏👍🔥😊🎉😭🥰✨💪🙌😅☕🌞⚽🎂🤔👏"
"""Friendly ones, sad ones, and such as merely decorate."""


def _dressed(text: str, random: np.random.Generator) -> str:
    """A sentence as a tweet would have it: some of names, hashtags, emoji, a link, no full stop, no capitals."""
    kinds = random.random(6)
    if kinds[0] < 0.4:
        chosen = _some_words(text, random, 0.15)
        text = _WORD.sub(lambda found: f"#{found[0]}" if found.start() in chosen else found[0], text)
    if kinds[1] < 0.3:
        text = text.rstrip(".。।")
    if kinds[2] < 0.2:
        text = text.lower()
    if kinds[3] < 0.5:
        text = " ".join(["@user"] * int(random.integers(1, 4))) + " " + text
    if kinds[4] < 0.4:
        text += " " + "".join(_EMOJI[int(random.integers(len(_EMOJI)))] * int(random.integers(1, 4)) for _ in range(random.integers(1, 3)))
    if kinds[5] < 0.2:
        text += " https://t.co/x"
    return text


def read_word_lists(directory: Path, languages: Collection[str]) -> dict[str, list[str]]:
    """The single words of `NAME.LANGUAGE.txt` in `directory`, by language, of `languages`.

    Phrases are left out, since many are harmless word by word, and the words of not_crude.toml.
    """
    harmless = msgspec.convert(tomllib.loads(NOT_CRUDE.read_text()), dict[str, frozenset[str]])
    found: dict[str, list[str]] = {}
    for path in sorted(directory.glob("*.txt")):
        tag = path.name.split(".")[1]
        lines = (line.strip().casefold() for line in path.read_text().splitlines())
        words = [line for line in lines if " " not in line and len(line) > 1 and line not in harmless.get(tag, ())]
        if words and (language := OTHER_TAGS.get(tag, tag)) in languages:
            found[language] = words
    return found


def crude(text: str, words: Collection[str]) -> bool:
    """Whether a text has one of the words; in scripts without spaces, anywhere in it."""
    plain = text.casefold()
    return not set(_WORD.findall(plain)).isdisjoint(words) or any(word in plain for word in words if _UNSPACED.match(word))


def _some_words(text: str, random: np.random.Generator, share: float) -> set[int]:
    """Starts of some of the longer words of a text, at least one when there is any."""
    starts = [found.start() for found in _WORD.finditer(text) if len(found[0]) > 3]
    if not starts:
        return set()
    count = max(1, round(len(starts) * share))
    return {int(start) for start in random.choice(starts, count, replace=False)}


def _leet(text: str, random: np.random.Generator) -> str:
    chosen = _some_words(text, random, 0.4)
    return _WORD.sub(lambda found: found[0].translate(_LEET) if found.start() in chosen else found[0], text)


def _spaced(text: str, random: np.random.Generator) -> str:
    chosen = _some_words(text, random, 0.15)
    mark = (" ", ".", "-", "*")[random.integers(4)]
    return _WORD.sub(lambda found: mark.join(found[0]) if found.start() in chosen else found[0], text)


def _drawn_out(text: str, random: np.random.Generator) -> str:
    chosen = _some_words(text, random, 0.25)

    def longer(found: re.Match[str]) -> str:
        if found.start() not in chosen:
            return found[0]
        at = int(random.integers(1, len(found[0])))
        return found[0][:at] + found[0][at] * int(random.integers(2, 5)) + found[0][at + 1 :]

    return _WORD.sub(longer, text)


def _dropped(text: str, random: np.random.Generator) -> str:
    chosen = _some_words(text, random, 0.3)

    def shorter(found: re.Match[str]) -> str:
        if found.start() not in chosen:
            return found[0]
        at = int(random.integers(1, len(found[0])))
        return found[0][:at] + ("*" if random.random() < 0.3 else "") + found[0][at + 1 :]

    return _WORD.sub(shorter, text)


def _swapped(text: str, random: np.random.Generator) -> str:
    chosen = _some_words(text, random, 0.3)

    def turned(found: re.Match[str]) -> str:
        if found.start() not in chosen:
            return found[0]
        at = int(random.integers(1, len(found[0]) - 1))
        return found[0][:at] + found[0][at + 1] + found[0][at] + found[0][at + 2 :]

    return _WORD.sub(turned, text)


def _capitals(text: str, random: np.random.Generator) -> str:
    if random.random() < 0.5:
        return text.lower()  # what is in capitals throughout is read so: pipeline.scoring.normalise
    chosen = _some_words(text, random, 0.4)
    return _WORD.sub(lambda found: found[0].upper() if found.start() in chosen else found[0], text)


_NOISES = (_leet, _spaced, _drawn_out, _dropped, _swapped, _capitals)
