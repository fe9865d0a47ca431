from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.review.queue import Queue, Standing
from schemas.people import TaskEvent, TaskEventKind
from schemas.records import Language
from tests.agents.review.tasks import NOW, event, task

CLAIMED, RELEASED, WITHDRAWN, MOVED = TaskEventKind


def ids(queue: Queue) -> list[str]:
    return [each.task_id for each in queue.offered()]


def test_the_most_urgent_comes_first_then_what_is_due_first_and_own_claims_before_all() -> None:
    queue = Queue("me")
    later = NOW + dt.timedelta(hours=9)
    queue.add([task("low", priority=1), task("late", due_at=later), task("soon"), task("mine", priority=0), task("high", priority=90)])
    queue.add([event(CLAIMED, "mine", "me")])
    assert ids(queue) == ["mine", "high", "soon", "late", "low"]


@pytest.mark.parametrize("end", [WITHDRAWN, MOVED])
def test_what_is_withdrawn_or_moved_is_gone_whatever_came_first(end: TaskEventKind) -> None:
    for records in ([task(), event(end)], [event(end), task()], [event(CLAIMED, reviewer="me"), event(end), task(), task()]):
        queue = Queue("me")
        queue.add(records)
        assert (ids(queue), queue.standing("t1")) == ([], Standing.GONE)


def test_the_first_to_claim_has_a_task_until_it_is_released() -> None:
    queue = Queue("me")
    queue.add([event(CLAIMED, reviewer="other"), task(), event(CLAIMED, reviewer="me")])
    assert (queue.standing("t1"), ids(queue), queue.taken()) == (Standing.TAKEN, [], 1)
    queue.add([event(RELEASED, reviewer="stranger")])
    assert queue.standing("t1") is Standing.TAKEN
    queue.add([event(RELEASED, reviewer="me"), event(RELEASED, reviewer="other")])
    assert (queue.standing("t1"), ids(queue), queue.taken()) == (Standing.OPEN, ["t1"], 0)
    queue.add([event(CLAIMED, reviewer="me", number=2)])
    assert queue.standing("t1") is Standing.MINE


def test_who_is_barred_is_not_offered_a_task_and_cannot_hold_one() -> None:
    barred = task(barred_reviewers=("other",))
    other, me = Queue("other"), Queue("me")
    for queue in (other, me):
        queue.add([event(CLAIMED, reviewer="other"), barred])
    assert (ids(other), ids(me)) == ([], ["t1"])


def test_what_this_reviewer_has_decided_is_not_offered_again() -> None:
    queue = Queue("me")
    queue.add([task()])
    queue.decided("t1")
    queue.add([task()])
    assert ids(queue) == []


def test_languages_choose_and_what_has_none_is_for_all() -> None:
    tags = {"nl": (), "de": (), "und": (), "ms": ("id",)}
    tasks = [task(tag, language=Language(tag=tag, confidence=0.9, alternatives=others)) for tag, others in tags.items()]
    queue, all_languages = Queue("me", ["nl", "id"]), Queue("me")
    queue.add(tasks)
    all_languages.add(tasks)
    assert (sorted(ids(queue)), queue.in_other_languages) == (["ms", "nl", "und"], 1)
    assert (sorted(ids(all_languages)), all_languages.in_other_languages) == (["de", "ms", "nl", "und"], 0)


_events = st.builds(event, st.sampled_from(TaskEventKind), st.sampled_from(["t1", "t2"]), st.sampled_from(["me", "other"]))


@given(st.lists(_events, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_it_does_not_matter_when_tasks_arrive_between_their_events(events: list[TaskEvent], first: int, second: int) -> None:
    late, early = Queue("me"), Queue("me")
    early.add([task("t1"), task("t2"), *events])
    mixed = [*events]
    mixed.insert(min(first, len(mixed)), task("t1"))  # type: ignore[arg-type]
    mixed.insert(min(second, len(mixed)), task("t2"))  # type: ignore[arg-type]
    late.add(mixed)
    assert ids(late) == ids(early)
    assert [late.standing(each) for each in ("t1", "t2")] == [early.standing(each) for each in ("t1", "t2")]
