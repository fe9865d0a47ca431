"""`sluice train` from a small sample to two bundles that a worker would start with, and on again after an interruption."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.cli.main import application
from pipeline.config import ConfigError
from pipeline.scoring.bundle import read_bundle
from pipeline.scoring.check import check
from pipeline.scoring.training import steps
from pipeline.scoring.training.recipe import read_recipe

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


def test_another_recipe_needs_another_folder(trained: Path) -> None:
    order = steps.Order(SAMPLE, trained / "other", read_recipe(SAMPLE / "recipe.toml"), b"changed", "")
    with pytest.raises(ConfigError, match="another recipe or other data"):
        steps.train(order, trained / "work", lambda _: None)
