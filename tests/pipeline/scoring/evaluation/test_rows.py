"""Labelled rows are read, or refused with a sentence."""

from __future__ import annotations

import codecs
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import ConfigError
from pipeline.scoring.evaluation.rows import LabelledRow, decode_rows, read_rows
from pipeline.scoring.evaluation.sample import score_rows

LINES = b'{"text": "a", "lang": "nl", "labels": {"toxic": 1, "hate": null}, "mood": 3}\n\n{"scores": {"toxic": 0.5}, "language": "de"}\n'


def test_a_packed_file_is_the_same_rows_with_the_same_hash(tmp_path: Path) -> None:
    plain, packed = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.gz"
    plain.write_bytes(LINES)
    packed.write_bytes(gzip.compress(LINES))
    assert read_rows(plain) == read_rows(packed)
    assert read_rows(plain).sha256 == hashlib.sha256(LINES).hexdigest()
    first, second = read_rows(plain).rows
    assert (first.tag, first.labels, second.tag) == ("nl", {"toxic": 1, "hate": None}, "de")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": "a"}', "a row needs `language` or `lang`"),
        (b'{"lang": "nl"}', "a row needs `text` or `scores`"),
        (b'{"text": "a", "lang": "nl", "labels": {"toxic": 2}}', "Invalid enum value 2"),
        (b'{"text": "a", "lang": "nl", "scores": {"toxic": 1.5}}', "Expected `float` <= 1.0"),
        (b"toxic", "malformed"),
        (b"\xff", "line 2"),
        (b'{"text": "a", "lang": "EN"}', r"`language` is a BCP 47 tag, such as en or pt \(got 'EN'\)"),
        (b'{"text": "a", "lang": "english"}', "`language` is a BCP 47 tag"),
        (b'{"text": "a", "lang": ""}', "`language` is a BCP 47 tag"),
        (b'{"text": "a", "lang": "e\\u0000n"}', "`language` is a BCP 47 tag"),
        (b'{"text": "a", "lang": "en", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep for a row"),
    ],
)
def test_what_is_no_row_is_named_by_its_line(line: bytes, error: str) -> None:
    with pytest.raises(ConfigError, match=f"rows: line 2: .*{error}" if error != "line 2" else error):
        list(decode_rows([b"\n", line], "rows"))


@pytest.mark.parametrize(
    ("harm", "line"),
    [(lambda packed: packed[: len(packed) // 2], r"[1-9]\d*"), (lambda packed: packed[:40] + b"\xff\xff" + packed[42:], r"\d+")],
)
def test_a_packed_file_that_is_cut_off_or_damaged_is_a_sentence(harm: Callable[[bytes], bytes], line: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl.gz"
    rows = b"".join(b'{"text": "%s", "lang": "nl"}\n' % hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(2_000))
    file.write_bytes(harm(gzip.compress(rows)))
    with pytest.raises(ConfigError, match=rf"rows\.jsonl\.gz: line {line}: cannot be unpacked, the file is cut off or damaged"):
        read_rows(file)


def test_a_row_that_a_check_refuses_is_named_by_its_line(tmp_path: Path) -> None:
    def no_german(row: LabelledRow) -> None:
        if row.tag == "de":
            raise ValueError("no German")

    (tmp_path / "rows.jsonl").write_bytes(LINES)
    with pytest.raises(ConfigError, match=r"rows\.jsonl: line 3: no German"):
        read_rows(tmp_path / "rows.jsonl", no_german)


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(codecs.BOM_UTF8 + LINES)
    assert [row.tag for row in read_rows(file).rows] == ["nl", "de"]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl: cannot be read: No such file"):
        read_rows(tmp_path / "none.jsonl")


def score(texts: list[str], languages: list[str]) -> list[dict[str, float]]:
    return [{"toxic": len(text) / 10, "hate": 0.0 if language == "nl" else 1.0} for text, language in zip(texts, languages, strict=True)]


def rows() -> list[LabelledRow]:
    return [
        LabelledRow(text="four", lang="nl", labels={"toxic": 1}),
        LabelledRow(text="known", lang="de", labels={"hate": 0}, scores={"toxic": 0.9, "hate": 0.8}, model_version="m@1", group="g"),
        LabelledRow(text="other", lang="de", scores={"toxic": 0.9, "hate": 0.8}, model_version="m@0"),
        LabelledRow(lang="de", scores={"toxic": 0.3, "hate": 0.2}),
    ]


def test_only_rows_without_scores_of_this_model_are_scored() -> None:
    done: list[int] = []
    sample = score_rows(rows(), ("toxic", "hate"), {"m@1"}, lambda texts, tags: score(list(texts), list(tags)), done.append)
    assert sample.scores.tolist() == [[0.4, 0.0], [0.9, 0.8], [0.5, 1.0], [0.3, 0.2]]
    assert (sample.truth[0, 0], sample.truth[1, 1], np.isnan(sample.truth).sum()) == (1, 0, 6)
    assert (sample.languages.tolist(), sample.groups.tolist()) == (["nl", "de", "de", "de"], ["", "g", "", ""])
    assert done == [2]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (LabelledRow(lang="de", scores={"toxic": 0.3}), "row 1: scores: hate is missing; the model's labels are toxic, hate"),
        (LabelledRow(lang="de", scores={"toxic": 0.3, "hate": 0}, model_version="m@0"), "row 1: its scores are of m@0, and without `text`"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(row: LabelledRow, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        score_rows([row], ("toxic", "hate"), {"m@1"}, lambda texts, tags: score(list(texts), list(tags)))
