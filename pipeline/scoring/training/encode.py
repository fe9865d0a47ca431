"""Draws as token ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.scoring.bundle import Normalisation, TextForm
from pipeline.scoring.text import prepare
from pipeline.scoring.training.encoder import BEGIN, END, PAD
from pipeline.scoring.training.sampling import Draw

Ids = list[int]

TEXT_FORM = TextForm(normalisation=Normalisation.ROBUST, max_characters=4000)
"""How a text is prepared, in training as in the bundles that come out of it.

Eight windows of 80 tokens end before 4,000 characters in most languages (after some 2,700 of English, 840 of Chinese); the bound is for the
tokeniser's time.
"""


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Ids]:
    """Ids of each text, without special tokens and of any length."""
    prepared = [prepare(text, TEXT_FORM)[0] for text in texts]
    return [each.ids for each in tokenizer.encode_batch(prepared, add_special_tokens=False)]


def encode_draws(tokenizer: Tokenizer, draws: Sequence[Draw], length: int) -> list[Ids]:
    """Ids of each draw with <s> and </s>, at most `length`."""
    texts, before, after = (encode(tokenizer, part) for part in zip(*((d.text, d.before, d.after) for d in draws), strict=True))
    return [_joined(*each, length - 2) for each in zip(texts, before, after, strict=True)]


def _joined(text: Ids, before: Ids, after: Ids, room: int) -> Ids:
    text = text[:room]
    before = before[: room - len(text)]
    after = after[: room - len(text) - len(before)]
    return [BEGIN, *before, *text, *after, END]


def padded(rows: Sequence[Ids], length: int) -> NDArray[np.int32]:
    """[rows, length], filled with <pad>."""
    result = np.full((len(rows), length), PAD, np.int32)
    for index, row in enumerate(rows):
        result[index, : len(row)] = row
    return result
