"""The worked example of docs/reviewers.md is true."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from pipeline.routing.digest import digest_of
from schemas.records import ReviewTask
from schemas.wire import decoder

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reviewers.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The first code of that language in the worked example."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE[PAGE.index("### A worked example") :], re.M | re.S)
    assert found
    return found[1]


def test_the_worked_example_of_the_digest_is_true() -> None:
    task = decoder(ReviewTask)(block("json").encode())
    assert digest_of(task.post, task.context) == task.context.digest
    assert hashlib.sha256(block("text").strip().encode()).hexdigest() == task.context.digest
    assert f"`{task.context.digest}`" in PAGE


def test_the_python_of_the_page_computes_it() -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)
    digest = names["digest"]
    assert callable(digest)
    task = json.loads(block("json"))
    assert digest(task) == task["context"]["digest"]
