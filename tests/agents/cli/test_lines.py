from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from agents.cli.lines import FILTERS, dead_letter_json, dead_letter_line, json_line, kept_line, record_line, unreadable_line
from agents.cli.parts import Filter
from agents.cli.people_lines import SECRET
from agents.cli.show import visible
from agents.edge.letters import mark
from agents.edge.reader import Entry
from schemas.cases import CaseEvent, CaseFile, CaseState
from schemas.people import Appeal, Enforcement, Erasure, Notice, Report, TaskEvent, Verdict
from schemas.records import Decision, LanguagePost, Post, Record, ReviewTask, ScoredPost
from schemas.topics import TOPICS
from schemas.wire import decoder
from tests.agents.edge.letters import buried, entry
from tests.schemas.posts import FIELDS

NOW = "2026-11-23T16:05:09Z"
LANGUAGE = {"tag": "ms", "confidence": 0.914, "alternatives": ["id"]}
LIVELY = {
    **FIELDS,
    "text": "let\x1b[31m op\u202e\nnu",
    "author_id": "author-1",
    "media": [{"type": "image/png", "url": "https://example.org/a"}],
}
WITHIN = {"post": LIVELY, "received_at": NOW, "language": LANGUAGE}
REASON = {"rule": "insults", "label": "insult", "probability": 0.97, "threshold": 0.95}
DECISION = {
    "decision_id": "d1", "post_id": "post-1", "revision": 2, "sequence": 0, "kind": "edited", "cause": "x", "action": "limit",
    "automation": "partial", "language": "nl", "market": "NL", "policy_version": "p", "model_version": "m", "content_type": "t",
    "content_date": NOW, "source_type": "s", "received_at": NOW, "decided_at": NOW, "pending": True,
    "reasons": [REASON, {**REASON, "rule": "insults-of-a-market"}], "unassessed": ["media"],
}  # fmt: skip
TASK = {
    "task_id": "t1", "case_id": "c1", "region": "dutch", "out_of_language": True, "priority": 7,
    "post": {"post_id": "post-1", "revision": 1, "kind": "created", "speaker": "A", "market": "NL", "created_at": NOW, "text": "\x1b]0;"},
    "context": {"complete": False, "digest": "0", "missing": ["p0"]}, "language": LANGUAGE, "created_at": NOW, "attempt": 1,
    "due_at": NOW, "labels": ["insult"],
}  # fmt: skip
HIGHLIGHTED = {
    **TASK,
    "post": {**TASK["post"], "text": "you 🎉\x1b idiot", "media": [{"type": "image/png", "url": "https://example.org/a"}]},  # type: ignore[dict-item]
    "highlights": [
        {"start": 4, "end": 6, "label": "insult", "drop": 0.5},
        {"start": 10, "end": 12, "label": "insult", "drop": 0.2},
        {"start": 10, "end": 12, "label": "toxic", "drop": 0.2},
    ],
}

