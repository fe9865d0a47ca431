"""A bundle in memory: texts in, a calibrated probability per label out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from tokenizers import Tokenizer

from pipeline.config import ConfigError
from pipeline.scoring.bundle import DESCRIPTION, MODEL, TOKENIZER, Bundle, read_bundle, read_verified
from pipeline.scoring.calibration import Array, Calibration
from pipeline.scoring.session import Session
from pipeline.scoring.text import prepare

DECIMALS = 4
"""Of a score. The same text in other company moves by rounding noise of 1e-6, which nobody needs to see."""

PADDING = 1.25
"""Tokens in a batch's longest row for each one in its shortest. A call costs little beside the tokens of a real model: eight posts of any
length at once took 1.3 times as long as with this bound."""


class Prepared(NamedTuple):
    """A text in the bundle's form, of which its scores are made, and nothing else; `cut`: it was longer."""

    text: str
    cut: bool


class Scored(NamedTuple):
    """A text's probability per label, calibrated; `truncated`: its end was not read."""

    probabilities: dict[str, float]
    truncated: bool


class Windows(NamedTuple):
    """A text as the graph reads it: token ids, [windows][tokens], at least one window. `truncated`: there would be more."""

    rows: list[list[int]]
    truncated: bool


class Model:
    """A loaded bundle. One thread at a time may use it.

    `alone`: every row is computed by itself, so that a score is the same in any company to the last bit, not only to a rounding error.
    """

    def __init__(self, bundle: Bundle, tokenizer: Tokenizer, session: Session, *, alone: bool = False) -> None:
        self.bundle = bundle
        self.calibration = Calibration(bundle)
        self._alone = alone
        self._tokenizer = tokenizer
        self._session = session

    @classmethod
    def load(cls, directory: Path, threads: int = 1, *, alone: bool = False) -> Self:
        """The bundle in `directory`, on `threads` threads of ONNX Runtime. ConfigError when its files are not what it says they are."""
        bundle = read_bundle(directory)
        graph = read_verified(directory / MODEL, "model.sha256", bundle.model.sha256)
        tokens = read_verified(directory / TOKENIZER, "tokenizer.sha256", bundle.tokenizer.sha256)
        tokenizer = _tokenizer(tokens, directory / TOKENIZER, bundle)
        return cls(bundle, tokenizer, Session(graph, directory / MODEL, bundle, threads), alone=alone)

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> list[Scored]:
        """A text's score is the highest of its windows, label by label. `languages` gives each text's tag, for calibration.

        ValueError when the model gives what is no probability.
        """
        return self.score_prepared([self.prepared(text) for text in texts], languages)

    def prepared(self, text: str) -> Prepared:
        """`text` in the bundle's form."""
        return Prepared(*prepare(text, self.bundle.text))

    def score_prepared(self, texts: Sequence[Prepared], languages: Sequence[str]) -> list[Scored]:
        """`score`, from texts that are in the bundle's form."""
        if not texts:
            return []
        read = [self._windows(text) for text in texts]
        rounded = np.round(self._probabilities(read, languages), DECIMALS).tolist()
        labels = self.bundle.labels
        return [Scored(dict(zip(labels, row, strict=True)), windows.truncated) for row, windows in zip(rounded, read, strict=True)]

    def calibrated(self, texts: Sequence[str], languages: Sequence[str]) -> Array:
        """[texts, labels]: `score`, before it is rounded. At least one text."""
        return self._probabilities([self.windows(text) for text in texts], languages)

    def _probabilities(self, read: Sequence[Windows], languages: Sequence[str]) -> Array:
        probabilities = self.probabilities([row for windows in read for row in windows.rows])
        first = np.cumsum([0, *(len(windows.rows) for windows in read[:-1])])
        return self.calibration.apply(np.maximum.reduceat(probabilities, first, axis=0), languages)

    def windows(self, text: str) -> Windows:
        """`text` cut into token ids."""
        return self._windows(self.prepared(text))

    def _windows(self, prepared: Prepared) -> Windows:
        # One by one: a batch would be spread over every core of the machine, whatever `threads` says.
        encoding = self._tokenizer.encode(prepared.text)
        limit = self.bundle.tokenizer.max_windows
        rest = encoding.overflowing
        return Windows([encoding.ids, *(each.ids for each in rest[: limit - 1])], prepared.cut or len(rest) >= limit)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where the tokeniser's pieces lie in `text` as it is: start and end, in characters. Some may overlap."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [(start, end) for each in (encoding, *encoding.overflowing) for start, end in each.offsets if start < end]

    def vocabulary(self) -> list[str]:
        """The tokeniser's pieces, sorted."""
        return sorted(self._tokenizer.get_vocab(with_added_tokens=False))

    def probabilities(self, rows: Sequence[Sequence[int]]) -> Array:
        """[rows, labels], not calibrated. Rows of like length go together, so that little is computed for padding."""
        if self._alone:
            return self._session.run_each(rows)
        result = np.empty((len(rows), len(self.bundle.labels)))
        for batch in _batches([len(row) for row in rows], self.bundle.model.batch_size):
            result[batch] = self.probabilities_together([rows[index] for index in batch])
        return result

    def probabilities_together(self, rows: Sequence[Sequence[int]]) -> Array:
        """[rows, labels], not calibrated, computed in one batch whatever its size."""
        return self._session.run(rows)


def _batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Indices of all rows, shortest first, in batches of at most `size` rows none of which needs much padding."""
    batch: list[int] = []
    longest = 0.0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == size or lengths[index] > longest):
            yield batch
            batch = []
        if not batch:
            longest = lengths[index] * PADDING + 2
        batch.append(index)
    if batch:
        yield batch


def _tokenizer(content: bytes, path: Path, bundle: Bundle) -> Tokenizer:
    """The tokenizer with the bundle's windows in place of its own truncation and padding."""
    form = bundle.tokenizer
    try:
        tokenizer = Tokenizer.from_buffer(content)
        tokenizer.no_padding()
        tokenizer.enable_truncation(form.max_tokens, stride=form.window_overlap)
    except Exception as error:
        raise ConfigError(f"{path}: is no tokenizer that this version of `tokenizers` can load: {error}") from error
    if form.pad_id >= tokenizer.get_vocab_size():
        raise ConfigError(
            f"{path.parent / DESCRIPTION}: tokenizer.pad_id: ids below {tokenizer.get_vocab_size()} are allowed (got {form.pad_id})"
        )
    return tokenizer
