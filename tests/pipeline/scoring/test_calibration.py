from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.bundle import Bundle, read_bundle
from pipeline.scoring.calibration import Calibration
from pipeline.scoring.facts import facts_of
from pipeline.scoring.model import Model
from tests.support.tiny_model import LABELS, graph_with_probabilities, write_bundle

TOXIC, HATE = LABELS.index("toxic"), LABELS.index("hate")

PLATT: dict[str, Any] = {
    "method": "platt",
    "default": {"hate": {"a": 2.0, "b": 0.0}},
    "languages": {"nl": {"toxic": {"a": 1.0, "b": 1.0}}, "en": {"hate": {"a": 0.5, "b": -1.0}}},
    "aligned": {"de": {"toxic": {"a": 1.0, "b": -1.0}}},
}


@pytest.fixture(scope="module")
def platt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("platt"), graph_with_probabilities(), {"calibration": PLATT})


@pytest.fixture(scope="module")
def bundle(platt: Path) -> Bundle:
    return read_bundle(platt)


@pytest.mark.parametrize(
    ("language", "label", "calibrated"),
    [
        ("nl", TOXIC, 0.475367),  # logit(0.25) + 1
        ("nl", HATE, 0.1),  # not in the table of nl, so by default: odds 1/3 squared
        ("en", HATE, 0.175187),  # logit(0.25) / 2 - 1
        ("en", TOXIC, 0.25),  # neither in the table of en nor in the default: as it is
        ("de", TOXIC, 0.109232),  # logit(0.25) - 1
        ("tr", HATE, 0.1),
        ("tr", TOXIC, 0.25),
    ],
)
def test_platt_per_language_and_label(bundle: Bundle, language: str, label: int, calibrated: float) -> None:
    rows = Calibration(bundle).apply(np.full((2, len(LABELS)), 0.25), ["fr", language])
    assert rows[1, label] == pytest.approx(calibrated, abs=1e-6)


def test_covers_the_languages_that_have_a_table(bundle: Bundle) -> None:
    calibration = Calibration(bundle)
    assert [calibration.covers(tag) for tag in ("nl", "en", "de", "tr", "other")] == [True, True, False, False, False]


def test_what_policies_must_know_of_a_bundle(bundle: Bundle) -> None:
    facts = facts_of(bundle)
    assert (facts.version, facts.labels, facts.languages) == (bundle.model_version, bundle.labels, bundle.languages)
    assert set(facts.uncalibrated) == set(bundle.languages) - {"nl", "en"}


MS, ID, NL = ({"toxic": {"a": 1.0, "b": b}} for b in (1.0, -1.0, 0.5))


@pytest.mark.parametrize(
    ("languages", "aligned", "table"),
    [
        ({"ms": MS, "nl": NL}, {"id": ID}, MS),
        ({"id": ID, "nl": NL}, {"ms": MS}, ID),
        ({"ms": MS, "id": ID}, {}, ID),
        ({"nl": NL}, {"ms": MS, "id": ID}, ID),
        ({"ms": MS}, {}, MS),
        ({"nl": NL}, {}, {}),
    ],
    ids=["fitted before aligned", "whichever it is", "two: the first of the alphabet", "two aligned ones", "only one", "none"],
)
def test_malay_and_indonesian_have_one_table(tmp_path: Path, languages: dict[str, Any], aligned: dict[str, Any], table: Any) -> None:
    form = {"method": "platt", "languages": {"nl": NL, **languages}, "aligned": aligned}
    calibration = Calibration(read_bundle(write_bundle(tmp_path, graph_with_probabilities(), {"calibration": form})))
    ms, id_, nl = calibration.apply(np.full((3, len(LABELS)), 0.5), ["ms", "id", "nl"])[:, TOXIC]
    assert ms == id_ == pytest.approx(1 / (1 + np.exp(-table["toxic"]["b"])) if table else 0.5)
    assert nl == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert [calibration.covers(tag) for tag in ("ms", "id")] == [{"ms", "id"} <= languages.keys()] * 2


def test_no_calibration_changes_nothing_and_lacks_nothing(tiny: Model) -> None:
    row = np.linspace(0, 1, len(LABELS))[None]
    assert tiny.calibration.apply(row, ["nl"]).tolist() == row.tolist()
    assert tiny.calibration.covers("nl")
    assert tiny.calibration.covers("other")


def test_no_texts(bundle: Bundle) -> None:
    assert Calibration(bundle).apply(np.empty((0, len(LABELS))), []).shape == (0, len(LABELS))


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0]), min_size=2, max_size=20), st.sampled_from(["nl", "en", "tr"]))
def test_stays_a_probability_and_keeps_the_order(bundle: Bundle, values: list[float], language: str) -> None:
    column = np.sort(np.array(values))
    with np.errstate(all="raise"):
        calibrated = Calibration(bundle).apply(np.repeat(column[:, None], len(LABELS), axis=1), [language] * len(column))
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    assert (np.diff(calibrated, axis=0) >= -1e-12).all()


def test_a_loaded_bundle_gives_calibrated_scores(platt: Path) -> None:
    model = Model.load(platt)
    nl, tr = model.score(["five words of which toxic", "five words of which toxic"], ["nl", "tr"])
    assert (nl.probabilities["toxic"], tr.probabilities["toxic"]) == (0.7311, 0.5)