KEY, SAID = "key-of-a-reporter", "what somebody wrote"
CONTENT = {**TASK["post"], "text": SAID}  # type: ignore[dict-item]
ABOUT = {"post_id": "post-1", "at": NOW}
PEOPLE: list[tuple[type[Record], dict[str, Any], str]] = [
    (
        CaseEvent,
        {"event_id": "e1", "kind": "opened", "proposal": DECISION, "post": CONTENT, "context": TASK["context"], "language": LANGUAGE,
         "weight": 55.4, "audit": True},
        "opened   ms|id  NL  post-1  weight 55  audit  limit    pending  insult 0.97 over 0.95  media",
    ),
    (TaskEvent, {**ABOUT, "event_id": "e", "task_id": "t1", "kind": "claimed", "reviewer": "r1"}, "claimed    post-1  task t1  by r1"),
    (
        TaskEvent,
        {**ABOUT, "event_id": "e", "task_id": "t1", "kind": "moved", "region": "dutch\x1b", "next_task_id": "t2", "reason": "too late"},
        "moved      post-1  task t1  to dutch\\x1b  as t2  too late",
    ),
    (
        Verdict,
        {"verdict_id": "v", "task_id": "t1", "post_id": "post-1", "revision": 2, "reviewer": "r1", "outcome": "remove", "label": "hate",
         "decided_at": NOW, "tool": "sluice", "context_digest": "0"},
        "remove        post-1 r2  hate  by r1  sluice  task t1",
    ),
    (
        Verdict,
        {"verdict_id": "v", "task_id": "t1", "post_id": "post-1", "revision": 1, "reviewer": "r1", "outcome": "cannot_judge",
         "cannot_judge": "language", "language_seen": "fy", "decided_at": NOW},
        "cannot_judge  post-1  language  by r1  saw fy  context not shown  unnamed tool  task t1",
    ),
    (
        Appeal,
        {"appeal_id": "a1", "decision_id": "d1", "post_id": "post-1", "appellant": "author", "filed_at": NOW, "statement": SAID},
        "author    post-1  against d1  appeal a1  19 characters",
    ),
    (
        Report,
        {"report_id": "r1", "post_id": "post-1", "reporter_key": KEY, "channel": "trusted_flagger", "reported_at": NOW, "label": "hate",
         "explanation": SAID, "post_snapshot": LIVELY},
        "trusted_flagger  post-1  hate  report r1  19 characters  with a copy of the post",
    ),
    (
        Enforcement,
        {"decision_id": "d1", "post_id": "post-1", "action": "remove", "applied_at": NOW},
        "remove   post-1  decision d1  applied 2026-11-23 16:05:09Z",
    ),
    (
        Erasure,
        {"erasure_id": "e1", "post_id": "post-1", "requested_at": NOW, "reason": "request\x1b 7"},
        "erase  post-1  request e1  request\\x1b 7",
    ),
    (CaseState, {"post_id": "post-1", "revision": 1}, "closed  post-1"),
    (CaseState, {"post_id": "post-1", "revision": 1, "erased_at": NOW}, "closed  post-1  erased"),
    (
        CaseState,
        {"post_id": "post-1", "revision": 2, "language": LANGUAGE, "market": "NL", "deleted": True,
         "reporters": [{"report_id": "r1", "reporter_key": KEY, "channel": "user"}],
         "waiting": [{"topic": "moderation.reports.v1", "at": NOW, "value": json.dumps({"reporter_key": KEY})}],
         "appeal": {"appeal_id": "a", "decision_id": "d", "action": "remove", "appellant": "author"},
         "standing": {"decision_id": "d", "action": "remove", "by_person": True, "pending": False, "decided_at": NOW, "overdue": True},
         "task": {"task_id": "t", "purpose": "appeal", "region": "dutch", "asked_at": NOW, "issued_at": NOW, "due_at": NOW, "priority": 3,
                  "revision": 2}},
        "open in dutch for appeal  due 2026-11-23 16:05Z  ms|id  NL  post-1 r2  remove   1 report  appeal  enforcement overdue  deleted",
    ),
    (
        CaseFile,
        {"post_id": "post-1", "case_id": "c", "revision": 1, "post": CONTENT, "context": TASK["context"], "language": LANGUAGE,
         "reasons": [REASON], "decisions": [DECISION]},
        "ms|id  NL  post-1  limit    insult 0.97 over 0.95  1 decision  0 posts of context",
    ),
    (
        Notice,
        {**ABOUT, "notice_id": "n", "kind": "outcome", "to": "reporter", "reporter_key": KEY, "action": "remove", "clause": "Hate",
         "about": "r1"},
        "outcome          to reporter  post-1  remove   Hate  about r1",
    ),
    (
        Notice,
        {**ABOUT, "notice_id": "n", "kind": "verdict_stale", "to": "reviewer", "reviewer": "r1", "about": "v", "reason": "was moved"},
        "verdict_stale    to r1  post-1  about v  was moved",
    ),
]  # fmt: skip

EXAMPLES: list[tuple[type[Record], dict[str, Any], str]] = [
    (Post, LIVELY, "created  NL  post-1  1 media  let\\x1b[31m op\\u202e\\nnu"),
    (Post, {**FIELDS, "kind": "deleted", "revision": 3}, "deleted r3  NL  post-1  hallo"),
    (LanguagePost, {**WITHIN, "unassessed": ["media"]}, "ms|id  0.91  media  NL  post-1  1 media  let\\x1b[31m op\\u202e\\nnu"),
    (
        ScoredPost,
        {**WITHIN, "post": FIELDS, "model_version": "m", "scores": {"spam": 0.1, "hate": 0.925, "insult": 0.3}},
        "ms|id  0.91  hate 0.93  insult 0.30  NL  post-1  hallo",
    ),
    (Decision, DECISION, "limit    nl  NL  post-1 r2  pending  insult 0.97 over 0.95  media"),
    (ReviewTask, TASK, "dutch  p7    ms|id  out of language  NL  post-1  insult  0 posts of context, 1 missing  \\x1b]0;"),
    (
        ReviewTask,
        HIGHLIGHTED,
        "dutch  p7    ms|id  out of language  NL  post-1  insult  0 posts of context, 1 missing  for 🎉\\x1b, ot  1 media  "
        "you 🎉\\x1b idiot",
    ),
    *PEOPLE,
]


