"""Each alert has a page that somebody can follow at three in the morning."""

from __future__ import annotations

import re

import pytest

from tests.ops.made import ALERTS
from tests.support.java import ROOT

FOLDER = ROOT / "docs" / "runbooks"
HEADINGS = ["What it means", "What users feel", "First three commands", "What to do", "How to undo"]
PAGES = {alert.runbook for alert in ALERTS}


def test_there_is_a_page_for_each_alert_and_none_besides() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*PAGES, "README"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_says_what_is_needed(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.M) == HEADINGS
    assert all(f"`{alert.alert}`" in text for alert in ALERTS if alert.runbook == page)
    commands = re.search(r"## First three commands\n\n```sh\n(.*?)```", text, re.S)
    assert commands
    lines = commands[1].strip().split("\n")
    assert len(lines) == 3
    assert all(line.startswith("sluice ") and " # " in line for line in lines)


def test_operations_leads_there() -> None:
    assert "runbooks/README.md" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
