"""Two identifiers and one answer: a product of experts over a closed set, an `other` class, a weak prior from the producer's hint."""

from __future__ import annotations

import math
import re
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.language import calibration as calibrations
from pipeline.language.clean import clean, has_words
from pipeline.language.languages import CLASSES, INSEPARABLE, NEAREST, OTHER, UNDETERMINED, VARIETIES, hinted
from schemas.records import Language

# Chosen on a dev split for macro-F1 below 20, 20-50 and 50-140 characters; docs/model/language.md has the figures.
WEIGHT = 0.8
"""Exponent of py3langid's posterior; eldc's has 1."""
EPSILON = 1e-3
"""Added to py3langid's posterior: what it has not seen is unlikely, not impossible."""
TEMPERATURE = 25.0
"""eldc's scores lie in [0, 1] with gaps of hundredths: softmax of TEMPERATURE x score."""
BASE = 0.1
"""Added to eldc's posterior: it knows 60 languages, and its silence on another must not decide."""
OTHER_WEIGHT = 0.1
"""Of each language outside the closed set, against one inside."""

CLEAR = 0.9
"""Confidence from which on a hint is not listened to."""
HINT_ODDS = 3.0
"""What a hint multiplies its language's odds by: it decides between near equals, not against evidence."""
ALONE = 0.97
"""Confidence from which on one of INSEPARABLE is named alone."""

_KOREAN_LETTERS = re.compile("\\W*+(?:[\u1100-\u11ff\u3131-\u318e]++\\W*+)++")
"""Hangul letters that form no syllable, as in `ㅇㅇ`: neither expert has seen them, and both take them for Chinese."""

_ELDC_SCORES = 20  # as many as eldc returns at most
_PAIR = tuple(CLASSES.index(tag) for tag in INSEPARABLE)

Posterior = NDArray[np.float64]


class Identifier:
    """Loads both models (about a second, 130 MB). Deterministic; calls from several threads need no lock, as nothing is kept between them.

    Raises pipeline.config.ConfigError when the calibration cannot be used.
    """

    def __init__(self, calibration: calibrations.Calibration | None = None) -> None:
        import eldc
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._calibration = calibration or calibrations.load()
        self._py3langid = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        eldc.init()
        self._eldc = eldc.instance()
        self._eldc.set_scores(_ELDC_SCORES)
        self._eldc_index = {tag: i for i, tag in enumerate(eldc.LANGUAGES)}

        # py3langid's labels in the order of their classes, so that one reduceat adds them up.
        labels = sorted(self._py3langid.labels, key=lambda label: CLASSES.index(_class_of(label)))
        self._in_order = itemgetter(*labels)
        classes = np.array([CLASSES.index(_class_of(label)) for label in labels])
        self._starts = np.searchsorted(classes, np.arange(len(CLASSES)))
        self._weights = np.where(classes == CLASSES.index(OTHER), OTHER_WEIGHT, 1.0)
        unknown = len(self._eldc_index)
        self._judged_by = np.array([self._eldc_index.get(NEAREST.get(label, label), unknown) for label in labels])

    def identify(self, text: str, hint: str | None = None) -> Language:
        """The language of `text`; `hint` is the producer's BCP 47 tag. Takes any string, lone surrogates included."""
        cleaned = clean(text)
        if not has_words(cleaned):
            return Language(tag=UNDETERMINED, confidence=1.0)
        posterior = self.posterior(cleaned)
        top, joint = _top(posterior)
        prior = hinted(hint)
        if prior is None:
            return self._answer(posterior, top, joint, len(cleaned))
        weighed = _weigh(posterior, prior)
        if self._calibration.confidence(joint, len(cleaned)) >= CLEAR:
            # Which of the inseparable ones it is may still be told by the hint: that is no evidence against anything.
            return self._answer(weighed if top in _PAIR and prior in INSEPARABLE else posterior, top, joint, len(cleaned))
        return self._answer(weighed, *_top(weighed), len(cleaned))

    def posterior(self, cleaned: str) -> Posterior:
        """The product of the experts for a cleaned text: float64[len(CLASSES)], in the order of CLASSES, adds up to 1. Not calibrated.

        Korean letters alone are Korean, whatever the experts say.
        """
        if _KOREAN_LETTERS.fullmatch(cleaned):
            korean: Posterior = np.eye(len(CLASSES))[CLASSES.index("ko")]
            return korean
        first = np.array(self._in_order(dict(self._py3langid.rank(cleaned))))
        second = np.full(len(self._eldc_index) + 1, BASE)
        scores = self._eldc.detect_details(cleaned).scores
        if scores:
            highest = max(scores.values())
            odds = {tag: math.exp(TEMPERATURE * (score - highest)) for tag, score in scores.items()}
            total = sum(odds.values())
            for tag, share in odds.items():
                second[self._eldc_index[tag]] += share / total
        product = (first + EPSILON) ** WEIGHT * second[self._judged_by] * self._weights
        posterior: Posterior = np.add.reduceat(product, self._starts)
        posterior /= posterior.sum()
        return posterior

    def _answer(self, posterior: Posterior, top: int, joint: float, characters: int) -> Language:
        confidence = self._calibration.confidence(joint, characters)
        if top not in _PAIR:
            return Language(tag=CLASSES[top], confidence=confidence)
        likelier, less = sorted(_PAIR, key=lambda i: -posterior[i])
        alone = confidence * float(posterior[likelier] / (posterior[likelier] + posterior[less]))
        if alone >= ALONE:
            return Language(tag=CLASSES[likelier], confidence=alone)
        return Language(tag=CLASSES[likelier], confidence=confidence, alternatives=(CLASSES[less],))


def _class_of(label: str) -> str:
    tag = VARIETIES.get(label, label)
    return tag if tag in CLASSES else OTHER


def _top(posterior: Posterior) -> tuple[int, float]:
    """The likeliest class and its probability; INSEPARABLE count as one, of which the first is returned."""
    a, b = _PAIR
    joint = float(posterior[a] + posterior[b])
    top = int(posterior.argmax())
    return (a, joint) if joint >= posterior[top] else (top, float(posterior[top]))


def _weigh(posterior: Posterior, prior: str) -> Posterior:
    weighed = posterior.copy()
    weighed[CLASSES.index(prior)] *= HINT_ODDS
    weighed /= weighed.sum()
    return weighed
