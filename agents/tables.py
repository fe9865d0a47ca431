"""Parts of pages that are made from the tables in the code: each stands in its page between two marks."""

from __future__ import annotations

from pathlib import Path

from agents.rights import rows
from agents.settings import PACKAGED
from schemas.rights import Names, roles
from schemas.topics import (
    APPEALS,
    CASE_FILES,
    CASE_STATE,
    CASES,
    DAY_MS,
    DEAD_LETTERS,
    DECISIONS,
    ENFORCEMENTS,
    ERASURES,
    NOTICES,
    POSTS_INCOMING,
    POSTS_LANGUAGE,
    POSTS_SCORED,
    REPORTS,
    REVIEW,
    TASK_EVENTS,
    TOPICS,
    VERDICTS,
    Topic,
)

ROOT = PACKAGED.parent
ANY_REGION = "region"
"""Stands for a region's name in the table of rights."""

PERSONAL = {
    POSTS_INCOMING: "text, author's pseudonym",
    POSTS_LANGUAGE: "text, author's pseudonym",
    POSTS_SCORED: "text, author's pseudonym",
    DECISIONS: "none but the post's id",
    REVIEW: "text of the post and of its conversation; no author",
    CASES: "text of the post and of its conversation; no author",
    TASK_EVENTS: "reviewers' pseudonyms",
    VERDICTS: "reviewers' pseudonyms",
    APPEALS: "what the author or reporter says",
    REPORTS: "reporter's pseudonym, what the reporter says; the post with its author's pseudonym where a snapshot is sent",
    ENFORCEMENTS: "none but the post's id",
    ERASURES: "none but the post's id, and the reason that was given",
    CASE_STATE: "pseudonyms of reviewers and reporters; for up to 24 hours whole reports and appeals on what is not known yet",
    CASE_FILES: "text of the post and of its conversation; no author",
    NOTICES: "reporters' and reviewers' pseudonyms",
    DEAD_LETTERS: "whatever was in the record that could not be read",
}
"""What each topic holds of people."""


def documents() -> dict[Path, str]:
    """The pages with such parts, by their path from the repository's root."""
    return {
        Path("docs/security.md"): spliced(Path("docs/security.md"), "rights", rights_table()),
        Path("docs/privacy.md"): spliced(Path("docs/privacy.md"), "retention", retention_table()),
    }


def spliced(page: Path, name: str, content: str) -> str:
    """The page with `content` between the marks of `name`. ValueError if it has no such marks."""
    begin, end = f"<!-- {name}: made by `python -m agents.docs` -->\n", f"<!-- end of {name} -->\n"
    text = (ROOT / page).read_text(encoding="utf-8")
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page} has no part between {begin!r} and {end!r}")
    return head + begin + content + end + tail


def rights_table() -> str:
    """Who may do what, with one region for all."""
    found = rows(roles(Names("", "sluice", (ANY_REGION,))))
    cells = (tuple(_any_region(cell) for cell in row) for row in found)
    lines = (f"| {role} | {may} | {kind} | {', '.join(f'`{name}`' for name in names.split(', '))} |\n" for role, may, kind, names in cells)
    return "| role | may | on | names |\n|---|---|---|---|\n" + "".join(lines)


def _any_region(cell: str) -> str:
    return cell.replace(f"review.{ANY_REGION}", "review.REGION").replace(f"review-{ANY_REGION}", "review-REGION")


def retention_table() -> str:
    """What each topic holds of people, and for how long."""
    lines = (f"| `{topic.name}` | {PERSONAL[topic]} | {kept(topic)} | {', '.join(topic.read_by)} |\n" for topic in TOPICS)
    return "| topic | holds of people | kept | read by |\n|---|---|---|---|\n" + "".join(lines)


def kept(topic: Topic) -> str:
    """For how long, in words."""
    days = topic.retention_ms // DAY_MS
    return f"until its tombstone, which stays {days} days" if topic.compacted else f"{days} days"
