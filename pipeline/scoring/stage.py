"""Step two of the flow: a post with its language in, the post with a probability per label out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.language.clean import clean, has_words
from pipeline.scoring.bundle import Bundle
from pipeline.scoring.scorer import Scorer, Verdict
from pipeline.stage import Incoming, Output
from schemas.records import Language, LanguagePost, PostKind, ScoredPost, Unassessed
from schemas.topics import POSTS_SCORED

_LANGUAGE_NOT_KNOWN = frozenset({Unassessed.LANGUAGE_UNKNOWN, Unassessed.STAGE_ERROR})
"""Whether the model was made for a language can only be said of one that is known; a stage error so far is that of the language stage."""

_LINK = re.compile(r"\bhttp\b")
"""What a link becomes in a bundle's form (pipeline.scoring.text)."""


class Text(NamedTuple):
    """Something to assess: the text, its language, and why it is not, or not wholly, assessed so far."""

    text: str
    language: Language
    unassessed: tuple[Unassessed, ...]


class Assessment(NamedTuple):
    """Probability per label, empty where nothing was scored, the model that gave it, and why the text is not, or not wholly, assessed."""

    scores: dict[str, float]
    model_version: str
    unassessed: tuple[Unassessed, ...]


def assess(scorer: Scorer, texts: Sequence[Text]) -> list[Assessment]:
    """Scores for every text that has language in it.

    A text in a language that the model was not made for is scored too: the scores still help to put work in order. Its reasons say that
    they are no ground to decide on. ms and id cannot be told apart, so a text is supported when one of its alternatives is. A text
    in which only the model sees words, for it reads them without their disguise, is scored as one of an unknown language.
    """
    texts = [_undisguised(scorer, text) for text in texts]
    chosen = [index for index, text in enumerate(texts) if text.text and Unassessed.NO_LANGUAGE not in text.unassessed]
    verdicts = scorer.score([texts[index].text for index in chosen], [texts[index].language for index in chosen])
    assessments = [Assessment({}, scorer.model_version, text.unassessed) for text in texts]
    for index, verdict in zip(chosen, verdicts, strict=True):
        text, version = texts[index], verdict.model.bundle.model_version
        assessments[index] = Assessment(verdict.scored.probabilities, version, _joined(text.unassessed, _reasons(text, verdict)))
    return assessments


def _undisguised(scorer: Scorer, text: Text) -> Text:
    """`text`, of an unknown language and not without one where the model's form of it has words: `🅸🅳🅸🅾🆃` is `IDIOT` there."""
    if Unassessed.NO_LANGUAGE not in text.unassessed or not has_words(clean(_LINK.sub(" ", scorer.read(text.text)))):
        return text
    reasons = (Unassessed.LANGUAGE_UNKNOWN if each is Unassessed.NO_LANGUAGE else each for each in text.unassessed)
    return text._replace(unassessed=tuple(reasons))


def _reasons(text: Text, verdict: Verdict) -> list[Unassessed]:
    """What can be said against the scores, of the model that gave them."""
    model, scored = verdict
    reasons = []
    if _LANGUAGE_NOT_KNOWN.isdisjoint(text.unassessed) and not supports(model.bundle, text.language):
        reasons.append(Unassessed.LANGUAGE_UNSUPPORTED)
    if not model.calibration.covers(text.language.tag):
        reasons.append(Unassessed.NO_CALIBRATION)
    if scored.truncated:
        reasons.append(Unassessed.TOO_LONG)
    return reasons


def supports(bundle: Bundle, language: Language) -> bool:
    """Whether the bundle was made for the language, or for one that it cannot be told apart from."""
    return not {language.tag, *language.alternatives}.isdisjoint(bundle.languages)


def _joined(known: tuple[Unassessed, ...], new: Sequence[Unassessed]) -> tuple[Unassessed, ...]:
    return tuple(dict.fromkeys((*known, *new)))


class ScoringStage:
    """pipeline.stage.Stage for LanguagePost. Deleted posts and posts without text go on with empty scores."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def process(self, batch: Sequence[Incoming[LanguagePost]], now: dt.datetime) -> list[list[Output]]:  # noqa: ARG002 - Stage's signature
        """One ScoredPost for each post."""
        assessments = assess(self._scorer, [_text(item.record) for item in batch])
        return [[_output(item.record, assessment)] for item, assessment in zip(batch, assessments, strict=True)]

    def fallback(self, item: Incoming[LanguagePost], now: dt.datetime) -> list[Output]:  # noqa: ARG002 - Stage's signature
        """The post without scores."""
        failed = _joined(item.record.unassessed, [Unassessed.STAGE_ERROR])
        return [_output(item.record, Assessment({}, self._scorer.model_version, failed))]


def _output(record: LanguagePost, assessment: Assessment) -> Output:
    scored = ScoredPost(
        post=record.post,
        received_at=record.received_at,
        language=record.language,
        model_version=assessment.model_version,
        scores=assessment.scores,
        unassessed=assessment.unassessed,
    )
    return Output(POSTS_SCORED, scored)


def _text(record: LanguagePost) -> Text:
    text = None if record.post.kind is PostKind.DELETED else record.post.text
    return Text(text or "", record.language, record.unassessed)
