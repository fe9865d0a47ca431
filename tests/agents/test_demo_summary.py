"""What the demo's summary counts, and which tasks it shows."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import pytest
from rich.console import Console

from agents.demo.broker import free_ports
from agents.demo.play import latency
from agents.demo.summary import Outcome, chosen_tasks, decisions_table, notes, outcome, suspected, task_panel
from schemas.records import Decision, ReviewTask
from schemas.wire import decoder
from tests.agents.cli.test_lines import DECISION, TASK
from tests.support.kafka import free_ports as unused

SCORE = [{"rule": "insult-review", "label": "insult", "probability": 0.9, "threshold": 0.7}]
SAMPLED = [{"rule": "media"}]


def decision(**changes: Any) -> Decision:
    plain = {"pending": False, "action": "allow", "reasons": [], "automation": "full"}
    return decoder(Decision)(json.dumps({**DECISION, **plain, **changes}).encode())


def by_revision(*decisions: Decision) -> dict[tuple[str, int], Decision]:
    return {(each.post_id, each.revision): each for each in decisions}


def task(name: str, language: str, labels: list[str], priority: int = 50) -> ReviewTask:
    changes = {"task_id": name, "language": {"tag": language, "confidence": 1}, "labels": labels, "priority": priority}
    return decoder(ReviewTask)(json.dumps({**TASK, **changes, "post": {**TASK["post"], "post_id": name}}).encode())  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Outcome.ALLOWED),
        ({"action": "limit"}, Outcome.LIMITED),
        ({"action": "remove", "reasons": SCORE}, Outcome.REMOVED),
        ({"automation": "none"}, Outcome.PEOPLE_ALLOWED),
        ({"automation": "none", "action": "remove"}, Outcome.PEOPLE_REMOVED),
        ({"automation": "none", "action": "restore"}, Outcome.RESTORED),
        ({"automation": "partial", "pending": True, "reasons": SCORE}, Outcome.WAITING),
        ({"automation": "none", "action": "limit", "pending": True}, Outcome.WAITING),
    ],
)
def test_what_became_of_a_revision(changes: dict[str, Any], expected: Outcome) -> None:
    assert outcome(decision(**changes), {}) is expected


def test_an_author_can_be_faster_than_people() -> None:
    waits, gone = decision(pending=True), decision(revision=3, kind="deleted")
    assert outcome(waits, by_revision(waits, gone)) is Outcome.OVERTAKEN


def test_the_table_has_a_column_for_what_happened_and_leaves_out_deletions() -> None:
    table = decisions_table(by_revision(decision(), decision(revision=3, pending=True), decision(revision=4, kind="deleted")))
    assert [column.header for column in table.columns] == ["language", "posts", "machine\nallowed", "author\nwas faster"]
    assert [list(column.cells)[-1] for column in table.columns] == ["all", "2", "1", "1"]


def test_deletions_and_the_policy_of_the_demo_are_said() -> None:
    said = list(
        notes(by_revision(decision(policy_version="demo-never-use@1"), decision(revision=3, kind="deleted", policy_version="other@1")))
    )
    assert said[0] == "of 2 revisions 1 are deletions, which are passed on and not judged"
    assert said[1].startswith("by the policy demo-never-use@1, other@1, made for this demo: it lets the machine remove")


def test_posts_are_suspected_for_a_label_and_not_when_they_are_drawn_or_decided() -> None:
    first = by_revision(
        decision(post_id="scored", pending=True, reasons=SCORE), decision(post_id="drawn", pending=True, reasons=SAMPLED), decision()
    )
    assert suspected(first) == {"scored": 0.9}


@pytest.mark.parametrize(
    ("tasks", "shown"),
    [
        (
            [
                task("drawn-media", "nl", ["insult"]),
                task("rude", "nl", ["insult", "profanity"], 1),
                task("grave", "nl", ["insult"], 9),
                task("rude-en", "en", ["sexual"], 1),
                task("mild", "en", ["insult"], 2),
            ],
            "mild grave",
        ),
        ([task("unsure-en", "en", ["insult"]), task("nl", "nl", ["insult"]), task("tr", "tr", ["insult"])], "nl tr"),
        ([task("drawn-nl", "nl", ["spam"]), task("de", "de", ["insult"]), task("en", "en", ["insult"])], "en drawn-nl"),
        ([task("a", "fr", ["insult"], 3), task("b", "fr", ["insult"], 2)], "b"),
        ([], ""),
    ],
)
def test_the_tasks_that_are_shown(tasks: list[ReviewTask], shown: str) -> None:
    asked = {each.post.post_id: 0.89 if "unsure" in each.task_id else 0.9 for each in tasks if not each.task_id.startswith("drawn")}
    assert [each.task_id for each in chosen_tasks(tasks, asked)] == shown.split()


def test_latency_is_that_of_half_and_of_nearly_all() -> None:
    times = [decision(received_at="2026-11-23T16:05:09Z", decided_at=f"2026-11-23T16:05:09.{ms:03}Z") for ms in range(1, 100)]
    assert latency(times) == "p50 50 ms, p99 98 ms"
    assert latency(times[:1]) == "not measured"


def test_ports_that_are_taken_are_passed_over() -> None:
    (first,) = unused(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert free_ports("127.0.0.1", first) > first
    assert free_ports("127.0.0.1", 0) == 0


def test_a_task_is_shown_with_the_words_that_speak_for_it() -> None:
    words = [{"start": 4, "end": 9, "label": "insult", "drop": 0.5}]
    changes = {"post": {**TASK["post"], "text": "you idiot"}, "highlights": words, "highlighted_by": "fast@1"}  # type: ignore[dict-item]
    console = Console(file=io.StringIO(), width=100)
    console.print(task_panel(decoder(ReviewTask)(json.dumps({**TASK, **changes}).encode())))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "A  you idiot" in shown
    assert "words that made the machine ask (fast@1): idiot" in shown