def lying(value: bytes | None) -> Entry:
    return Entry("posts.incoming.v1", 2, 9, dt.datetime(2026, 11, 23, 16, 5, 9, tzinfo=dt.UTC), b"k", value, ())


@pytest.mark.parametrize(("kind", "fields", "shown"), EXAMPLES, ids=[f"{kind.__name__}-{at}" for at, (kind, _, _) in enumerate(EXAMPLES)])
def test_a_record_is_one_readable_line(kind: type[Record], fields: dict[str, Any], shown: str) -> None:
    value = json.dumps(fields).encode()
    text = record_line(lying(value), decoder(kind)(value)).plain
    assert text == f"2026-11-23 16:05:09Z  {shown}"
    assert "author-1" not in text
    assert KEY not in text
    assert SAID not in text


@pytest.mark.parametrize(("kind", "fields", "shown"), [each for each in PEOPLE if each[0] in SECRET])
def test_a_reporters_key_is_not_shown_even_in_whole_records(kind: type[Record], fields: dict[str, Any], shown: str) -> None:
    line = json_line(lying(json.dumps(fields).encode()), secret=True)
    assert KEY not in line
    assert json.loads(line)["post_id"] == "post-1"
    assert line.count("hidden") == json.dumps(fields).count(KEY)
    assert KEY not in json_line(lying(f'{{"reporter_key": "{KEY}"'.encode()), secret=True)


def test_what_a_compacted_topic_holds_beside_posts_is_named_by_its_key() -> None:
    assert kept_line(lying(None)).plain == "2026-11-23 16:05:09Z  erased  k  0 B"
    assert kept_line(lying(b"17")._replace(key=b"@moderation.cases.v1")).plain.endswith("kept  @moderation.cases.v1  2 B")


def test_every_record_can_be_shown_and_chosen() -> None:
    assert {kind for kind, _, _ in EXAMPLES} == set(FILTERS) == {topic.record for topic in TOPICS if topic.record}


def test_records_are_chosen_by_what_they_carry() -> None:
    decision, task = decoder(Decision)(json.dumps(DECISION).encode()), decoder(ReviewTask)(json.dumps(TASK).encode())
    values = {each: path(decision) for each, path in FILTERS[Decision].items()}
    assert values == {Filter.POST: "post-1", Filter.MARKET: "NL", Filter.LANGUAGE: "nl", Filter.ACTION: "limit"}
    assert FILTERS[ReviewTask][Filter.LANGUAGE](task) == "ms"


def test_what_cannot_be_read_is_said_with_its_place() -> None:
    assert unreadable_line(lying(b"\x1b"), "not JSON: \x1b").plain == "2026-11-23 16:05:09Z  cannot be read  2:9  not JSON: \\x1b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"a":\n  [1.50, "\xe2\x80\xae\x7f"]}', '{"a":[1.50,"\\u202e\\u007f"]}'),
        (b"\x1b[2J", '{"topic": "posts.incoming.v1", "partition": 2, "offset": 9, "base64": "G1sySg=="}'),
        (b'"\xff"', '{"topic": "posts.incoming.v1", "partition": 2, "offset": 9, "base64": "Iv8i"}'),
        (None, '{"topic": "posts.incoming.v1", "partition": 2, "offset": 9, "base64": null}'),
    ],
)
def test_json_is_one_safe_line_whatever_was_sent(value: bytes | None, shown: str) -> None:
    line = json_line(lying(value))
    assert line == shown
    assert visible(line) == line
    json.loads(line)


def test_a_dead_letter_names_its_place_reason_and_source() -> None:
    letter = entry(buried(b"\x1b\xff", topic="x.posts.incoming.v1"), 1, 4)
    assert dead_letter_line(letter, "x.").plain == "2026-11-01 10:00:00Z  1:4  language  invalid  incoming[3]@17  2 B  not a post"
    whole = json.loads(dead_letter_json(letter))
    assert (whole["partition"], whole["offset"], whole["headers"]["sluice_reason"]) == (1, 4, "invalid")
    assert base64.b64decode(whole["value_base64"]) == b"\x1b\xff"
    assert base64.b64decode(whole["key_base64"]) == b"c1"


def test_a_mark_says_which_letter_was_put_back() -> None:
    marking = entry(mark(entry(buried(b"?"), 1, 4), dt.datetime.now(dt.UTC)), 1, 6)
    assert dead_letter_line(marking, "").plain == "2026-11-01 10:00:00Z  1:4 was put back"
    assert json.loads(dead_letter_json(marking))["headers"]["sluice_requeued"] == "4"
