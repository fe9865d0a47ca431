from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.scoring.model import Model
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.stage import ScoringStage
from pipeline.stage import Incoming
from schemas.records import Language, LanguagePost, Media, Post, PostKind, ScoredPost, Unassessed
from schemas.topics import POSTS_SCORED
from tests.support.tiny_model import LABELS, build_not_finite, graph_with_probabilities, write_bundle

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
PICTURE = Media(type="image/png", url="https://example.org/a.png")
LONG = "word " * 1000


def incoming(
    text: str | None,
    language: Language | None = None,
    unassessed: tuple[Unassessed, ...] = (),
    kind: PostKind = PostKind.CREATED,
    post_id: str = "p1",
) -> Incoming[LanguagePost]:
    post = Post(
        post_id=post_id,
        revision=1,
        kind=kind,
        conversation_id="c1",
        author_id="a1",
        market="NL",
        created_at=NOW,
        text=text,
        media=(PICTURE,),
    )
    record = LanguagePost(post=post, received_at=NOW, language=language or Language(tag="nl", confidence=0.9), unassessed=unassessed)
    return Incoming(record, NOW)


def scored(model: Model, *items: Incoming[LanguagePost]) -> list[ScoredPost]:
    results = []
    for outputs in ScoringStage(Scorer(model)).process(items, NOW):
        (output,) = outputs
        assert output.topic is POSTS_SCORED
        assert isinstance(output.record, ScoredPost)
        results.append(output.record)
    return results


def test_a_post_goes_on_with_a_probability_per_label(tiny: Model) -> None:
    item = incoming("wat een hate", unassessed=(Unassessed.MEDIA,))
    (post,) = scored(tiny, item)
    assert (post.post, post.received_at, post.language) == (item.record.post, NOW, item.record.language)
    assert (post.model_version, post.scores["hate"], list(post.scores)) == ("tiny@1", 0.935, list(LABELS))
    assert post.unassessed == (Unassessed.MEDIA,)


@dataclass(frozen=True)
class Rule:
    """What the stage adds to what is known already."""

    name: str
    item: Incoming[LanguagePost]
    scores: bool
    unassessed: tuple[Unassessed, ...]


OTHER = Language(tag="other", confidence=0.9)
FINNISH = Language(tag="fi", confidence=0.9)
MALAY = Language(tag="ms", confidence=0.9, alternatives=("id",))
FAILED = Language(tag="und", confidence=0.0)
STAGE_ERROR = (Unassessed.STAGE_ERROR,)
UNKNOWN = (Unassessed.LANGUAGE_UNKNOWN,)

RULES = [
    Rule("deleted", incoming(None, kind=PostKind.DELETED), False, ()),
    Rule("deleted, with its last text", incoming("hate", kind=PostKind.DELETED), False, ()),
    Rule("media alone", incoming(None, unassessed=(Unassessed.MEDIA,)), False, (Unassessed.MEDIA,)),
    Rule("empty text", incoming(""), False, ()),
    Rule("nothing linguistic", incoming("🎉", unassessed=(Unassessed.NO_LANGUAGE,)), False, (Unassessed.NO_LANGUAGE,)),
    Rule("a language the model was made for", incoming("hate"), True, ()),
    Rule("a language it was not made for", incoming("hate", FINNISH), True, (Unassessed.LANGUAGE_UNSUPPORTED,)),
    Rule("surely another language", incoming("hate", OTHER), True, (Unassessed.LANGUAGE_UNSUPPORTED,)),
    Rule("an unknown language", incoming("hate", OTHER, UNKNOWN), True, UNKNOWN),
    Rule("identification failed", incoming("hate", FAILED, STAGE_ERROR), True, STAGE_ERROR),
    Rule("one of two, both supported", incoming("hate", MALAY), True, ()),
    Rule("too long", incoming(LONG), True, (Unassessed.TOO_LONG,)),
    Rule(
        "reasons are carried on, new ones come last, none twice",
        incoming(LONG, FINNISH, (Unassessed.MEDIA, Unassessed.TOO_LONG)),
        True,
        (Unassessed.MEDIA, Unassessed.TOO_LONG, Unassessed.LANGUAGE_UNSUPPORTED),
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_scored_and_what_is_said_of_it(tiny: Model, rule: Rule) -> None:
    (post,) = scored(tiny, rule.item)
    assert (bool(post.scores), post.unassessed) == (rule.scores, rule.unassessed)


NO_LANGUAGE = (Unassessed.NO_LANGUAGE,)
ROBUST = {"text": {"normalisation": "robust"}}


@pytest.mark.parametrize(("form", "reasons"), [(ROBUST, UNKNOWN), ({}, NO_LANGUAGE)], ids=["robust", "not"])
def test_a_disguise_that_the_model_sees_through_is_scored_as_of_an_unknown_language(
    tmp_path: Path, form: dict[str, Any], reasons: tuple[Unassessed, ...]
) -> None:
    model = Model.load(write_bundle(tmp_path, graph_with_probabilities(), form))
    (post,) = scored(model, incoming("🅷🅰🆃🅴", Language(tag="und", confidence=1.0), (*NO_LANGUAGE, Unassessed.MEDIA)))
    assert (bool(post.scores), post.unassessed) == (reasons == UNKNOWN, (*reasons, Unassessed.MEDIA))


def test_one_supported_alternative_is_enough(tmp_path: Path) -> None:
    model = Model.load(write_bundle(tmp_path, graph_with_probabilities(), {"languages": ["en", "id"]}))
    assert [post.unassessed for post in scored(model, incoming("hate", MALAY))] == [()]


def test_a_language_without_calibration_is_named_where_the_bundle_calibrates(tmp_path: Path) -> None:
    calibration = {"method": "platt", "languages": {"nl": {"hate": {"a": 1.0, "b": 0.0}}}}
    model = Model.load(write_bundle(tmp_path, graph_with_probabilities(), {"calibration": calibration}))
    items = incoming("hate"), incoming("hate", Language(tag="en", confidence=0.9)), incoming("hate", FINNISH), incoming(None)
    assert [post.unassessed for post in scored(model, *items)] == [
        (),
        (Unassessed.NO_CALIBRATION,),
        (Unassessed.LANGUAGE_UNSUPPORTED, Unassessed.NO_CALIBRATION),
        (),
    ]


def test_one_output_for_each_post_in_order(tiny: Model) -> None:
    items = [incoming(None if index % 5 == 0 else "word " * (index * 31 % 70) + "spam", post_id=f"p{index}") for index in range(64)]
    posts = scored(tiny, *items)
    assert [post.post.post_id for post in posts] == [f"p{index}" for index in range(64)]
    assert [bool(post.scores) for post in posts] == [index % 5 != 0 for index in range(64)]


def test_no_posts(tiny: Model) -> None:
    assert scored(tiny) == []


def test_a_failing_post_goes_on_by_fallback_as_not_assessed(tmp_path: Path) -> None:
    stage, item = ScoringStage(Scorer(Model.load(build_not_finite(tmp_path)))), incoming("toxic", unassessed=(Unassessed.MEDIA,))
    with pytest.raises(ValueError, match="no probability"):
        stage.process([item], NOW)
    (output,) = stage.fallback(item, NOW)
    assert output.topic is POSTS_SCORED
    assert output.record == ScoredPost(
        post=item.record.post,
        received_at=NOW,
        language=item.record.language,
        model_version="tiny@1",
        unassessed=(Unassessed.MEDIA, Unassessed.STAGE_ERROR),
    )
