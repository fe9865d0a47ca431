"""Which tasks a reviewer is offered. Pure: records in, in the order of their partition; a list out. docs/reviewers.md has the rules."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable

from pipeline.policy.region import speaks
from schemas.people import TaskEvent, TaskEventKind
from schemas.records import Record, ReviewTask


class Standing(enum.Enum):
    """How a task stands with this reviewer."""

    OPEN = "open"
    MINE = "mine"  # claimed by this reviewer
    TAKEN = "taken"  # claimed by another
    GONE = "gone"  # withdrawn, moved, decided by this reviewer, or never there


class Queue:
    """The open tasks of a reviewer's regions. `languages`: those in which tasks are wanted; none named means all.

    A task's events may come before the task, since they lie on another topic.
    """

    def __init__(self, reviewer: str, languages: Collection[str] = ()) -> None:
        self._reviewer = reviewer
        self._languages = frozenset(languages)
        self._tasks: dict[str, ReviewTask] = {}
        self._claims: dict[str, list[str]] = {}
        self._gone: set[str] = set()
        self.in_other_languages = 0
        """Open tasks that are not offered because of their language."""

    def add(self, records: Iterable[Record]) -> None:
        """Takes tasks and events."""
        for record in records:
            match record:
                case ReviewTask():
                    self._task(record)
                case TaskEvent():
                    self._event(record)
        self.in_other_languages = sum(not self._wanted(task) for task in self._tasks.values())

    def decided(self, task_id: str) -> None:
        """This reviewer's verdict on a task is with the broker."""
        self._end(task_id)

    def offered(self) -> list[ReviewTask]:
        """What this reviewer has claimed, then what nobody has: highest priority first, then what is due first."""
        found = [task for task in self._tasks.values() if self._wanted(task) and self.standing(task.task_id) is not Standing.TAKEN]
        return sorted(found, key=lambda task: (not self._mine(task.task_id), -task.priority, task.due_at, task.task_id))

    def taken(self) -> int:
        """How many tasks others have claimed."""
        return sum(self.standing(task_id) is Standing.TAKEN for task_id in self._tasks)

    def task(self, task_id: str) -> ReviewTask | None:
        """The task, while it is open."""
        return self._tasks.get(task_id)

    def standing(self, task_id: str) -> Standing:
        """The first who claimed a task and may decide it has it, until it is released."""
        if task_id not in self._tasks:
            return Standing.GONE
        holder = self._holder(task_id)
        if holder is None:
            return Standing.OPEN
        return Standing.MINE if holder == self._reviewer else Standing.TAKEN

    def _holder(self, task_id: str) -> str | None:
        barred = self._tasks[task_id].barred_reviewers
        return next((reviewer for reviewer in self._claims.get(task_id, ()) if reviewer not in barred), None)

    def _mine(self, task_id: str) -> bool:
        return self.standing(task_id) is Standing.MINE

    def _wanted(self, task: ReviewTask) -> bool:
        return not self._languages or speaks(self._languages, task.language)

    def _task(self, task: ReviewTask) -> None:
        if task.task_id not in self._gone and self._reviewer not in task.barred_reviewers:
            self._tasks[task.task_id] = task

    def _event(self, event: TaskEvent) -> None:
        if event.kind in {TaskEventKind.WITHDRAWN, TaskEventKind.MOVED}:
            self._end(event.task_id)
        elif event.task_id not in self._gone and event.reviewer is not None:
            claims = self._claims.setdefault(event.task_id, [])
            if event.kind is TaskEventKind.CLAIMED and event.reviewer not in claims:
                claims.append(event.reviewer)
            elif event.kind is TaskEventKind.RELEASED and event.reviewer in claims:
                claims.remove(event.reviewer)

    def _end(self, task_id: str) -> None:
        self._gone.add(task_id)
        self._tasks.pop(task_id, None)
        self._claims.pop(task_id, None)
