"""SIMULATED reviewers: nobody of them exists, and none reads a text. They do over the topics what people with a review tool would do.

Their rule, in plain words: a number drawn from the post's id decides. Of a hundred posts they allow 70, limit 15 and remove 15; so all of
them agree about a post, and their verdicts say nothing about it or about the model. Four tasks in a hundred they hand on, as if they could
not judge. Who appeals is always right. Once one of them sends no digest, as a tool would that has not shown the conversation. The team
of the region that closes leaves every second post lying, and one of it answers too late.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from agents.demo.collect import ENDS
from agents.demo.rules import CLOSING, LANGUAGE
from agents.review.words import Answer, task_event, verdict
from pipeline.ids import derived, draw
from pipeline.policy.roster import Reviewer, Roster
from pipeline.routing.digest import digest_of
from pipeline.stage import Output
from schemas.people import CannotJudge, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import Record, ReviewTask
from schemas.topics import TASK_EVENTS, VERDICTS

RULE = (
    "simulated: nobody reads these posts. A number drawn from the post's id decides: of a hundred 70 are allowed, 15 limited, 15 removed; "
    "4 tasks in a hundred are handed on; who appeals is always right"
)
ALLOWED, LIMITED = 0.70, 0.85
HANDED_ON = 0.04
LEFT_LYING = 0.5
TOOL = "sluice-demo"


def answer(task: ReviewTask, reviewer: Reviewer) -> Answer:
    """What the rule says of a task."""
    if task.statement is not None:
        return Answer(Outcome.ALLOW)
    if draw("demo-handed-on", task.task_id) < HANDED_ON:
        reason = CannotJudge.EXPERTISE if reviewer.speaks(task.language) else CannotJudge.LANGUAGE
        return Answer(Outcome.CANNOT_JUDGE, cannot_judge=reason)
    drawn = draw("demo-verdict", task.post.post_id)
    if drawn < ALLOWED or not task.labels:
        return Answer(Outcome.ALLOW)
    return Answer(Outcome.LIMIT if drawn < LIMITED else Outcome.REMOVE, label=task.labels[0])


class Reviewers:
    """Hears what review tools hear, and says what they say: a claim, and once it is read back, a verdict.

    `given` are the verdicts, by task. `undigested`: the one without digest, on a post that the machine cannot have removed; `late`: the one
    on a task that was moved before.
    """

    def __init__(self, roster: Roster) -> None:
        self._people = roster.simulated
        self._tasks: dict[str, ReviewTask] = {}
        self._by: dict[str, Reviewer] = {}
        self._ended: set[str] = set()
        self.given: dict[str, Verdict] = {}
        self.undigested: Verdict | None = None
        self.late: Verdict | None = None

    def hear(self, record: Record, now: dt.datetime) -> list[Output]:
        """What follows from a record, if anything."""
        match record:
            case ReviewTask() if record.task_id not in self._tasks:
                return self._claim(record, now)
            case TaskEvent() if record.kind in ENDS:
                return self._end(record, now)
            case TaskEvent(kind=TaskEventKind.CLAIMED):
                return self._judge(record, now)
        return []

    def takes(self, task: ReviewTask) -> Reviewer | None:
        """Who answers a task: somebody who speaks the language, if there is anybody in the region who may. None: it is left lying."""
        if task.region == CLOSING and draw("demo-lies", task.post.post_id) < LEFT_LYING:
            return None
        there = [each for each in self._people if task.region in each.regions and each.id not in task.barred_reviewers]
        able = [each for each in there if each.speaks(task.language)] or there
        return able[int(draw("demo-reviewer", task.task_id) * len(able))] if able else None

    def _claim(self, task: ReviewTask, now: dt.datetime) -> list[Output]:
        self._tasks[task.task_id] = task
        reviewer = self.takes(task)
        if reviewer is None or task.task_id in self._ended:
            return []
        self._by[task.task_id] = reviewer
        claim = task_event(task, TaskEventKind.CLAIMED, reviewer.id, derived("demo-claim", task.task_id), now)
        return [Output(TASK_EVENTS, claim)]

    def _judge(self, claim: TaskEvent, now: dt.datetime) -> list[Output]:
        """The claim has been read back."""
        task, reviewer = self._tasks.get(claim.task_id), self._by.get(claim.task_id)
        if task is None or reviewer is None or claim.task_id in self._ended or claim.task_id in self.given:
            return []
        said = self._verdict(task, reviewer, answer(task, reviewer), now)
        judged_in_full = reviewer.speaks(task.language) and task.context.complete and task.language.tag != LANGUAGE
        if self.undigested is None and said.outcome is Outcome.REMOVE and judged_in_full:
            said = self.undigested = msgspec.structs.replace(said, context_digest=None)
        self.given[task.task_id] = said
        return [Output(VERDICTS, said)]

    def _end(self, event: TaskEvent, now: dt.datetime) -> list[Output]:
        self._ended.add(event.task_id)
        task = self._tasks.get(event.task_id)
        left_behind = task is not None and task.region == CLOSING != event.region and event.kind is TaskEventKind.MOVED
        if self.late is not None or task is None or not left_behind or task.task_id in self._by:
            return []
        reviewer = next(each for each in self._people if CLOSING in each.regions)
        self.late = self._verdict(task, reviewer, Answer(Outcome.ALLOW), now)
        return [Output(VERDICTS, self.late)]

    @staticmethod
    def _verdict(task: ReviewTask, reviewer: Reviewer, said: Answer, now: dt.datetime) -> Verdict:
        shown = digest_of(task.post, task.context)
        made = verdict(task, said, shown, reviewer.id, derived("demo-verdict", task.task_id, reviewer.id), now)
        return msgspec.structs.replace(made, tool=TOOL)
