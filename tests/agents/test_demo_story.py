"""The demo's people, from the first task to the last check, without Kafka."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from agents.demo.checks import Check, checks, print_checks
from agents.demo.people import end_of, leaves
from agents.demo.rules import CLOSING
from agents.demo.summary import print_summary
from schemas.people import NoticeKind, Outcome
from schemas.records import Action, Automation, ReviewTask
from tests.agents.demo_cases import CALM, DUTCH, REMOVED, Cases


@pytest.fixture
def played(tmp_path: Path) -> Cases:
    cases = Cases(tmp_path)
    cases.route()
    cases.act()
    cases.close_the_region()
    return cases


def found(cases: Cases) -> list[Check]:
    return list(checks(cases.posts, cases.story))


def failing(cases: Cases) -> list[str]:
    return [check.words.split(":")[0] for check in found(cases) if not check.fine]


def test_everything_is_told_and_adds_up(played: Cases) -> None:
    story = played.story
    assert story.over(played.world.now)
    assert not failing(played)
    assert len(story.seen.first) == DUTCH + REMOVED + CALM
    said = Console(file=io.StringIO(), width=100)
    print_summary(said, story)
    assert print_checks(found(played), said)
    shown = said.file.getvalue()  # type: ignore[attr-defined]
    for words in ("restore by people, supersedes", "another person has looked", "marked out of language", "the task is no longer open"):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_every_verdict_is_by_somebody_who_is_called_simulated_and_says_so_of_its_tool(played: Cases) -> None:
    given = played.story.reviewers.given.values()
    assert {verdict.outcome for verdict in given} >= {Outcome.ALLOW, Outcome.LIMIT, Outcome.REMOVE, Outcome.CANNOT_JUDGE}
    assert all(verdict.reviewer.startswith("simulated-") and verdict.tool == "sluice-demo" for verdict in given)
    assert not [notice for notice in played.story.seen.notices.values() if notice.kind is NoticeKind.VERDICT_REFUSED]


def test_an_appeal_overturns_what_the_machine_removed(played: Cases) -> None:
    appeal = played.story.platform.appeal
    assert appeal is not None
    removed, restored = (each for key, each in sorted(played.story.seen.decisions.items()) if key[0] == appeal.post_id)
    assert (removed.action, removed.automation) == (Action.REMOVE, Automation.FULL)
    assert (restored.action, restored.automation, restored.supersedes) == (Action.RESTORE, Automation.NONE, removed.decision_id)


def test_a_verdict_without_digest_only_limits_until_another_reviewer_confirms(played: Cases) -> None:
    first = played.story.reviewers.undigested
    assert first is not None
    decided = [each for key, each in sorted(played.story.seen.decisions.items()) if key[0] == first.post_id]
    assert [(each.action, each.pending) for each in decided[1:]] == [(Action.LIMIT, True), (Action.REMOVE, False)]
    second = next(each for each in played.story.reviewers.given.values() if decided[2].cause == f"verdict:{each.verdict_id}")
    assert second.reviewer != first.reviewer


def test_the_region_closes_and_no_task_of_it_is_lost(tmp_path: Path) -> None:
    cases = Cases(tmp_path)
    cases.route()
    cases.act()
    before = {task.post.post_id for task in cases.story.seen.open.values()}
    assert len(before) > DUTCH / 4
    assert {task.region for task in cases.story.seen.open.values()} == {CLOSING}
    cases.close_the_region()
    seen = cases.story.seen
    assert not seen.open
    assert {seen.tasks[name].post.post_id for name in seen.ends if leaves(seen, name)} == before
    late = cases.story.reviewers.late
    assert late is not None
    assert [notice.kind for notice in seen.notices.values() if notice.about == late.verdict_id] == [NoticeKind.VERDICT_STALE]


def test_the_table_of_tasks_counts_each_once(played: Cases) -> None:
    seen = played.story.seen
    ends = Counter(end_of(seen.ends.get(name)) for name in seen.tasks)
    assert ends.total() == len(seen.tasks)
    assert ends["moved"] >= sum(leaves(seen, name) for name in seen.ends)


def test_what_does_not_add_up_is_said(played: Cases) -> None:
    seen = played.story.seen
    decided = next(name for name, event in seen.ends.items() if event.reason == "decided" and seen.tasks[name].region != CLOSING)
    receipt = next(
        name for name, notice in seen.notices.items() if notice.kind is NoticeKind.RECEIPT and notice.about in played.story.platform.reports
    )
    event = seen.ends.pop(decided)
    assert failing(played) == ["tasks asked"]
    seen.ends[decided] = event
    notice = seen.notices.pop(receipt)
    assert failing(played) == ["reports"]
    seen.notices[receipt] = notice
    first = seen.first.pop(("calm-0", 1))
    assert failing(played) == ["posts in"]
    seen.first["calm-0", 1] = first
    moved = next(event for name, event in seen.ends.items() if leaves(seen, name))
    lost: ReviewTask = seen.tasks.pop(moved.next_task_id or "")
    assert set(failing(played)) == {"tasks asked", "moved tasks without a successor"}
    seen.tasks[lost.task_id] = lost
    assert not print_checks([Check(fine=False, words="x")], Console(file=io.StringIO()))


def test_a_second_decision_of_the_same_place_is_a_duplicate_and_a_later_one_is_none(played: Cases) -> None:
    seen = played.story.seen
    assert (seen.duplicates, seen.conflicts) == (0, 0)
    assert len(seen.decisions) > len(seen.first)
    again = next(iter(seen.first.values()))
    seen.add(again)
    seen.add(type(again)(**{name: getattr(again, name) for name in again.__struct_fields__}))
    assert (seen.duplicates, seen.conflicts) == (1, 0)
