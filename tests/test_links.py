"""Every relative link in a page leads to a file, and to a heading where it names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MADE_HERE = {"build", "data", "dist"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") or part in MADE_HERE for part in path.relative_to(ROOT).parts)
)

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.M)
FILE = re.compile(r"`(?:\.venv/bin/pytest )?((?:agents|pipeline|schemas|tests|docs|deploy)/[\w./-]+)`")
ELSEWHERE = re.compile(r"[a-z]+:")


def links(page: Path) -> list[str]:
    """Targets of the links to places in this project."""
    return [target for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))) if not ELSEWHERE.match(target)]


def anchors(page: Path) -> set[str]:
    """What code hosts make of headings: small letters, blanks become hyphens, other signs go."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages_with_links() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "README.md"} <= set(PAGES)
    assert sum(len(links(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.relative_to(ROOT)} links to {target}: there is no such file"
        assert found.is_relative_to(ROOT), f"{page.relative_to(ROOT)} links to {target}, which is outside the project"
        if anchor:
            assert anchor in anchors(found), f"{page.relative_to(ROOT)} links to {target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for name in FILE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names `{name}`: there is no such file"
