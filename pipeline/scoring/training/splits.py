"""Which rows are trained on, which choose between models, and which only measure the one that was chosen.

A row's part follows from the texts alone, so that it is the same in every run on the same data. Texts that are nearly the same get the
same part, else a model could be praised for what it learnt by heart. Nearly the same: equal after normalisation, or likely of a Jaccard
similarity above about .7 over runs of five characters, found by MinHash with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of
Massive Datasets, ch. 3).
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.text import normalised
from pipeline.scoring.training.rows import Row

BANDS, ROWS = 5, 5
"""Two texts of similarity s share a band with 1 - (1 - s**ROWS)**BANDS: .60 at s = .7, .95 at .87, .05 at .4."""

SHINGLE = 5
"""Characters in a run."""


class Part(enum.Enum):
    """What a row is for."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


SHARES = ((Part.TEST, 0.05), (Part.DEV, 0.05))
"""Of the groups of texts; the rest is trained on."""


def parts(texts: Sequence[str]) -> list[Part]:
    """The part of each text."""
    keys = group_keys(texts)
    return [part_of(key) for key in keys]


def part_of(key: int) -> Part:
    """The part of a group of texts."""
    digest = hashlib.blake2b(key.to_bytes(8, "big"), digest_size=8, person=b"sluice-split").digest()
    share = int.from_bytes(digest, "big") / 2**64
    for part, size in SHARES:
        if share < size:
            return part
        share -= size
    return Part.TRAIN


def group_keys(texts: Sequence[str]) -> list[int]:
    """A number per text, the same for texts that are nearly the same: the smallest hash of a text in the group."""
    plain = [normalised(text) for text in texts]
    own = [_hash(text) for text in plain]
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    seen: dict[tuple[int, bytes], int] = {}
    for index, text in enumerate(plain):
        for band in _bands(text):
            other = root(seen.setdefault(band, index))
            mine = root(index)
            if other != mine:
                low, high = sorted((other, mine), key=own.__getitem__)
                parent[high] = low
    return [own[root(index)] for index in range(len(texts))]


def unlike(rows: Iterable[Row], texts: Sequence[str]) -> list[Row]:
    """Those of `rows` that are nearly the same as none of `texts`."""
    rows = list(rows)
    keys = group_keys([*texts, *(row.text for row in rows)])
    there = set(keys[: len(texts)])
    return [row for row, key in zip(rows, keys[len(texts) :], strict=True) if key not in there]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


_RANDOM = np.random.default_rng(0)
_MULTIPLIERS: NDArray[np.uint64] = _RANDOM.integers(1, 2**63, (BANDS * ROWS, 1), np.uint64) * np.uint64(2) + np.uint64(1)
_POWERS: NDArray[np.uint64] = np.uint64(1_000_003) ** np.arange(SHINGLE, dtype=np.uint64)


def _bands(text: str) -> list[tuple[int, bytes]]:
    """Keys of which two texts that are nearly the same are likely to share one. Texts under eight runs are only like their copies."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    if codes.size < SHINGLE + 7:
        return [(-1, text.encode())]
    runs = np.lib.stride_tricks.sliding_window_view(codes, SHINGLE) @ _POWERS
    mixed = (runs ^ (runs >> np.uint64(29))) * _MULTIPLIERS
    smallest = (mixed ^ (mixed >> np.uint64(32))).min(axis=1).reshape(BANDS, ROWS)
    return [(number, band.tobytes()) for number, band in enumerate(smallest)]
