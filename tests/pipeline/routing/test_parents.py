"""What a post answers, when a later revision does not say it, or its first one is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.records import PostKind
from tests.pipeline.routing.posts import post
from tests.pipeline.routing.snapshots import shown, snapshot

GONE = {"revision": 2, "kind": PostKind.DELETED, "text": None}
EDIT = {"revision": 2, "kind": PostKind.EDITED, "text": "new"}


@pytest.mark.parametrize("changes", [GONE, EDIT], ids=["deleted", "edited"])
def test_a_later_revision_without_a_parent_leaves_a_broken_chain_broken(changes: dict[str, Any]) -> None:
    chain = [post("p2", parent_id="p1"), post("p3", parent_id="p2"), post("p2", **changes), post("p4", parent_id="p3")]
    result = snapshot(*chain)
    assert (shown(result), result.context.complete, result.context.missing) == (["p2", "p3"], False, ("p1",))


@pytest.mark.parametrize("changes", [GONE, EDIT], ids=["deleted", "edited"])
def test_a_later_revision_without_a_parent_leaves_what_it_answered_in_sight(changes: dict[str, Any]) -> None:
    others = [post(f"other-{number}") for number in range(30)]
    result = snapshot(post("root"), post("mid", parent_id="root"), *others, post("mid", **changes), post("q", parent_id="mid"))
    assert {"root", "mid"} <= set(shown(result))
    assert result.context.complete


def test_an_edit_without_a_parent_is_shown_with_what_the_post_answered() -> None:
    others = [post(f"other-{number}") for number in range(30)]
    assert "root" in shown(snapshot(post("root"), *others, post("mid", parent_id="root"), post("mid", **EDIT)))


def test_an_edit_may_name_another_parent() -> None:
    result = snapshot(post("a", parent_id="gone"), post("b"), post("a", parent_id="b", **EDIT), post("c", parent_id="a"))
    assert (shown(result), result.context.complete) == (["a", "b"], True)


@pytest.mark.parametrize(
    "changes", [GONE, EDIT, {"kind": PostKind.DELETED}, {"revision": 2}], ids=["deleted", "edited", "deleted at once", "created anew"]
)
def test_of_an_unknown_post_nobody_knows_what_it_answers(changes: dict[str, Any]) -> None:
    """Its creation was forgotten, or came before the history that a restart reads."""
    result = snapshot(post("a"), post("mid", **changes), post("q", parent_id="mid"))
    assert (shown(result), result.context.complete, result.context.missing) == (["a", "mid"], False, ("mid",))


def test_of_an_edit_of_an_unknown_post_neither() -> None:
    result = snapshot(post("a"), post("mid", **EDIT))
    assert (shown(result), result.context.complete, result.context.missing) == (["a"], False, ("mid",))


def test_what_an_unknown_post_answers_is_known_once_a_revision_says_it() -> None:
    again = post("mid", revision=3, kind=PostKind.EDITED, parent_id="a")
    result = snapshot(post("a"), post("mid", **EDIT), again, post("q", parent_id="mid"))
    assert (shown(result), result.context.complete) == (["a", "mid"], True)
