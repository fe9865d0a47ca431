"""What /metrics says. Its labels are closed sets: nobody who writes posts can add to them."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase

from agents.edge import metrics
from agents.edge.case_metrics import CaseMetrics, Held
from agents.edge.metrics import OTHER, REGISTRY, Closed, DecisionMetrics, ScoringMetrics
from pipeline.cases.facts import Asked, Confirmed, Erased, Erasing, Expired, Judged, Leaving, Left, Overturned, Refused
from schemas.cases import Purpose
from schemas.people import CannotJudge, Outcome
from schemas.records import (
    Action,
    Automation,
    Decision,
    Language,
    Post,
    PostKind,
    Reason,
    ScoredPost,
    Unassessed,
)
from tests.pipeline.cases.world import rules
from tests.support.promtool import check_metrics

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
LANGUAGES, MARKETS, LABELS = {"en", "nl", "fy", "und"}, {"GB"}, {"threat"}
SPOKEN_UNTIL = {"en": dt.datetime.max.replace(tzinfo=dt.UTC), "nl": NOW}
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


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_metric_is_declared_once_with_a_proper_name(name: str) -> None:
    (family,) = DECLARED[name].describe()
    registered = [each.name for each in REGISTRY.collect()]
    assert registered.count(family.name) == 1
    assert re.fullmatch(r"sluice_[a-z_]+", family.name)
    assert family.documentation.endswith(".")
    if family.type == "histogram" or "age" in family.name:
        assert family.name.endswith(("_seconds", "_posts", "_ratio"))


def test_every_metric_of_ours_is_declared_in_the_one_place() -> None:
    described = {metric.describe()[0].name for metric in DECLARED.values()}
    assert {family.name for family in REGISTRY.collect() if family.name.startswith("sluice_")} == described


def test_prometheus_reads_it_all() -> None:
    observe = DecisionMetrics(LANGUAGES, MARKETS, LABELS, SPOKEN_UNTIL)
    observe(decision(label="threat"))
    cases = CaseMetrics(rules())
    for fact in FACTS:
        cases.count(fact)
    cases.show([HELD])
    check_metrics(generate_latest(REGISTRY).decode())


@given(st.text(), st.text(), st.none() | st.text())
def test_no_label_takes_its_value_from_a_post(language: str, market: str, label: str | None) -> None:
    DecisionMetrics(LANGUAGES, MARKETS, LABELS, SPOKEN_UNTIL)(decision(language, market, label))
    for _action, its_language, its_label, _automation in samples("sluice_decisions_total"):
        assert its_language in LANGUAGES | {OTHER}
        assert its_label in LABELS | {"none", OTHER}
    assert {its_market for its_market, _action in samples("sluice_decisions_by_market_total")} <= MARKETS | {OTHER}


def test_a_decision_is_counted() -> None:
    observe = DecisionMetrics(LANGUAGES, MARKETS, LABELS, SPOKEN_UNTIL)
    key = ("remove", "en", "threat", "full")
    before = samples("sluice_decisions_total").get(key, 0), samples("sluice_end_to_end_seconds_sum")[()]
    media = samples("sluice_unassessed_total").get(("media",), 0)
    observe(decision(label="threat", action=Action.REMOVE, unassessed=(Unassessed.MEDIA,)))
    assert samples("sluice_decisions_total")[key] == before[0] + 1
    assert samples("sluice_end_to_end_seconds_sum")[()] == pytest.approx(before[1] + 2)
    assert samples("sluice_unassessed_total")["media",] == media + 1


ASKED = Asked("dutch", "nl", Purpose.REPORT, out_of_language=True, over_capacity=True, complete=False, anew=False)
FACTS = (
    ASKED,
    Left("dutch", "nl", Leaving.DECIDED, seconds=60, waited=7200, in_time=False, views=99),
    Judged("dutch", "nl", Outcome.CANNOT_JUDGE, shown=False, full=False, tool="unheard-of", cannot_judge=CannotJudge.CONTEXT),
    Refused("appeal", "the time for appeals is over"),
    Overturned("nl", by_machine=True, on_appeal=True),
    Confirmed(3.0),
    Expired("moderation.reports.v1"),
    Erased(Erasing.DONE),
)
HELD = Held(
    Counter({("dutch", "nl", True): 2, ("dutch", "tlh", True): 1}),
    {"dutch": NOW},
    Counter({"dutch": 1}),
    overdue=4,
    balance=0,
    audits={("nl", "toxic"): (20, 3)},
)


def test_what_happens_to_cases_is_counted() -> None:
    cases = CaseMetrics(rules())
    counted = {
        "sluice_cases_asked_total": ("report",),
        "sluice_reviews_total": ("dutch", "nl", "true"),
        "sluice_over_capacity_total": ("dutch",),
        "sluice_incomplete_context_total": ("dutch",),
        "sluice_tasks_left_total": ("dutch", "decided"),
        "sluice_tasks_answered_total": ("dutch", "false"),
        "sluice_case_waited_seconds_count": ("dutch",),
        "sluice_verdicts_total": ("dutch", "cannot_judge"),
        "sluice_verdict_context_total": ("other", "false", "false"),
        "sluice_cannot_judge_total": ("dutch", "context"),
        "sluice_refused_total": ("appeal", "the time for appeals is over"),
        "sluice_overturned_total": ("nl", "machine", "true"),
        "sluice_expired_total": ("moderation.reports.v1",),
        "sluice_erasures_total": ("done",),
    }
    before = {name: samples(name).get(key, 0) for name, key in counted.items()}
    for fact in FACTS:
        cases.count(fact)
    assert {name: samples(name)[key] - before[name] for name, key in counted.items()} == dict.fromkeys(counted, 1)


def test_a_task_that_was_handed_on_is_no_new_case() -> None:
    before = samples("sluice_cases_asked_total").get(("report",), 0)
    CaseMetrics(rules()).count(ASKED._replace(anew=True))
    assert samples("sluice_cases_asked_total").get(("report",), 0) == before


def test_what_is_open_is_shown_and_goes_with_its_partition() -> None:
    cases = CaseMetrics(rules(), now=lambda: NOW.timestamp() + 60)
    cases.show([HELD, HELD])
    assert samples("sluice_cases_open") == {("dutch", "nl", "true"): 4, ("dutch", OTHER, "true"): 2}
    assert samples("sluice_cases_oldest_seconds") == {("dutch",): 60}
    assert (samples("sluice_audit_checked"), samples("sluice_audit_wrong")) == ({("nl", "toxic"): 40}, {("nl", "toxic"): 6})
    assert samples("sluice_enforcements_overdue")[()] == 8
    assert samples("sluice_cases_nobody_left")["dutch",] == 2
    cases.show([])
    assert not samples("sluice_cases_open") and not samples("sluice_audit_checked")
    assert samples("sluice_enforcements_overdue")[()] == 0


@pytest.mark.parametrize(("language", "decided_at", "counted"), [
    ("en", NOW, 0), ("nl", NOW - dt.timedelta(seconds=1), 0), ("nl", NOW, 1), ("fy", NOW, 1), ("und", NOW, 0), ("tlh", NOW, 0),
])  # fmt: skip
def test_a_post_in_a_language_that_nobody_speaks_is_counted(language: str, decided_at: dt.datetime, counted: int) -> None:
    before = samples("sluice_unspoken_total").get((language,), 0)
    DecisionMetrics(LANGUAGES, MARKETS, LABELS, SPOKEN_UNTIL)(decision(language, received_at=NOW, decided_at=decided_at))
    assert samples("sluice_unspoken_total").get((language,), 0) == before + counted


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


def test_the_likeliest_label_of_a_text_is_counted_by_language() -> None:
    before = samples("sluice_top_score_ratio_bucket")
    what = Post(post_id="p", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="a", market="NL", created_at=NOW, text="x")
    scored = ScoredPost(
        post=what, received_at=NOW, language=Language(tag="nl", confidence=1), model_version="m", scores={"toxic": 0.5, "spam": 0.1}
    )
    ScoringMetrics({}, {"nl"})(scored)
    after = samples("sluice_top_score_ratio_bucket")
    grown = {limit for (language, limit), count in after.items() if language == "nl" and count > before.get((language, limit), 0)}
    assert grown == {"0.6", "0.8", "+Inf"}


def test_look_ups_of_the_cache_are_counted() -> None:
    before = samples("sluice_score_cache_total")
    metrics.count_cache(3, 2)
    after = samples("sluice_score_cache_total")
    assert [after[each,] - before.get((each,), 0) for each in ("hit", "miss")] == [3, 2]


def test_a_closed_set_has_a_place_for_the_rest() -> None:
    assert [Closed({"a"})(value) for value in ("a", "b", "")] == ["a", OTHER, OTHER]
