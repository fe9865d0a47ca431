"""`sluice train` from a small sample to two bundles that a worker would start with, and on again after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from typer.testing import CliRunner, Result

from agents.cli.main import application
from pipeline.config import ConfigError
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.check import check
from pipeline.scoring.model import Model
from pipeline.scoring.training import accurate, encoder, steps, vocabulary
from pipeline.scoring.training.base import WEIGHTS_FILE, WEIGHTS_PACKAGE, package_file, read_base
from pipeline.scoring.training.encode import encode
from pipeline.scoring.training.encoder import BEGIN, END
from pipeline.scoring.training.recipe import read_recipe
from pipeline.scoring.training.rows import read_directory
from pipeline.scoring.training.work import Record, Work

SAMPLE = Path("tests/data/training")

pytestmark = pytest.mark.timeout(900)  # JAX compiles a step for each length, on whatever else the machine does


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("train")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    assert _train(folder).exit_code == 0
    return folder


def _train(folder: Path, data: Path = SAMPLE) -> Result:
    arguments: Sequence[str] = (
        *("train", "--data", str(data), "--recipe", str(SAMPLE / "recipe.toml"), "--work", str(folder / "work")),
        *("--out", str(folder / "default"), "--plots", str(folder / "plots")),
    )
    return CliRunner().invoke(application(["train"]), arguments)


def test_both_bundles_pass_the_check_of_a_worker(trained: Path) -> None:
    refused = [finding for finding in check(trained / "default") if not finding.ok]
    assert refused == []
    fast = read_bundle(trained / "fast")
    cascade = read_bundle(trained / "default").cascade
    assert cascade is not None
    assert cascade.fast_version == fast.model_version


def test_the_card_names_every_source_that_was_trained_on(trained: Path) -> None:
    card = (trained / "default" / "README.md").read_text()
    for source in ("uds-lsv/GermEval-2018-Data", "coltekin/offensive-turkish", "pemistahl/lingua-py"):
        assert source in card
    texts = json.loads((trained / "work" / "record.json").read_text())["texts_sha256"]
    assert {"templates.toml", "written/nl.tsv", "not_crude.toml", "lexicons/sample.nl.txt"} <= texts.keys()
    assert all(f"- {name}: sha256 {value}" in card for name, value in texts.items())


def test_the_card_says_how_it_takes_disguises_and_sentences_about_groups(trained: Path) -> None:
    for folder in ("default", "fast"):
        card = (trained / folder / "README.md").read_text()
        assert "## Texts in disguise" in card
        assert "## Sentences about groups" in card


def test_words_are_those_of_the_languages_that_the_recipe_names(trained: Path) -> None:
    exchanged = json.loads((trained / "work" / "dictionary.json").read_text())
    assert {source: set(targets) for source, targets in exchanged.items()} == {"en": {"nl"}, "de": {"nl"}, "fr": {"nl"}}


def test_goes_on_with_the_first_step_that_left_no_result(trained: Path) -> None:
    (trained / "work" / "dev-fast.npy").unlink()
    again = _train(trained)
    assert again.exit_code == 0
    made = [line.split(" ")[0] for line in again.stderr.splitlines() if line.endswith(" …")]
    assert made == ["dev-fast.npy"]
    assert (trained / "work" / "answers-run-mixed.npy").exists()  # what a teacher says takes as long as a run


def test_another_recipe_or_a_bundle_to_go_on_from_needs_another_folder(trained: Path) -> None:
    content = (SAMPLE / "recipe.toml").read_bytes()
    for read, start in ((b"changed", None), (content, trained / "default")):
        recipe = read_recipe(SAMPLE / "recipe.toml").model_copy(update={"version": "2"})
        order = steps.Order(SAMPLE, trained / "other", recipe, read, "", start)
        with pytest.raises(ConfigError, match=r"another recipe, other data, .* or another bundle to go on from"):
            steps.train(order, trained / "work", lambda _: None)


def test_goes_on_from_a_bundle_in_place_of_the_first_run(trained: Path, tmp_path: Path) -> None:
    recipe = read_recipe(SAMPLE / "recipe.toml").model_copy(update={"version": "2"})
    start = steps.read_start(trained / "default", recipe)
    base = read_base(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE))
    tokenizer = Tokenizer.from_str(start.tokenizer)
    rows, _ = read_directory(SAMPLE)
    fixed = encoder.frozen(base, vocabulary.ids_of(base.pieces, start.tokenizer))
    material = accurate.Material(rows, tokenizer, base, fixed, {}, {})
    only = {"runs": {"labelled": recipe.accurate.runs["labelled"]}, "average": {"labelled": 1.0}}
    work = Work(tmp_path, Record("", "", [], "", [], start.name), lambda _: None)
    tuned = accurate.train(work, recipe.accurate.model_copy(update=only), recipe.augment, material, None, start.parameters)
    ids = encode(tokenizer, [row.text for row in rows[:4]])
    said = accurate.answering([(tuned, 1.0)], lambda _: None)([[BEGIN, *each[:14], END] for each in ids])
    model = Model.load(trained / "default")
    assert said == pytest.approx(model.probabilities([[BEGIN, *each[:14], END] for each in ids]), abs=0.06)
    assert start.name.startswith("sample-accurate@1 (model.onnx, sha256 ")


def test_what_goes_on_from_a_bundle_needs_another_version(trained: Path) -> None:
    with pytest.raises(ConfigError, match=r"default: is sample-accurate@1, .* the recipe needs another `version`$"):
        steps.read_start(trained / "default", read_recipe(SAMPLE / "recipe.toml"))


def test_a_bundle_with_other_labels_is_none_to_go_on_from(trained: Path, tmp_path: Path) -> None:
    other = shutil.copytree(trained / "default", tmp_path / "other") / "bundle.toml"
    other.write_text(other.read_text().replace("profanity", "vulgar"))
    recipe = read_recipe(SAMPLE / "recipe.toml").model_copy(update={"version": "2"})
    with pytest.raises(ConfigError, match=r"bundle\.toml: `labels` are toxic, .*, vulgar, but a training is of toxic, .*, profanity$"):
        steps.read_start(other.parent, recipe)


def test_a_bundle_with_other_layers_is_none_to_go_on_from() -> None:
    with pytest.raises(ConfigError, match=r"model\.onnx: has 6 layers, but `layers` of `accurate` in the recipe is 1$"):
        steps.read_start(Path("pipeline/models/default"), read_recipe(SAMPLE / "recipe.toml"))
