"""Writing a bundle: model.onnx, tokenizer.json, bundle.toml, golden.jsonl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from pipeline.scoring.bundle import DESCRIPTION, GOLDEN, MODEL, TOKENIZER, CalibrationForm, CascadeForm, PlattByLabel
from pipeline.scoring.model import DECIMALS, Model
from pipeline.scoring.training.encode import TEXT_FORM
from pipeline.scoring.training.encoder import PAD
from pipeline.scoring.training.graph import OUTPUT
from pipeline.scoring.training.rows import LABELS

MAX_TOKENS, MAX_WINDOWS, OVERLAP = 96, 8, 16
"""A longer text is read in windows; what lies on the border of two is whole in one of them."""

BATCH = 8
"""Larger batches are slower on one core: the states of eight posts fit into its cache."""

LICENCE = "MIT (weights derived from multilingual-e5-small, tokenizer.json too); licences of the training data: README.md"

GOLDEN_TEXTS = Path(__file__).with_name("golden.jsonl")
"""The texts of the golden scores, written for this project."""


class GoldenText(msgspec.Struct, frozen=True):
    """A line of GOLDEN_TEXTS."""

    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle. `cascade`: of an accurate tier with a fast one beside it."""

    name: str
    version: str
    languages: tuple[str, ...]
    labelled: tuple[str, ...]
    model: Path
    tokenizer: str
    calibration: CalibrationForm
    cascade: CascadeForm | None = None


def write(directory: Path, contents: Contents) -> None:
    """Writes the whole bundle."""
    directory.mkdir(parents=True, exist_ok=True)
    model = contents.model.read_bytes()
    (directory / MODEL).write_bytes(model)
    (directory / TOKENIZER).write_text(contents.tokenizer)
    hashes = hashlib.sha256(contents.tokenizer.encode()).hexdigest(), hashlib.sha256(model).hexdigest()
    (directory / DESCRIPTION).write_text(_description(replace(contents, cascade=None), *hashes))
    _golden(directory)
    (directory / DESCRIPTION).write_text(_description(contents, *hashes))


def _golden(directory: Path) -> None:
    """Scores before calibration, as pipeline.scoring.check expects them."""
    texts = [msgspec.json.decode(line, type=GoldenText) for line in GOLDEN_TEXTS.read_bytes().splitlines()]
    model = Model.load(directory)
    scored = [model.probabilities(model.windows(each.text).rows).max(axis=0) for each in texts]
    lines = (
        json.dumps({"text": each.text, "scores": dict(zip(LABELS, row.round(DECIMALS).tolist(), strict=True))}, ensure_ascii=False)
        for each, row in zip(texts, scored, strict=True)
    )
    (directory / GOLDEN).write_text("".join(f"{line}\n" for line in lines))


def _description(contents: Contents, tokenizer: str, model: str) -> str:
    """bundle.toml."""
    return f"""# Made by `sluice train`. Keys are described in pipeline/scoring/bundle.py, what the bundle can and cannot do in README.md.

name = "{contents.name}"
version = "{contents.version}"
licence = "{LICENCE}"

labels = {_list(LABELS)}
languages = {_list(contents.languages)}
labelled_languages = {_list(contents.labelled)}

[text]
normalisation = "{TEXT_FORM.normalisation.value}"
max_characters = {TEXT_FORM.max_characters}    # bounds the tokeniser's time on hostile text; the windows end earlier in most languages

[tokenizer]
sha256 = "{tokenizer}"
pad_id = {PAD}
max_tokens = {MAX_TOKENS}
max_windows = {MAX_WINDOWS}
window_overlap = {OVERLAP}

[model]
sha256 = "{model}"
output = "{OUTPUT}"
activation = "none"
columns = {_list(LABELS)}
batch_size = {BATCH}

{_calibration(contents.calibration)}{_cascade(contents.cascade)}"""


def _list(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _calibration(form: CalibrationForm) -> str:
    parts = ["# Fitted on dev rows. `aligned`: no labelled rows, only brought to the height of ordinary text elsewhere; not calibrated."]
    parts.append(f'[calibration]\nmethod = "{form.method.value}"\n')
    if form.default:
        parts.append("[calibration.default]\n" + _platt(form.default))
    for kind, tables in (("languages", form.languages), ("aligned", form.aligned)):
        parts.extend(f"[calibration.{kind}.{language}]\n{_platt(table)}" for language, table in tables.items())
    return "\n".join(parts)


def _platt(table: PlattByLabel) -> str:
    return "".join(f"{label} = {{ a = {curve.a}, b = {curve.b} }}\n" for label, curve in table.items())


def _cascade(form: CascadeForm | None) -> str:
    if form is None:
        return ""
    tables = "\n".join(f"[cascade.settle_below.{language}]\n{_numbers(table)}" for language, table in form.settle_below.items())
    return f'\n[cascade]\nfast = "{form.fast}"\nfast_version = "{form.fast_version}"\n\n{tables}'


def _numbers(table: Mapping[str, float]) -> str:
    return "".join(f"{label} = {value}\n" for label, value in table.items())
