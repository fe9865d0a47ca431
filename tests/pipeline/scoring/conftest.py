from __future__ import annotations

from pathlib import Path

import pytest

import pipeline
from pipeline.scoring.model import Model
from tests.support.tiny_model import build_tiny_bundle

DEFAULT_BUNDLE = Path(pipeline.__file__).parent / "models" / "default"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model.load(build_tiny_bundle(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def default() -> Model:
    return Model.load(DEFAULT_BUNDLE)
