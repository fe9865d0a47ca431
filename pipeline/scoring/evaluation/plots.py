"""Reliability diagrams and precision-recall curves, a file per label with a panel per language."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics

from pipeline.scoring.evaluation.measure import reliability
from pipeline.scoring.evaluation.resample import Array
from pipeline.scoring.evaluation.sample import Sample

LEAST_ROWS = 50
"""Of a language, and at least one of each kind among them: below that a curve shows chance."""

COLUMNS = 4
PANEL_INCHES = 2.8

Draw = Callable[[Axes, str, Array, Array], None]
"""Axes, the bundle's name, truth and scores."""


class Format(enum.Enum):
    """Of a plot's file."""

    PNG = "png"
    SVG = "svg"


def write_plots(samples: Mapping[str, Sample], folder: Path, form: Format) -> list[Path]:
    """Writes `reliability-<label>` and `precision-recall-<label>` for the bundles of `samples`, by name; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for label in dict.fromkeys(label for sample in samples.values() for label in sample.labels):
        for kind, draw in (("reliability", _reliability), ("precision-recall", _precision_recall)):
            figure = _figure(samples, label, f"{label}: {kind.replace('-', ' and ')}", draw)
            if figure:
                path = folder / f"{kind}-{label}.{form.value}"
                figure.savefig(path, dpi=120)
                written.append(path)
    return written


def _figure(samples: Mapping[str, Sample], label: str, title: str, draw: Draw) -> Figure | None:
    panels: dict[str, list[tuple[str, Array, Array]]] = {}
    for name, sample in samples.items():
        for language, truth, scores in sample.cells(label) if label in sample.labels else ():
            if len(truth) >= LEAST_ROWS and 0 < truth.sum() < len(truth):
                panels.setdefault(language or "all", []).append((name, truth, scores))
    if not panels:
        return None
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(columns * PANEL_INCHES, rows * PANEL_INCHES), layout="constrained")
    figure.suptitle(title)
    for number, (language, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.set(title=f"{language}, {len(curves[0][1])} rows", xlim=(0, 1), ylim=(0, 1))
        for name, truth, scores in curves:
            draw(axes, name, truth, scores)
        axes.legend(fontsize="x-small")
    return figure


def _reliability(axes: Axes, name: str, truth: Array, scores: Array) -> None:
    bins = reliability(truth, scores)
    axes.axline((0, 0), slope=1, color="0.7", linewidth=0.8)
    axes.plot([each.mean_score for each in bins], [each.positive_share for each in bins], marker="o", markersize=3, label=name)
    axes.set(xlabel="mean score", ylabel="share of positives")


def _precision_recall(axes: Axes, name: str, truth: Array, scores: Array) -> None:
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    axes.plot(recall, precision, label=name)
    axes.set(xlabel="recall", ylabel="precision")
