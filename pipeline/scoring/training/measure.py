"""Measures both tiers on test and benign rows, and writes their cards and plots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from pipeline.policy.policy import Policy
from pipeline.scoring.bundle import MODEL, TOKENIZER
from pipeline.scoring.evaluation.benign import Flagged, flagged
from pipeline.scoring.evaluation.measure import Evaluation, evaluate
from pipeline.scoring.evaluation.plots import Format, write_plots
from pipeline.scoring.evaluation.sample import Sample
from pipeline.scoring.model import Model
from pipeline.scoring.training import behaviour, card, cascade, figures
from pipeline.scoring.training.cascade import Shown
from pipeline.scoring.training.measured import THREADS
from pipeline.scoring.training.rows import LABELS, Row
from pipeline.scoring.training.steps import Rows, Trained

LEAST_DEV_ROWS = 500
"""Of a language and label, for its calibration error to be reported."""

SOME = 300
"""Rows for parity and movement, which are scored one by one."""

PLOTS = "../../../docs/model/"
"""Where the cards of the shipped bundles find them."""

TIERS = {
    "accurate": "The accurate tier: the first layers of multilingual-e5-small, fine-tuned on labels and, where the recipe has a teacher, "
    "on what deeper encoders say of the same texts; the mean of its runs. Seven probabilities for a short text, independent of each other.",
    "fast": "The fast tier: a vector for each word piece, distilled from the accurate tier, and a small network; no word order. It settles "
    "what is clear and leaves the rest to the accurate tier.",
}


@dataclass(frozen=True, slots=True)
class _Scored:
    """A bundle's answers to test rows and benign rows, calibrated."""

    model: Model
    test: Sample
    benign: Sample
    evaluation: Evaluation
    flagged: tuple[Flagged, ...]
    collections: dict[str, dict[str, float]]


def cards(trained: Trained, out: Path, policy: Policy, others: Sequence[Path], plots: Path) -> None:
    """README.md of both bundles and the plots. `others`: bundles to measure in the same run, for comparison."""
    fast_folder = out.parent / "fast"
    scored = {"accurate": _scored(out, trained.rows, policy), "fast": _scored(fast_folder, trained.rows, policy)}
    beside = {found.evaluation.model_version: found for found in (_scored(path, trained.rows, policy) for path in others)}
    names = {found.evaluation.model_version: found.test for found in [*scored.values(), *beside.values()]}
    write_plots(names, plots, Format.PNG)
    rates = {name: figures.rate(found.model, trained.rows.test) for name, found in scored.items()}
    curves = _curves(scored, (rates["fast"], rates["accurate"]))
    if curves:
        _plot(curves, plots / "cascade.png")
    for name, folder in (("accurate", out), ("fast", fast_folder)):
        mine = scored[name]
        rest = [found for found in [*scored.values(), *beside.values()] if found is not mine]
        other = {found.evaluation.model_version: (found.evaluation, found.flagged) for found in rest}
        shown: dict[str, Shown] = trained.shown if name == "accurate" else {}
        measured = card.Measured(
            title=mine.evaluation.model_version,
            tier=TIERS[name],
            size=(folder / MODEL).stat().st_size,
            evaluation=mine.evaluation,
            flagged=mine.flagged,
            others=other,
            collections={found.evaluation.model_version: found.collections for found in [mine, *rest]},
            calibrated=_calibrated(mine.test, trained.rows.dev, mine.model),
            parity=figures.parity(folder / MODEL, trained.twin, _ids(mine.model, trained.rows.test)) if name == "accurate" else None,
            movement=figures.movement(mine.model, _ids(mine.model, trained.rows.test)),
            rate=rates[name],
            shown=shown,
            curves=curves if name == "accurate" else {},
            ordinary_settled=_settled(shown, scored["fast"].benign),
            robustness=behaviour.robustness(mine.model, trained.rows.test, trained.rows.benign_eval, policy),
            fairness=behaviour.fairness(mine.model, policy),
            plots=PLOTS,
        )
        hashes = {each: hashlib.sha256((folder / each).read_bytes()).hexdigest() for each in (MODEL, TOKENIZER)}
        (folder / "README.md").write_text(card.markdown(measured, trained.record, trained.rows.train, hashes))


