"""What is wrong with a line that should be a post, in the words of someone who types one."""

from __future__ import annotations

from schemas.records import ID_FORM, MARKET_FORM, PostKind
from schemas.wire import InvalidRecordError, Unreadable

FORMS = {
    "$.post_id": ID_FORM,
    "$.conversation_id": ID_FORM,
    "$.author_id": ID_FORM,
    "$.parent_id": ID_FORM,
    "$.market": MARKET_FORM,
    "$.created_at": "a time with its offset from UTC, such as 2026-11-01T10:00:00Z",
    "$.kind": f"one of {', '.join(kind.value for kind in PostKind)}",
    "$.revision": "a whole number from 1 on",
}
"""By place in the post. docs/producers.md has every field."""

NO_OBJECT = "Expected `object`"
"""How msgspec begins when a line is JSON, but no object."""


def explained(fault: InvalidRecordError) -> str:
    """A sentence that says what is needed."""
    said = str(fault)
    place = said.rpartition(" - at `")[2].removesuffix("`")
    if place in FORMS:
        return f"`{place.removeprefix('$.')}` must be {FORMS[place]}"
    if fault.reason == Unreadable.NOT_JSON or said.startswith(NO_OBJECT):
        return f"{said}; one JSON object per line is needed"
    return said
