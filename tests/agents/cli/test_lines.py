from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from agents.cli.lines import FILTERS, Filter, dead_letter_json, dead_letter_line, json_line, record_line, unreadable_line
from agents.cli.show import visible
from agents.edge.letters import mark
from agents.edge.reader import Entry
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
    "content_date": NOW, "source_type": "s", "received_at": NOW, "decided_at": NOW, "pending": True, "region": "dutch",
    "reasons": [REASON], "unassessed": ["media"],
}  # fmt: skip
TASK = {
    "task_id": "t1", "case_id": "c1", "decision_id": "d1", "region": "dutch", "out_of_language": True, "priority": 7,
    "post": {"post_id": "post-1", "revision": 1, "kind": "created", "speaker": "A", "market": "NL", "created_at": NOW, "text": "\x1b]0;"},
    "context": {"complete": False, "digest": "0", "missing": ["p0"]}, "language": LANGUAGE, "interim_action": "allow", "created_at": NOW,
    "due_at": NOW, "reasons": [{"rule": "always"}],
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

EXAMPLES: list[tuple[type[Record], dict[str, Any], str]] = [
    (Post, LIVELY, "created  NL  post-1  1 media  let\\x1b[31m op\\u202e\\nnu"),
    (Post, {**FIELDS, "kind": "deleted", "revision": 3}, "deleted r3  NL  post-1  hallo"),
    (LanguagePost, {**WITHIN, "unassessed": ["media"]}, "ms|id  0.91  media  NL  post-1  1 media  let\\x1b[31m op\\u202e\\nnu"),
    (
        ScoredPost,
        {**WITHIN, "post": FIELDS, "model_version": "m", "scores": {"spam": 0.1, "hate": 0.925, "insult": 0.3}},
        "ms|id  0.91  hate 0.93  insult 0.30  NL  post-1  hallo",
    ),
    (Decision, DECISION, "limit    nl  NL  post-1 r2  pending in dutch  insult 0.97 over 0.95  media"),
    (ReviewTask, TASK, "dutch  p7    ms|id  out of language  NL  post-1  always  0 posts of context, 1 missing  \\x1b]0;"),
    (
        ReviewTask,
        HIGHLIGHTED,
        "dutch  p7    ms|id  out of language  NL  post-1  always  0 posts of context, 1 missing  for 🎉\\x1b, ot  1 media  "
        "you 🎉\\x1b idiot",
    ),
]


def lying(value: bytes | None) -> Entry:
    return Entry("posts.incoming.v1", 2, 9, dt.datetime(2026, 11, 23, 16, 5, 9, tzinfo=dt.UTC), b"k", value, ())


@pytest.mark.parametrize(("kind", "fields", "shown"), EXAMPLES, ids=[f"{kind.__name__}-{at}" for at, (kind, _, _) in enumerate(EXAMPLES)])
def test_a_record_is_one_readable_line(kind: type[Record], fields: dict[str, Any], shown: str) -> None:
    value = json.dumps(fields).encode()
    text = record_line(lying(value), decoder(kind)(value)).plain
    assert text == f"2026-11-23 16:05:09Z  {shown}"
    assert "author-1" not in text


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
