"""What /metrics says. Its labels are closed sets: nobody who writes posts can add to them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase

from agents.edge import metrics
from agents.edge.metrics import OTHER, REGISTRY, Closed, DecisionMetrics, ScoringMetrics
from schemas.records import (
    Action,
    Automation,
    Context,
    Decision,
    Language,
    Post,
    PostKind,
    Reason,
    ReviewPost,
    ReviewTask,
    ScoredPost,
    Unassessed,
)
from tests.support.promtool import check_metrics

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
LANGUAGES, MARKETS, LABELS = {"en", "nl"}, {"GB"}, {"threat"}
DECLARED = {name: metric for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)}


def samples(name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by its labels' values."""
    return {
        tuple(sample.labels.values()): sample.value for family in REGISTRY.collect() for sample in family.samples if sample.name == name
    }


def decision(language: str = "en", market: str = "GB", label: str | None = None, **changes: object) -> Decision:
    fields: dict[str, object] = {
        "decision_id": "d", "post_id": "p", "revision": 1, "sequence": 0, "kind": PostKind.CREATED, "cause": "c",
        "action": Action.ALLOW, "automation": Automation.FULL, "language": language, "market": market, "policy_version": "p@1",
        "model_version": "m@1", "content_type": "t", "content_date": NOW, "source_type": "s",
        "received_at": NOW, "decided_at": NOW + dt.timedelta(seconds=2),
        "reasons": (Reason(rule="r", label=label),) if label else (),
    }  # fmt: skip
    return Decision(**(fields | changes))  # type: ignore[arg-type]


def task(complete: bool) -> ReviewTask:
    return ReviewTask(
        task_id="t", case_id="c", decision_id="d", region="english", out_of_language=True, priority=1, interim_action=Action.ALLOW,
        post=ReviewPost(post_id="p", revision=1, kind=PostKind.CREATED, speaker="A", market="GB", created_at=NOW),
        context=Context(complete=complete, digest="0"), language=Language(tag="en", confidence=1), created_at=NOW, due_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_metric_is_declared_once_with_a_proper_name(name: str) -> None:
    (family,) = DECLARED[name].describe()
    registered = [each.name for each in REGISTRY.collect()]
    assert registered.count(family.name) == 1
    assert re.fullmatch(r"sluice_[a-z_]+", family.name)
    assert family.documentation.endswith(".")
    if family.type == "histogram" or "age" in family.name:
        assert family.name.endswith(("_seconds", "_posts"))


def test_every_metric_of_ours_is_declared_in_the_one_place() -> None:
    described = {metric.describe()[0].name for metric in DECLARED.values()}
    assert {family.name for family in REGISTRY.collect() if family.name.startswith("sluice_")} == described


def test_prometheus_reads_it_all() -> None:
    observe = DecisionMetrics(LANGUAGES, MARKETS, LABELS)
    for record in (decision(label="threat"), task(complete=False)):
        observe(record)
    check_metrics(generate_latest(REGISTRY).decode())


@given(st.text(), st.text(), st.none() | st.text())
def test_no_label_takes_its_value_from_a_post(language: str, market: str, label: str | None) -> None:
    DecisionMetrics(LANGUAGES, MARKETS, LABELS)(decision(language, market, label))
    for _action, its_language, its_market, its_label, _automation in samples("sluice_decisions_total"):
        assert its_language in LANGUAGES | {OTHER}
        assert its_market in MARKETS | {OTHER}
        assert its_label in LABELS | {"none", OTHER}


def test_a_decision_is_counted() -> None:
    observe = DecisionMetrics(LANGUAGES, MARKETS, LABELS)
    key = ("remove", "en", "GB", "threat", "full")
    before = samples("sluice_decisions_total").get(key, 0), samples("sluice_end_to_end_seconds_sum")[()]
    media = samples("sluice_unassessed_total").get(("media",), 0)
    observe(decision(label="threat", action=Action.REMOVE, unassessed=(Unassessed.MEDIA,)))
    assert samples("sluice_decisions_total")[key] == before[0] + 1
    assert samples("sluice_end_to_end_seconds_sum")[()] == pytest.approx(before[1] + 2)
    assert samples("sluice_unassessed_total")["media",] == media + 1


def test_a_review_with_a_gap_in_its_conversation_is_counted() -> None:
    observe = DecisionMetrics(LANGUAGES, MARKETS, LABELS)
    before = samples("sluice_reviews_total").get(("english", "true"), 0), samples("sluice_incomplete_context_total").get(("english",), 0)
    observe(task(complete=True))
    observe(task(complete=False))
    assert samples("sluice_reviews_total")["english", "true"] == before[0] + 2
    assert samples("sluice_incomplete_context_total")["english",] == before[1] + 1


@pytest.mark.parametrize(
    ("version", "language", "scores", "key"),
    [
        ("m@1", "nl", {"toxic": 0.5}, ("accurate", "nl")),
        ("f@1", "nl", {"toxic": 0.01}, ("fast", "nl")),
        ("m@2", "nl", {"toxic": 0.5}, (OTHER, "nl")),
        ("m@1", "tlh", {"toxic": 0.5}, ("accurate", OTHER)),
        ("m@1", "nl", {}, None),
    ],
)
def test_a_scored_text_is_counted_by_tier_and_language(
    version: str, language: str, scores: dict[str, float], key: tuple[str, str] | None
) -> None:
    before = samples("sluice_scored_texts_total")
    what = Post(post_id="p", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="a", market="NL", created_at=NOW, text="x")
    ScoringMetrics({"m@1": "accurate", "f@1": "fast"}, {"nl"})(
        ScoredPost(post=what, received_at=NOW, language=Language(tag=language, confidence=1), model_version=version, scores=scores)
    )
    expected = before if key is None else {**before, key: before.get(key, 0) + 1}
    assert samples("sluice_scored_texts_total") == expected


def test_look_ups_of_the_cache_are_counted() -> None:
    before = samples("sluice_score_cache_total")
    metrics.count_cache(3, 2)
    after = samples("sluice_score_cache_total")
    assert [after[each,] - before.get((each,), 0) for each in ("hit", "miss")] == [3, 2]


def test_a_closed_set_has_a_place_for_the_rest() -> None:
    assert [Closed({"a"})(value) for value in ("a", "b", "")] == ["a", OTHER, OTHER]
