"""Copies of a text among labelled rows: they are judged alike, and bounds are of rows that do not hang together."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.scoring.evaluation.rows import Judgement, LabelledRow
from pipeline.scoring.normalise import undisguise
from pipeline.scoring.text import normalised


class Distinct(NamedTuple):
    """Rows of which no two have the same text for a label in a language, and how many of those that there were are copies."""

    rows: list[LabelledRow]
    copies: int


def same_text(text: str) -> bytes:
    """Equal for texts that differ in disguise, case, links, names or punctuation only. What has nothing else is itself."""
    return _digest(normalised(undisguise(text)) or text)


def distinct(rows: Sequence[LabelledRow]) -> Distinct:
    """One row for a text in a label and language. One that names a group goes first, then a hash decides, so that the order of files does
    not.

    The label holds if no copy says otherwise: where people disagree, the machine is not taken to be right. A copy for every label on which
    it says anything is left out. Rows without text cannot be compared, so all of them are kept.
    """
    by_text: defaultdict[tuple[str, str, bytes], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.text is not None:
            text = same_text(row.text)
            for label, judged in row.labels.items():
                if judged is not None:
                    by_text[label, row.tag, text].append(number)
    labels = [dict(row.labels) for row in rows]
    copies: set[int] = set()
    for (label, _, _), numbers in by_text.items():
        stands = min(numbers, key=lambda number: (rows[number].group is None, _digest(rows[number].text or ""), number))
        holds: Judgement = 1 if all(rows[number].labels[label] for number in numbers) else 0
        labels[stands][label] = holds
        for number in numbers:
            if number != stands:
                del labels[number][label]
                copies.add(number)
    kept = [replace(row, labels=left) for row, left in zip(rows, labels, strict=True) if any(each is not None for each in left.values())]
    return Distinct(kept, len(copies))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