def _scored(folder: Path, rows: Rows, policy: Policy) -> _Scored:
    model = Model.load(folder, THREADS)
    labelled = [row for row in rows.test if not row.benign]
    test, benign = _sample(model, labelled), _sample(model, rows.benign_eval)
    evaluation, files = evaluate(test, model.bundle.model_version, policy), [row.file for row in labelled]
    columns = zip(LABELS, test.truth.T, test.scores.T, strict=True)
    within = {label: figures.by_collection(truth, scores, files) for label, truth, scores in columns}
    return _Scored(model, test, benign, evaluation, flagged(benign, policy), within)


def _sample(model: Model, rows: Sequence[Row]) -> Sample:
    """Every row scored, as a worker scores it. Labels that the model lacks are 0."""
    found = [
        model.score([row.text for row in rows[at : at + 256]], [row.language for row in rows[at : at + 256]])
        for at in range(0, len(rows), 256)
    ]
    scores = [[each.probabilities.get(label, 0.0) for label in LABELS] for chunk in found for each in chunk]
    return Sample(
        labels=LABELS,
        languages=np.array([row.language for row in rows], np.str_),
        scores=np.array(scores, np.float64).reshape(len(rows), len(LABELS)),
        truth=np.array([row.targets for row in rows], np.float64).reshape(len(rows), len(LABELS)),
        groups=np.array(["" for _ in rows], np.str_),
    )


def _settled(shown: dict[str, Shown], ordinary: Sample) -> dict[str, float]:
    found = {}
    for language, safe in shown.items():
        mine = ordinary.scores[ordinary.languages == language]
        if len(mine):
            found[language] = float(cascade.settled(safe, mine).mean())
    return found


def _ids(model: Model, rows: Sequence[Row]) -> list[list[int]]:
    step = max(1, len(rows) // SOME)
    return [model.windows(row.text).rows[0] for row in rows[::step]][:SOME]


def _calibrated(test: Sample, dev: Sequence[Row], model: Model) -> list[card.Calibrated]:
    found = []
    for column, label in enumerate(LABELS):
        for language, truth, scores in test.cells(label):
            known = sum(row.language == language and not np.isnan(row.targets[column]) for row in dev)
            if language and known >= LEAST_DEV_ROWS and language in model.bundle.calibration.languages:
                error, by_chance = figures.calibration_error(truth, scores), figures.by_chance(scores)
                as_often = float((by_chance >= error).mean())
                found.append(card.Calibrated(label, language, len(truth), known, error, float(by_chance.mean()), as_often))
    return found


def _curves(scored: dict[str, _Scored], rates: tuple[float, float]) -> dict[str, list[figures.Passed]]:
    fast = {language: scores for language, _, scores in scored["fast"].test.cells("toxic")}
    found = {}
    for language, truth, scores in scored["accurate"].test.cells("toxic"):
        if len(truth) >= LEAST_DEV_ROWS and 0 < truth.sum() < len(truth):
            found[language or "all"] = figures.curve(truth, fast[language], scores, rates)
    return found


def _plot(curves: dict[str, list[figures.Passed]], path: Path) -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for language, curve in curves.items():
        left.plot([each.share for each in curve], [each.auc for each in curve], marker="o", markersize=3, label=language)
        right.plot([each.rate for each in curve], [each.precision for each in curve], marker="o", markersize=3, label=language)
    left.set(xlabel="share passed on to the accurate tier", ylabel="AUC, toxic")
    right.set(xlabel="posts in a CPU second", ylabel="precision at 80% recall, toxic")
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter(ScalarFormatter())
    left.legend(fontsize="x-small")
    figure.savefig(path, dpi=110)
