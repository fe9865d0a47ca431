from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.scoring.model import Model
from pipeline.scoring.offline import ROWS_AT_A_TIME, score_rows
from pipeline.scoring.scorer import Scorer
from schemas.records import Language


def identify(text: str, hint: str | None) -> Language:
    """The hint, or what the text's first word names; nothing linguistic without a letter."""
    if not any(map(str.isalpha, text)):
        return Language(tag="und", confidence=1.0)
    return Language(tag=hint or text.split(maxsplit=1)[0], confidence=0.75)


def results(model: Model, *lines: bytes) -> list[object]:
    return [json.loads(msgspec.json.encode(result)) for result in score_rows(lines, Scorer(model), identify)]


def test_a_row_becomes_its_language_and_scores(tiny: Model) -> None:
    (row,) = score_rows([b'{"text": "en this is hate hate"}\n'], Scorer(tiny), identify)
    assert json.loads(msgspec.json.encode(row)) == {
        "language": {"tag": "en", "confidence": 0.75},
        "scores": {"toxic": 0.018, "hate": 0.982, "insult": 0.018, "threat": 0.018, "sexual": 0.018, "spam": 0.018, "profanity": 0.018},
        "model_version": "tiny@1",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b'{"id": 7, "text": "..."}',
            {"id": 7, "language": {"tag": "und", "confidence": 1.0}, "scores": {}, "unassessed": ["no_language"]},
        ),
        (
            b'{"post_id": "p", "text": ""}',
            {"post_id": "p", "language": {"tag": "und", "confidence": 1.0}, "scores": {}, "unassessed": ["no_language"]},
        ),
    ],
)
def test_a_text_without_language_has_empty_scores(tiny: Model, line: bytes, expected: object) -> None:
    assert results(tiny, line) == [expected]


def test_the_hint_is_passed_on_and_an_unsupported_language_is_said(tiny: Model) -> None:
    (row,) = score_rows([b'{"text": "en hate", "language_hint": "fi", "anything": {"else": 1}}'], Scorer(tiny), identify)
    assert json.loads(msgspec.json.encode(row))["language"]["tag"] == "fi"
    assert json.loads(msgspec.json.encode(row))["unassessed"] == ["language_unsupported"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"text", "not JSON: JSON is malformed: "),
        (b'{"text": "cut', "not JSON: Input data was truncated"),
        (b'{"text": "\xff"}', "not JSON: "),
        (b'{"text": "\\ud800"}', "not JSON: "),
        (b"[" * 100_000, "not "),
        (b'{"id": 1}', "not a row: Object missing required field `text`"),
        (b'{"text": null}', "not a row: Expected `str`, got `null` - at `$.text`"),
        (b'{"text": "a", "id": 1.5}', "not a row: Expected `int | str | null`, got `float` - at `$.id`"),
        (b'["text"]', "not a row: Expected `object`, got `array`"),
    ],
)
def test_a_faulty_line_is_an_error_in_its_place(tiny: Model, line: bytes, error: str) -> None:
    before, faulty, after = results(tiny, b'{"id": 1, "text": "en a"}', b"\n", line, b'{"id": 3, "text": "en b"}')
    assert isinstance(before, dict)
    assert isinstance(faulty, dict)
    assert isinstance(after, dict)
    assert (before["id"], after["id"]) == (1, 3)
    assert faulty["line"] == 3
    assert faulty["error"].startswith(error)


def test_rows_keep_their_order_over_batches(tiny: Model) -> None:
    lines = [b"oops" if index % 50 == 7 else b'{"id": %d, "text": "en %s"}' % (index, b"hate " * (index % 60)) for index in range(300)]
    found = results(tiny, *lines)
    assert [row.get("id", row.get("line", 0)) for row in found if isinstance(row, dict)] == [
        index + 1 if index % 50 == 7 else index for index in range(300)
    ]


def test_an_endless_input_is_read_as_it_comes(tiny: Model) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b'{"text": "en more"}'

    rows = score_rows(endless(), Scorer(tiny), identify)
    for _ in range(10):
        next(rows)
    assert read == ROWS_AT_A_TIME
