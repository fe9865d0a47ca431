"""What the demo's summary counts, and which tasks it shows."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import pytest
from rich.console import Console

from agents.demo.broker import free_ports
from agents.demo.summary import Outcome, chosen_tasks, decisions_table, notes, outcome, task_panel
from schemas.records import Decision, ReviewTask
from schemas.wire import decoder
from tests.agents.cli.test_lines import DECISION, TASK
from tests.support.kafka import free_ports as unused

SCORE = [{"rule": "insult-review", "label": "insult", "probability": 0.9, "threshold": 0.7}]
VULGAR = [*SCORE, {"rule": "profanity-review", "label": "profanity", "probability": 0.95, "threshold": 0.9}]
SAMPLED = [{"rule": "media"}]


def decision(**changes: Any) -> Decision:
    return decoder(Decision)(json.dumps({**DECISION, "pending": False, "action": "allow", "reasons": [], **changes}).encode())


def task(name: str, language: str, reasons: list[dict[str, Any]], priority: int = 50) -> ReviewTask:
    changes = {"task_id": name, "language": {"tag": language, "confidence": 1}, "reasons": reasons, "priority": priority}
    return decoder(ReviewTask)(json.dumps({**TASK, **changes}).encode())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Outcome.ALLOWED),
        ({"action": "limit"}, Outcome.LIMITED),
        ({"action": "remove", "reasons": SCORE}, Outcome.REMOVED),
        ({"pending": True, "reasons": SCORE}, Outcome.SCORED),
        ({"pending": True, "reasons": SAMPLED}, Outcome.UNASSESSED),
    ],
)
def test_what_became_of_a_post(changes: dict[str, Any], expected: Outcome) -> None:
    assert outcome(decision(**changes)) is expected


def test_the_table_has_a_column_for_what_happened() -> None:
    table = decisions_table([decision(), decision(pending=True, reasons=SCORE)])
    assert [column.header for column in table.columns] == ["language", "posts", "allowed", "to people: score"]
    assert [list(column.cells)[-1] for column in table.columns] == ["all", "2", "1", "1"]


def test_deletions_and_the_absence_of_removals_are_said() -> None:
    judged = [decision(policy_version="default@1")]
    assert list(notes([*judged, decision(kind="deleted")], judged)) == [
        "2 decisions: of these 1 are deletions, which are passed on and not judged",
        "the machine removed nothing: it removes only where labelled posts show that it seldom errs; `sluice policy explain` says where",
    ]
    removed = [decision(action="remove")]
    assert list(notes(removed, removed)) == []


@pytest.mark.parametrize(
    ("tasks", "shown"),
    [
        (
            [task("media", "nl", SAMPLED), task("rude", "nl", VULGAR, 1), task("grave", "nl", SCORE, 9), task("mild", "en", SCORE)],
            "grave mild",
        ),
        ([task("nl", "nl", SAMPLED), task("de", "de", SCORE), task("en", "en", SCORE)], "en nl"),
        ([task("a", "fr", SCORE, 3), task("b", "fr", SCORE, 2)], "b"),
        ([], ""),
    ],
)
def test_the_tasks_that_are_shown(tasks: list[ReviewTask], shown: str) -> None:
    assert [each.task_id for each in chosen_tasks(tasks)] == shown.split()


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
    assert "words that speak for it (fast@1): idiot" in shown
