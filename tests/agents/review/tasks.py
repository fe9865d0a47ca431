"""Review tasks to look at."""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec.structs import replace

from pipeline.routing.digest import digest_of
from schemas.people import TaskEvent, TaskEventKind
from schemas.records import Context, ContextPost, Language, PostKind, ReviewPost, ReviewTask

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
CHAT = (
    ContextPost(post_id="p1", speaker="A", created_at=NOW, kind=PostKind.CREATED, text="is dit nog te koop?"),
    ContextPost(post_id="p2", speaker="B", created_at=NOW, kind=PostKind.EDITED, text="ja hoor"),
)


def task(task_id: str = "t1", **changes: Any) -> ReviewTask:
    """A Dutch post with the two before it; `text`, `thread`, `missing` and fields of the task can be changed."""
    thread, missing = changes.pop("thread", CHAT), changes.pop("missing", ())
    post = ReviewPost(
        post_id=changes.pop("post_id", f"post-{task_id}"),
        revision=1,
        kind=PostKind.CREATED,
        speaker="B",
        market="BE",
        created_at=NOW,
        text=changes.pop("text", "rot op, oplichter"),
        media=changes.pop("media", ()),
    )
    context = Context(complete=not missing, digest="", thread=thread, missing=missing)
    fields: dict[str, Any] = {
        "task_id": task_id, "case_id": f"case-{task_id}", "post": post, "context": replace(context, digest=digest_of(post, context)),
        "language": Language(tag="nl", confidence=0.97), "region": "dutch", "out_of_language": False, "priority": 40, "attempt": 1,
        "created_at": NOW, "due_at": NOW + dt.timedelta(hours=3), "labels": ("insult",),
    }  # fmt: skip
    return ReviewTask(**(fields | changes))


def event(kind: TaskEventKind, task_id: str = "t1", reviewer: str | None = None, number: int = 0) -> TaskEvent:
    """Something that happens to a task."""
    return TaskEvent(
        event_id=f"{kind.value}-{task_id}-{reviewer}-{number}",
        task_id=task_id,
        post_id=f"post-{task_id}",
        kind=kind,
        at=NOW,
        reviewer=reviewer,
    )
