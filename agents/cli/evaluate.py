"""`sluice evaluate`: how good a bundle is on labelled rows."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from agents.cli.common import clear_errors, err
from agents.cli.extras import extra
from agents.cli.rows import Data, Split, Wanted, read_files, scored_by
from agents.cli.show import say, table, visible
from agents.settings import load
from pipeline.config import ConfigError
from pipeline.policy.policy import Policy, read_policies
from pipeline.scoring.evaluation.rows import LabelledRow
from pipeline.scoring.tiers import read_tiers

if TYPE_CHECKING:
    from pipeline.scoring.evaluation.benign import Flagged
    from pipeline.scoring.evaluation.measure import Cell, Evaluation, Figure
    from pipeline.scoring.evaluation.sample import Sample

Bundles = Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Folders of model bundles, side by side.")]
Benign = Annotated[list[Path] | None, typer.Option("--benign", metavar="FILE", help="Rows of ordinary text, the same; labels are ignored.")]
PolicyPath = Annotated[Path | None, typer.Option("--policy", metavar="FILE|DIR", help="Policy of the thresholds [env: SLUICE_POLICY].")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of tables, with reliability bins.")]
Plots = Annotated[Path | None, typer.Option("--plots", metavar="DIR", help="Also draw reliability and precision-recall here.")]
Svg = Annotated[bool, typer.Option("--svg", help="Plots as SVG instead of PNG.")]
Draws = Annotated[int, typer.Option("--draws", min=20, max=100_000, help="Draws of the bootstrap.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap.")]


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints, one per bundle."""

    bundle: str
    data: Evaluation | None
    benign: tuple[Flagged, ...]


def evaluate(  # noqa: PLR0913, PLR0917 - a parameter is an option of the command line
    bundles: Bundles,
    data: Data = None,
    benign: Benign = None,
    split: Split = None,
    policy: PolicyPath = None,
    as_json: Json = False,
    plots: Plots = None,
    svg: Svg = False,
    draws: Draws = 200,
    seed: Seed = 0,
) -> None:
    """Measure model bundles on labelled rows.

    Each line: {"text", "language", "labels": {label: 0, 1 or null}}, perhaps "scores" and "model_version" of a bundle, so that nothing is
    scored twice. Per label and language: AUC, average precision, calibration error (15 bins) and F1 at the policy's lowest threshold, with
    95% intervals by the bootstrap; of ordinary text, the share that reaches a threshold.

    \b
    Examples:
      sluice evaluate pipeline/models/default --data test.jsonl.gz
      sluice evaluate old new --data test.jsonl --benign clean.jsonl --plots build/plots
    """
    with clear_errors():
        if not data and not benign:
            raise ConfigError("command line: --data or --benign: at least one file of rows is needed")
        with extra("evaluate", "sluice evaluate"):
            from pipeline.scoring.evaluation.benign import flagged
            from pipeline.scoring.evaluation.measure import evaluate as measured
            from pipeline.scoring.evaluation.plots import Format, write_plots
        now = dt.datetime.now(dt.UTC)
        in_force = read_policies(load(policy=policy).policy).at(now)
        wanted = Wanted(tuple(map(read_tiers, bundles)), split)
        labelled, ordinary = _rows(data or [], wanted), _rows(benign or [], wanted._replace(judged=False))
        samples: dict[str, Sample] = {}
        reports = []
        for bundle in bundles:
            versions, (sample, clean) = scored_by(bundle, labelled, ordinary)
            samples[visible(str(bundle))] = sample
            found = measured(sample, versions[0], in_force, draws, seed) if labelled else None
            reports.append(Report(str(bundle), found, flagged(clean, in_force)))
        if plots:
            written = write_plots(samples, plots, Format.SVG if svg else Format.PNG)
            say(f"{len(written)} plots are in {plots}", err)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(reports) + b"\n")
    else:
        _show(reports, in_force)


def _rows(files: Sequence[Path], wanted: Wanted) -> list[LabelledRow]:
    return [row for file in read_files(files, wanted) for row in file.rows]


def _show(reports: Sequence[Report], policy: Policy) -> None:
    cells = [(report.bundle, cell) for report in reports if report.data for cell in report.data.cells]
    if cells:
        say(f"95% intervals in brackets; F1 at the lowest threshold of {policy.id}; calibration error in points")
        columns = ("label", "language", "bundle", "rows", "positive", "AUC", "average precision", "F1", "at", "calibration error")
        table(columns, [_cell_row(bundle, cell) for bundle, cell in sorted(cells, key=_order)])
    ordinary = [(report.bundle, each) for report in reports for each in report.benign]
    if ordinary:
        say(f"ordinary text that reaches a threshold of {policy.id}")
        shown = sorted(ordinary, key=lambda each: (each[1].language or "", each[0]))
        table(("language", "bundle", "rows", "reach one", "share", "by label"), [_benign_row(bundle, each) for bundle, each in shown])


def _order(each: tuple[str, Cell]) -> tuple[str, str, str]:
    bundle, cell = each
    return cell.label, cell.language or "", bundle


def _cell_row(bundle: str, cell: Cell) -> list[str]:
    return [
        cell.label,
        cell.language or "all",
        visible(bundle),
        str(cell.rows),
        str(cell.positives),
        _figure(cell.auc, 1),
        _figure(cell.average_precision, 1),
        _figure(cell.f1, 1),
        "-" if cell.threshold is None else f"{cell.threshold:g}",
        _figure(cell.calibration_error, 100),
    ]


def _figure(figure: Figure, unit: float) -> str:
    if figure.value is None:
        return "-"
    form = ".3f" if unit == 1 else ".1f"
    within = f" [{figure.interval[0] * unit:{form}} {figure.interval[1] * unit:{form}}]" if figure.interval else ""
    return f"{figure.value * unit:{form}}{within}"


def _benign_row(bundle: str, each: Flagged) -> list[str]:
    share = f"{each.share:.2%} [{each.interval[0]:.2%} {each.interval[1]:.2%}]"
    reached = sorted(each.by_label.items(), key=lambda item: -item[1])
    labels = " ".join(f"{label} {count}" for label, count in reached)
    return [each.language or "all", visible(bundle), str(each.rows), str(each.flagged), share, labels]
