"""Two tiny bundles of which one stands before the other.

Both find the labels' names in a text, as tests/support/tiny_model.py says. The fast one gives 0.0601 to a label that a text does not
name, where the accurate one gives 0.018: a score says who gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import numpy_helper

from tests.support.tiny_model import LABELS, Settings, graph_with_probabilities, write_bundle

FAST_OFFSET = -2.75
FAST_NOTHING, ACCURATE_NOTHING = 0.0601, 0.018
CLEAR = dict.fromkeys(LABELS, 0.1)


def build_cascade(
    directory: Path, settle_below: Mapping[str, Mapping[str, float]], changes: Mapping[str, Any] | None = None, fast: Settings | None = None
) -> tuple[Path, Path]:
    """The directories of the accurate and of the fast bundle. `changes` are laid over the cascade, `fast` over the fast description."""
    model = graph_with_probabilities()
    for each in model.graph.initializer:
        if each.name == "offset":
            each.CopyFrom(numpy_helper.from_array(np.full(len(LABELS), FAST_OFFSET, np.float32), "offset"))
    cascade = {"fast": "../fast", "fast_version": "tiny-fast@3", "settle_below": settle_below, **(changes or {})}
    return (
        write_bundle(directory / "accurate", graph_with_probabilities(), {"cascade": cascade}),
        write_bundle(directory / "fast", model, {"name": "tiny-fast", "version": "3", **(fast or {})}),
    )
