"""Reads the data files in cases/: a JSON object per line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("cases")


def read(name: str) -> list[dict[str, Any]]:
    """Every case of a file."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
