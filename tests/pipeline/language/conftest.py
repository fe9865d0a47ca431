"""Both identifiers are loaded once for all tests of language."""

from __future__ import annotations

import pytest

from pipeline.language.identify import Identifier


@pytest.fixture(scope="session")
def identifier() -> Identifier:
    """With the calibration that is shipped."""
    return Identifier()
