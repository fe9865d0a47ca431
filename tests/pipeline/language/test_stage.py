"""Posts in, posts with their language out."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from pipeline.language.identify import Identifier
from pipeline.language.stage import LanguageStage
from pipeline.stage import Incoming, Stage
from schemas.records import Language, LanguagePost, Media, Post, PostKind, Unassessed
from schemas.topics import POSTS_LANGUAGE

CREATED_AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
APPENDED_AT = CREATED_AT + dt.timedelta(seconds=3)
NOW = CREATED_AT + dt.timedelta(hours=1)
IMAGE = (Media(type="image", url="https://example.org/1.jpg"),)
POST = Post(
    post_id="p1", revision=1, kind=PostKind.CREATED, conversation_id="c1", author_id="a1", market="NL", created_at=CREATED_AT,
    text="Goedemorgen allemaal"
)  # fmt: skip


@pytest.fixture(scope="module")
def stage(identifier: Identifier) -> Stage[Post]:
    return LanguageStage(identifier)


def only(stage: Stage[Post], post: Post) -> LanguagePost:
    [[output]] = stage.process([Incoming(post, APPENDED_AT)], NOW)
    assert output.topic is POSTS_LANGUAGE
    assert isinstance(output.record, LanguagePost)
    return output.record


@pytest.mark.parametrize(
    ("text", "media", "tag", "unassessed"),
    [
        ("Goedemorgen allemaal, wat een mooi weer", (), "nl", ()),
        ("Goedemorgen allemaal, wat een mooi weer", IMAGE, "nl", (Unassessed.MEDIA,)),
        (None, IMAGE, "und", (Unassessed.NO_LANGUAGE, Unassessed.MEDIA)),
        ("", (), "und", (Unassessed.NO_LANGUAGE,)),
        ("😀😀 https://example.org", (), "und", (Unassessed.NO_LANGUAGE,)),
        ("Ég fór á markaðinn í gær og keypti nýtt brauð", (), "other", (Unassessed.LANGUAGE_UNKNOWN,)),
        ("Saya nak pergi ke kedai", (), "ms", ()),
    ],
)
def test_what_could_not_be_assessed(
    stage: Stage[Post], text: str | None, media: tuple[Media, ...], tag: str, unassessed: tuple[Unassessed, ...]
) -> None:
    found = only(stage, msgspec.structs.replace(POST, text=text, media=media))
    assert (found.language.tag, found.unassessed) == (tag, unassessed)


def test_a_language_that_is_not_sure_enough_is_unknown(stage: Stage[Post]) -> None:
    found = only(stage, msgspec.structs.replace(POST, text="hallo"))
    assert 0 < found.language.confidence < 0.6
    assert found.unassessed == (Unassessed.LANGUAGE_UNKNOWN,)


@pytest.mark.parametrize("text", [None, "Goedemorgen allemaal"])
def test_a_deletion_is_passed_on_and_needs_no_assessment(stage: Stage[Post], text: str | None) -> None:
    found = only(stage, msgspec.structs.replace(POST, kind=PostKind.DELETED, text=text, media=IMAGE))
    assert found.language == Language(tag="und", confidence=1.0)
    assert found.unassessed == ()


def test_an_edit_is_assessed_again(stage: Stage[Post]) -> None:
    edited = msgspec.structs.replace(POST, kind=PostKind.EDITED, revision=2, text="Good morning everybody, what lovely weather")
    assert only(stage, edited).language.tag == "en"


def test_the_hint_is_used(stage: Stage[Post]) -> None:
    tags = [only(stage, msgspec.structs.replace(POST, text="wie is dat", language_hint=hint)).language.tag for hint in ("nl", "af")]
    assert tags == ["nl", "af"]


def test_the_post_and_the_time_of_its_arrival_are_carried_on(stage: Stage[Post]) -> None:
    found = only(stage, POST)
    assert found.post is POST
    assert found.received_at == APPENDED_AT


def test_outputs_are_in_the_order_of_the_batch(stage: Stage[Post]) -> None:
    texts = ["Guten Morgen, wie geht es euch", "Buenos días a todos", "Bonjour tout le monde", "Dzień dobry wszystkim"]
    batch = [Incoming(msgspec.structs.replace(POST, text=text), APPENDED_AT) for text in texts]
    records = [output.record for [output] in stage.process(batch, NOW)]
    assert [record.language.tag for record in records if isinstance(record, LanguagePost)] == ["de", "es", "fr", "pl"]
    assert stage.process([], NOW) == []


@pytest.mark.parametrize(("media", "unassessed"), [((), (Unassessed.STAGE_ERROR,)), (IMAGE, (Unassessed.STAGE_ERROR, Unassessed.MEDIA))])
def test_a_post_on_which_the_stage_fails_goes_on_unassessed(
    stage: Stage[Post], media: tuple[Media, ...], unassessed: tuple[Unassessed, ...]
) -> None:
    post = msgspec.structs.replace(POST, media=media)
    [output] = stage.fallback(Incoming(post, APPENDED_AT), NOW)
    assert output.record == LanguagePost(
        post=post, received_at=APPENDED_AT, language=Language(tag="und", confidence=0.0), unassessed=unassessed
    )
