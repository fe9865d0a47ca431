"""Decisions to make statements of."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from pipeline.policy.policy import ContentType, SourceType
from pipeline.policy.rules import Category, Ground
from schemas.records import Action, Automation, Decision, PostKind, Reason, Unassessed

NOW = dt.datetime(2026, 11, 3, 23, 30, tzinfo=dt.UTC)


def decision(**changes: Any) -> Decision:
    """The machine limits a Dutch insult until people have looked; with `changes`."""
    fields: dict[str, Any] = {
        "decision_id": "d1", "post_id": "post-1", "revision": 1, "sequence": 0, "kind": PostKind.CREATED, "cause": "house@1 tiny@1",
        "action": Action.LIMIT, "automation": Automation.PARTIAL, "pending": True, "language": "nl", "market": "NL",
        "policy_version": "house@1", "model_version": "tiny@1", "content_type": "CONTENT_TYPE_TEXT", "content_date": NOW,
        "source_type": "SOURCE_VOLUNTARY", "received_at": NOW, "decided_at": NOW, "ground": "terms", "clause": "Insults and harassment",
        "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE", "case_id": "case-1",
        "reasons": (Reason(rule="insults", label="insult", probability=0.97, threshold=0.95),),
    }  # fmt: skip
    return Decision(**(fields | changes))


SECRET = "S3CRET"
"""In every field that names a post, a case, an event or a person."""

_times = st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=14)), dt.timezone(dt.timedelta(hours=-12))]))
_secrets = st.text("abc.:-", max_size=20).map(SECRET.__add__)
_words = st.text(st.characters(exclude_categories=["Cs"]))
_reasons = st.builds(
    Reason,
    rule=_secrets,
    label=st.none() | st.sampled_from(["insult", "hate", "x" * 32]),
    probability=st.none() | st.floats(0, 1),
    threshold=st.none() | st.floats(0, 1),
)
restricting = st.builds(
    decision,
    decision_id=st.from_regex(r"[A-Za-z0-9._:-]{1,200}", fullmatch=True),
    post_id=_secrets,
    case_id=st.none() | _secrets,
    cause=_secrets,
    supersedes=st.none() | _secrets,
    sequence=st.integers(0, 9),
    action=st.sampled_from([Action.LIMIT, Action.REMOVE]),
    automation=st.sampled_from(Automation),
    pending=st.booleans(),
    language=st.sampled_from(["nl", "pt-BR", "und", "other", "zh-Hant", "fil"]) | _words,
    market=st.sampled_from(["NL", "IS", "US"]),
    content_type=st.sampled_from([each.value for each in ContentType]) | _words,
    content_types=st.lists(st.sampled_from([each.value for each in ContentType]) | _words, max_size=9).map(tuple),
    source_type=st.sampled_from([each.value for each in SourceType]) | _words,
    category=st.none() | st.sampled_from([each.value for each in Category]) | _words,
    ground=st.none() | st.sampled_from([each.value for each in Ground]),
    clause=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.just("é" * 3000),
    content_date=_times,
    received_at=_times,
    decided_at=_times,
    reasons=st.lists(_reasons, max_size=9).map(tuple) | _reasons.map(lambda reason: (reason,) * 400),
    unassessed=st.lists(st.sampled_from(Unassessed), max_size=3).map(tuple),
)
"""Any decision that restricts a post, of ours or as far from ours as the record allows."""
