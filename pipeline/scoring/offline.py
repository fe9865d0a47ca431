"""Language and scores for rows of JSON, without Kafka: what `sluice score` prints."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline.language.stage import unknown
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.stage import Text, assess
from schemas.records import Language, Probability, Unassessed

ROWS_AT_A_TIME = 64

Identify = Callable[[str, str | None], Language]
"""A text and the producer's hint to its language."""

Line = Annotated[int, Meta(ge=1)]
RowId = str | int


class Row(msgspec.Struct, frozen=True):
    """What is read from a line; other keys are ignored, so a file of posts can be scored."""

    text: str
    id: RowId | None = None
    post_id: RowId | None = None
    language_hint: str | None = None


class ScoredRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What comes of a row. `scores` is empty for a text without language; `unassessed` says why the row, or part of it, is not assessed.

    `model_version`: the model that gave the scores, where there are some.
    """

    language: Language
    scores: dict[str, Probability]
    model_version: str = ""
    unassessed: tuple[Unassessed, ...] = ()
    id: RowId | None = None
    post_id: RowId | None = None


class FaultyRow(msgspec.Struct, frozen=True):
    """What comes of a line that is no row, in its place, so that every row has its line. The count of lines begins at 1."""

    line: Line
    error: str


def score_rows(lines: Iterable[bytes], scorer: Scorer, identify: Identify) -> Iterator[ScoredRow | FaultyRow]:
    """One result per line, in order; blank lines have none. Lazy: at most ROWS_AT_A_TIME lines are held."""
    rows = (_read(number, line) for number, line in enumerate(lines, 1) if line.strip())
    while batch := list(itertools.islice(rows, ROWS_AT_A_TIME)):
        yield from _score(batch, scorer, identify)


def _read(number: int, line: bytes) -> Row | FaultyRow:
    try:
        return msgspec.json.decode(line, type=Row)
    except msgspec.ValidationError as error:
        return FaultyRow(number, f"not a row: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return FaultyRow(number, f"not JSON: {error}")


def _score(batch: Sequence[Row | FaultyRow], scorer: Scorer, identify: Identify) -> Iterator[ScoredRow | FaultyRow]:
    texts = [_text(row, identify) for row in batch if isinstance(row, Row)]
    assessed = iter(zip(texts, assess(scorer, texts), strict=True))
    for row in batch:
        if isinstance(row, FaultyRow):
            yield row
        else:
            text, assessment = next(assessed)
            version = assessment.model_version if assessment.scores else ""
            yield ScoredRow(text.language, assessment.scores, version, assessment.unassessed, row.id, row.post_id)


def _text(row: Row, identify: Identify) -> Text:
    language = identify(row.text, row.language_hint)
    return Text(row.text, language, unknown(language))
