"""Rows made from templates.toml: sentences about groups of people, hateful ones and harmless ones with the same words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from pipeline.scoring.training.rows import LABELS, OWN, Row

PATH = Path(__file__).with_name("templates.toml")
SOURCE, LICENCE = f"{OWN} (templates.toml)", "Apache-2.0"


class Templates(msgspec.Struct, frozen=True):
    """A language's table; the file says what each list is."""

    groups: list[str]
    hateful: list[str]
    threatening: list[str]
    harmless: list[str]
    insulting: list[str]
    plain: list[str]
    elsewhere: list[str]
    telling: list[str] = []


_WORD = re.compile(r"\w+")
_CLEAN = dict.fromkeys(("toxic", "hate", "insult", "threat"), 0.0)


def telling(language: str) -> set[str]:
    """Words of a language that a label hangs on, in lower case: `telling` and the words of its groups."""
    table = _tables().get(language)
    return {*table.telling, *(word.casefold() for group in table.groups for word in _WORD.findall(group))} if table else set()


def rows() -> Iterator[Row]:
    """Every sentence with every group."""
    for language, table in _tables().items():
        for group in table.groups:
            for sentences, labels in (
                (table.hateful, {"toxic": 1.0, "hate": 1.0, "threat": 0.0}),
                (table.threatening, {"toxic": 1.0, "hate": 1.0, "threat": 1.0}),
                (table.harmless, _CLEAN),
            ):
                for sentence in sentences:
                    text = sentence.replace("{group}", group)
                    yield _row(text[0].upper() + text[1:], language, labels)
        for sentence in table.insulting:
            yield _row(sentence, language, {"toxic": 1.0, "hate": 0.0, "insult": 1.0})
        for sentence in table.plain:
            yield _row(sentence, language, _CLEAN)
        for sentence in table.elsewhere:
            yield _row(sentence, language, {"hate": 0.0})


def _tables() -> dict[str, Templates]:
    return msgspec.convert(tomllib.loads(PATH.read_text()), dict[str, Templates])


def _row(text: str, language: str, labels: dict[str, float]) -> Row:
    targets = np.array([labels.get(label, np.nan) for label in LABELS], np.float32)
    return Row(text, language, SOURCE, LICENCE, f"templates.{language}", benign=False, measured_only=False, targets=targets)
