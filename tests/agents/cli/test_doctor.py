from __future__ import annotations

import pytest

from agents.doctor import Finding, Level, judge_group
from agents.edge.reader import Span
from tests.agents.cli.commands import sluice

SPANS = {0: Span(100, 200), 1: Span(0, 0), 2: Span(0, 50)}


@pytest.mark.parametrize(
    ("workers", "committed", "level", "said"),
    [
        (2, {0: 200, 1: 0, 2: 50}, Level.OK, "2 workers, 0 records wait"),
        (1, {0: 190}, Level.OK, "1 worker, 60 records wait"),
        (None, {}, Level.OK, "workers unknown, 150 records wait"),
        (0, {0: 200}, Level.WARN, "no worker runs it, 50 records wait: start one with `sluice worker --stages language`"),
        (1, {0: 99}, Level.FAIL, "its position in 1 of 3 partitions is outside what the topic holds: posts are gone unread"),
        (0, {2: 51}, Level.FAIL, "its position in 1 of 3 partitions is outside what the topic holds"),
    ],
)
def test_a_stage_is_judged_by_its_workers_and_its_position(workers: int | None, committed: dict[int, int], level: Level, said: str) -> None:
    found = judge_group("language", workers, committed, SPANS, "sluice worker --stages language")
    assert (found.level, found.name) == (level, "stage language")
    assert found.sentence.startswith(said)


def test_a_stage_that_is_far_behind_is_named() -> None:
    found = judge_group("scoring", 1, {0: 5}, {0: Span(0, 10_006)}, "sluice worker --stages scoring")
    assert found == Finding(
        Level.WARN, "stage scoring", "1 worker, 10001 records wait: if that grows, start another `sluice worker --stages scoring`"
    )


def test_without_a_broker_the_rest_is_looked_at_and_the_reason_is_said() -> None:
    result = sluice("doctor", broker="127.0.0.1:1")
    levels = [line.split()[:2] for line in result.stdout.splitlines()]
    assert levels == [["OK", "model"], ["OK", "policy"], ["OK", "regions"], ["FAIL", "broker"]]
    assert "no broker answers at 127.0.0.1:1 (" in result.stdout
    assert "Connection refused" in result.stdout
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_broken_model_and_policy_are_named() -> None:
    result = sluice("doctor", broker="127.0.0.1:1", model="/none", policy="/none.toml")
    model, policy = result.stdout.splitlines()[:2]
    assert model.startswith("FAIL  model")
    assert policy.startswith("FAIL  policy")
    assert "/none/bundle.toml: cannot be read" in model
    assert "/none.toml: cannot be read" in policy
    assert result.exit_code == 1
