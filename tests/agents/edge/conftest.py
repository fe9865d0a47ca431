"""What several of these tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.edge.unconnected import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A consumer that is not connected."""
    return Bench(tmp_path)
