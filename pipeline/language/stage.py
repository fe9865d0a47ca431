"""The first stage: which language a post is in. Post in, LanguagePost out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.language.identify import Identifier
from pipeline.language.languages import OTHER, UNDETERMINED
from pipeline.stage import Incoming, Output
from schemas.records import Language, LanguagePost, Post, PostKind, Unassessed
from schemas.topics import POSTS_LANGUAGE

SURE_ENOUGH = 0.6
"""Least confidence at which a language counts as known. Above it each wrong answer avoided gives up more than two right ones, and on texts
of 20 characters and more about one post in a hundred is given up (docs/model/language.md)."""

_NOTHING = Language(tag=UNDETERMINED, confidence=1.0)
_FAILED = Language(tag=UNDETERMINED, confidence=0.0)


class LanguageStage:
    """A pipeline.stage.Stage[Post]: every post goes on, with its language and with what could not be assessed so far."""

    def __init__(self, identifier: Identifier) -> None:
        self._identifier = identifier

    def process(self, batch: Sequence[Incoming[Post]], now: dt.datetime) -> list[list[Output]]:  # noqa: ARG002 (Stage)
        """One output per post, in order."""
        return [self._judge(item) for item in batch]

    def fallback(self, item: Incoming[Post], now: dt.datetime) -> list[Output]:  # noqa: ARG002 (Stage)
        """The post goes on without a language."""
        return [_output(item, _FAILED, (Unassessed.STAGE_ERROR, *_media(item.record)))]

    def _judge(self, item: Incoming[Post]) -> list[Output]:
        post = item.record
        if post.kind is PostKind.DELETED:
            return [_output(item, _NOTHING, ())]
        language = self._identifier.identify(post.text, post.language_hint) if post.text else _NOTHING
        return [_output(item, language, (*unknown(language), *_media(post)))]


def unknown(language: Language) -> tuple[Unassessed, ...]:
    """Why the language is not known well enough to judge a text in it; empty when it is."""
    if language.tag == UNDETERMINED:
        return (Unassessed.NO_LANGUAGE,)
    if language.tag == OTHER or language.confidence < SURE_ENOUGH:
        return (Unassessed.LANGUAGE_UNKNOWN,)
    return ()


def _media(post: Post) -> tuple[Unassessed, ...]:
    return (Unassessed.MEDIA,) if post.media and post.kind is not PostKind.DELETED else ()


def _output(item: Incoming[Post], language: Language, unassessed: tuple[Unassessed, ...]) -> Output:
    return Output(POSTS_LANGUAGE, LanguagePost(post=item.record, received_at=item.appended_at, language=language, unassessed=unassessed))
