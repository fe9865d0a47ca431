"""The bundles that the project ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.scoring.check import check, load_scorer, load_verified, read_golden
from pipeline.scoring.model import Model
from tests.pipeline.scoring.conftest import DEFAULT_BUNDLE
from tests.support.tiny_model import LABELS

SHIPPED = sorted(path.parent for path in DEFAULT_BUNDLE.parent.glob("*/bundle.toml"))


@pytest.mark.parametrize("bundle", SHIPPED, ids=lambda path: path.name)
def test_passes_every_check(bundle: Path) -> None:
    assert [finding for finding in check(bundle) if not finding.ok] == []


@pytest.mark.parametrize("bundle", SHIPPED, ids=lambda path: path.name)
def test_gives_its_golden_scores_here(bundle: Path) -> None:
    model = load_verified(bundle)
    assert model.bundle.labels == LABELS
    assert read_golden(bundle, model.bundle)


def test_the_default_bundle_loads_with_its_tiers() -> None:
    assert load_scorer(DEFAULT_BUNDLE).model_version


@pytest.mark.parametrize(
    ("language", "mild", "insulting"),
    [
        ("en", "The library opens at nine on Saturdays.", "Shut your mouth, you stupid idiot."),
        ("nl", "De bibliotheek gaat zaterdag om negen uur open.", "Hou je bek, stomme idioot."),
        ("de", "Die Bibliothek öffnet samstags um neun Uhr.", "Halt die Fresse, du dummer Idiot."),
        ("fr", "La bibliothèque ouvre à neuf heures le samedi.", "Ferme ta gueule, espèce d'imbécile."),
        ("es", "La biblioteca abre a las nueve los sábados.", "Cállate la boca, estúpido idiota."),
        ("pt", "A biblioteca abre às nove aos sábados.", "Cala a boca, seu idiota imbecil."),
        ("tr", "Kütüphane cumartesi günü dokuzda açılıyor.", "Kapa çeneni, aptal herif."),
        ("zh", "图书馆星期六九点开门。", "闭嘴，你这个蠢货。"),
    ],
)
def test_ranks_an_insult_above_a_mild_sentence(default: Model, language: str, mild: str, insulting: str) -> None:
    low, high = default.score([mild, insulting], [language, language])
    assert low.probabilities["toxic"] + 0.2 < high.probabilities["toxic"]


@pytest.mark.parametrize("bundle", SHIPPED, ids=lambda path: path.name)
def test_is_calibrated_where_it_had_labelled_rows_and_only_there(bundle: Path) -> None:
    model = Model.load(bundle)
    assert model.calibration.covers("en")
    assert not model.calibration.covers("nl")
    assert {"en", "de", "pt", "tr", "zh"} <= set(model.bundle.labelled_languages)
