"""Rows written for this project: posts as people write them, harmful and harmless ones, in languages that have no labelled collection.

`written/LANGUAGE.tsv`: a post a line, its labels and its text, with a tab between. A letter for each label that holds, `-` for none; labels
without a letter do not hold. They are trained on and are evidence of nothing: what is shown to people about a language, and what the
machine may do alone there, rests on real posts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.config import ConfigError
from pipeline.scoring.training.rows import LABELS, OWN, Row

FOLDER = Path(__file__).with_name("written")
SOURCE, LICENCE = f"{OWN} (written)", "Apache-2.0"

LETTERS = {"t": "toxic", "h": "hate", "i": "insult", "d": "threat", "s": "sexual", "m": "spam", "p": "profanity"}


def rows(folder: Path = FOLDER) -> Iterator[Row]:
    """Every line of every language. ConfigError where a line has other letters than LETTERS, or no text."""
    for path in sorted(folder.glob("*.tsv")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            codes, _, text = line.partition("\t")
            if not text.strip() or not (codes == "-" or (codes and set(codes) <= set(LETTERS))):
                raise ConfigError(f"{path}:{number}: a line is letters of {''.join(LETTERS)} or `-`, a tab, and a text (got {line!r})")
            labels = {LETTERS[letter] for letter in codes.removeprefix("-")}
            targets = np.array([label in labels for label in LABELS], np.float32)
            yield Row(text, path.stem, SOURCE, LICENCE, f"written.{path.stem}", benign=False, measured_only=False, targets=targets)
