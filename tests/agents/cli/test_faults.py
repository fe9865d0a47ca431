from __future__ import annotations

import json
from typing import Any

import pytest

from agents.cli.faults import FORMS, explained
from schemas.records import Post
from schemas.wire import InvalidRecordError, decoder
from tests.schemas.posts import FIELDS


def said(line: bytes) -> str:
    with pytest.raises(InvalidRecordError) as fault:
        decoder(Post)(line)
    return explained(fault.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"market": "nl"}, "`market` must be two capital letters, such as NL"),
        ({"market": 1}, "`market` must be two capital letters, such as NL"),
        ({"created_at": "2026-11-01"}, "`created_at` must be a time with its offset from UTC, such as 2026-11-01T10:00:00Z"),
        ({"created_at": "2026-11-01T10:00:00"}, "`created_at` must be a time with its offset from UTC, such as 2026-11-01T10:00:00Z"),
        ({"post_id": "a b"}, "`post_id` must be 1 to 200 of A-Z a-z 0-9 - . _ :"),
        ({"kind": "new"}, "`kind` must be one of created, edited, deleted"),
        ({"revision": 0}, "`revision` must be a whole number from 1 on"),
        ({"text": None}, "a post of kind 'created' needs `text` or `media`"),
        ({"reach": -1}, "Expected `int` >= 0 - at `$.reach`"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_needed(changes: dict[str, Any], sentence: str) -> None:
    assert said(json.dumps({**FIELDS, **changes}).encode()) == sentence


@pytest.mark.parametrize("line", json.dumps(FIELDS, indent=1).splitlines())
def test_json_over_several_lines_is_recognised(line: str) -> None:
    assert said(line.strip().encode()).endswith("; one JSON object per line is needed")


def test_every_form_is_of_a_field() -> None:
    assert {place.removeprefix("$.") for place in FORMS} <= set(Post.__struct_fields__)
