"""Highlights on the way to people: for whom, by which model, and the same again on a replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.routing.highlights import Explain, explain_with
from pipeline.routing.stage import RoutingStage
from pipeline.stage import Incoming
from schemas.cases import CaseEvent
from schemas.records import Highlight, ScoredPost, Unassessed
from tests.pipeline.routing.posts import NOW, POLICIES, post, scored
from tests.support.tiny_cascade import CLEAR, build_cascade
from tests.support.tiny_model import build_tiny_bundle

TEXT = "all five words are toxic"
FAST = "tiny-fast@3"


@pytest.fixture(scope="module")
def explain(tmp_path_factory: pytest.TempPathFactory) -> Explain:
    accurate, _ = build_cascade(tmp_path_factory.mktemp("cascade"), {"en": CLEAR})
    return explain_with(accurate, 16)


def cases(explain: Explain, *posts: ScoredPost) -> list[CaseEvent]:
    stage = RoutingStage(POLICIES, 1_000_000, [], explain)
    outputs = stage.process([Incoming(each, NOW) for each in posts], NOW)
    return [output.record for some in outputs for output in some if isinstance(output.record, CaseEvent)]


def toxic(version: str = "tiny@1", text: str = TEXT) -> ScoredPost:
    return scored(post(text=text), scores={"toxic": 0.6}, model_version=version)


@pytest.mark.parametrize("version", ["tiny@1", FAST])
def test_a_case_points_at_the_words_as_the_fast_tier_sees_them(explain: Explain, version: str) -> None:
    (case,) = cases(explain, toxic(version))
    assert case.highlighted_by == FAST
    assert case.highlights == (Highlight(start=19, end=24, label="toxic", drop=0.7172),)
    assert TEXT[19:24] == "toxic"


def test_the_only_model_of_a_bundle_is_asked_where_there_is_no_fast_tier(tmp_path: Path) -> None:
    (case,) = cases(explain_with(build_tiny_bundle(tmp_path), 16), toxic())
    assert (case.highlighted_by, [each.drop for each in case.highlights]) == ("tiny@1", [0.482])


@pytest.mark.parametrize(
    "one",
    [
        toxic("tiny@0"),  # scored by a model that is gone
        toxic(text="none of these words counts"),
        scored(post(), unassessed=(Unassessed.STAGE_ERROR,)),  # no label sent it to people
    ],
    ids=["other model", "no word found", "no label"],
)
def test_a_case_without_highlights_names_no_model_for_them(explain: Explain, one: ScoredPost) -> None:
    (case,) = cases(explain, one)
    assert (case.highlights, case.highlighted_by) == ((), None)


def test_a_replay_in_other_company_gives_the_same(explain: Explain) -> None:
    others = [scored(post(f"o{number}", conversation_id="other", text="toxic " * number), scores={"toxic": 0.7}) for number in range(1, 9)]
    assert cases(explain, *others, toxic())[-1] == cases(explain, toxic(), *others)[0]


def test_a_broken_fast_tier_stops_the_start(tmp_path: Path) -> None:
    accurate, fast = build_cascade(tmp_path, {"en": CLEAR})
    (fast / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"fast/tokenizer\.json: cannot be read"):
        explain_with(accurate, 16)
