"""Why a text scored as it did: the words whose removal lowers a label's probability most. docs/decisions/0031-highlights.md"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.scoring.calibration import Array
from pipeline.scoring.model import DECIMALS, Model
from schemas.records import MAX_HIGHLIGHTS, Highlight

LEAST_FALL = 0.1
"""Fall of the log-odds below which a word is no reason: 0.025 of probability at 0.5."""

LEAST_SHARE = 0.25
"""A word is named beside the weightiest one of its label only with so much of that one's fall."""

MOST_PER_LABEL = 4

_SMALLEST = 1e-7
"""As in pipeline.scoring.calibration: log-odds are taken of probabilities this far from 0 and 1."""

_RUN = re.compile(r"\S+")
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)
"""Scripts that put no space between words (Unicode, Scripts.txt)."""


class Unit(NamedTuple):
    """A word, or a part of a text that is written without spaces: text[start:end]."""

    start: int
    end: int


class Stretch(NamedTuple):
    """A part of a text, with its words; the stretches of a text leave nothing of it out."""

    start: int
    end: int
    units: list[Unit]


class Explainer:
    """Finds highlights with one model. Its answer depends on text, language and labels alone, so a replay gives the same.

    `passes`: how many words of a text are looked at, each for one forward pass. A longer text is read in stretches of so many words, and
    the one with the highest score stands for it, for one pass more per stretch; at most `passes` stretches are read.
    """

    def __init__(self, model: Model, passes: int) -> None:
        self.model_version = model.bundle.model_version
        self._model, self._passes = model, passes

    def explain(self, text: str, language: str, labels: Sequence[str]) -> tuple[Highlight, ...]:
        """At most MAX_HIGHLIGHTS, in the order of the text; positions count characters of `text` as it came. `labels`: gravest first."""
        known = [label for label in dict.fromkeys(labels) if label in self._model.bundle.labels]
        stretches = self._stretches(text)
        if not known or not stretches:
            return ()
        stretch = stretches[0] if len(stretches) == 1 else self._highest(text, stretches, language, known[0])
        probabilities = self._without_each(text, stretch, language)
        found = [each for label in known for each in self._of_label(label, stretch.units, probabilities)]
        return tuple(sorted(found[:MAX_HIGHLIGHTS], key=lambda each: (each.start, each.end, each.label)))

    def _stretches(self, text: str) -> list[Stretch]:
        read = text[: self._model.bundle.text.max_characters]
        units = list(self.units(read))
        groups = [units[first : first + self._passes] for first in range(0, len(units), self._passes)]
        ends = [*(group[0].start for group in groups[1:]), len(read)]
        starts = [0, *ends]
        return [Stretch(*each) for each in zip(starts, ends, groups, strict=False)][: self._passes]

    def _highest(self, text: str, stretches: Sequence[Stretch], language: str, label: str) -> Stretch:
        """The stretch with the highest score for the label, the first of equals."""
        column = self._model.bundle.labels.index(label)
        scores = self._scores([text[each.start : each.end] for each in stretches], language)[:, column]
        return stretches[int(scores.argmax())]

    def _without_each(self, text: str, stretch: Stretch, language: str) -> Array:
        """[1 + units, labels]: probabilities of the stretch, and of the stretch without each of its words."""
        start, end, units = stretch
        return self._scores([text[start:end], *(text[start : unit.start] + text[unit.end : end] for unit in units)], language)

    def _scores(self, texts: Sequence[str], language: str) -> Array:
        return self._model.calibrated(texts, [language] * len(texts))

    def _of_label(self, label: str, units: Sequence[Unit], probabilities: Array) -> list[Highlight]:
        """The weightiest words of a label, weightiest first.

        They are put in order by the fall of the log-odds: where two words say the same, neither lowers a probability near 1 by itself.
        """
        p = np.clip(probabilities[:, self._model.bundle.labels.index(label)], _SMALLEST, 1 - _SMALLEST)
        odds = np.log(p) - np.log1p(-p)
        falls, drops = odds[0] - odds[1:], p[0] - p[1:]
        least = max(LEAST_FALL, LEAST_SHARE * float(falls.max()))
        order = sorted(range(len(units)), key=lambda index: (-falls[index], index))[:MOST_PER_LABEL]
        return [
            Highlight(start=units[index].start, end=units[index].end, label=label, drop=round(float(drops[index]), DECIMALS))
            for index in order
            if falls[index] >= least
        ]

    def units(self, text: str) -> Iterator[Unit]:
        """Words between spaces, without the punctuation around them; of scripts without spaces, the pieces of the model's tokeniser."""
        for run in _RUN.finditer(text):
            start, end = run.span()
            if _UNSPACED.search(run[0]):
                yield from self._pieces(text, start, end)
            else:
                yield _bare(text, start, end)

    def _pieces(self, text: str, start: int, end: int) -> Iterator[Unit]:
        place = start
        for first, last in self._model.pieces(text[start:end]):
            if start + first >= place:
                place = _with_marks(text, start + last, end)
                if any(map(str.isalnum, text[start + first : place])):
                    yield Unit(start + first, place)


def _bare(text: str, start: int, end: int) -> Unit:
    """The run without punctuation at its ends, but with what makes it a name or a tag; all of it where it is nothing else (an emoji)."""
    inner = [index for index in range(start, end) if text[index].isalnum() or text[index] in "@#"]
    return Unit(inner[0], _with_marks(text, inner[-1] + 1, end)) if inner else Unit(start, end)


def _with_marks(text: str, end: int, limit: int) -> int:
    """`end`, moved behind the marks that belong to the character before it: no vowel sign is cut off."""
    while end < limit and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return end
