"""Any order and repetition of events, edits, deletions, late verdicts, and crashes between any two."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import to_builtins

from pipeline.cases.apply import event_id
from pipeline.cases.decisions import SEVERITY
from schemas.cases import CaseEvent, CaseEventKind, CaseState, Purpose
from schemas.people import Appellant, CannotJudge, Channel, Outcome, TaskEventKind, Verdict
from schemas.records import RESTRICTS, Action, Automation, Decision, Post, PostKind, Record, ReviewTask
from schemas.topics import VERDICTS
from tests.pipeline.cases.world import DAY, HOUR, NOW, REVIEWERS, World, case_event, rules

POSTS = ("p", "q")
CLOSING = {
    "regions": [
        {"name": "dutch", "languages": ["nl"], "markets": ["NL"], "closed_since": NOW + 30 * DAY, "capacity": 1},
        {"name": "flemish", "languages": ["nl", "fr"], "markets": ["BE"], "capacity": 2},
        {"name": "english", "languages": ["en"], "markets": ["GB"], "default": True},
        {"name": "emergency", "languages": ["en", "nl"], "markets": []},
    ]
}
FIRST_ON_A_COPY = 2
"""A report's `sequence` is 1 by default: what was decided without a case."""

posts = st.sampled_from(POSTS)
reviewers = st.sampled_from([*REVIEWERS, "stranger"])
actions = st.sampled_from([Action.ALLOW, Action.LIMIT, Action.REMOVE])
labels = st.sampled_from(["toxic", "threat", "spam"])


class Cases(RuleBasedStateMachine):
    """One shard under everything that can happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(rules(CLOSING))
        self.sent: list[tuple[str, Record]] = []
        self.old_tasks: list[ReviewTask] = []
        self.revision = dict.fromkeys(POSTS, 0)
        self.forgotten = dict.fromkeys(POSTS, 0)
        self.verdicts: dict[str, Verdict] = {}

    # What happens ----------------------------------------------------------------------------------------------------

    @rule(post=posts, pending=st.booleans(), action=actions, audit=st.booleans(),
          complete=st.booleans(), label=labels)  # fmt: skip
    def created(self, post: str, pending: bool, action: Action, audit: bool, complete: bool, label: str) -> None:
        if self.revision[post]:
            return
        if pending:
            action, audit = (Action.LIMIT if action is Action.REMOVE else action), False
        elif action is Action.ALLOW:
            audit = True  # routing hands over nothing else
        self._routed(self._event(post, CaseEventKind.OPENED, pending, action, audit, complete, label))

    @rule(
        post=posts,
        pending=st.booleans(),
        action=actions,
        complete=st.booleans(),
        label=labels,
    )
    def edited(self, post: str, pending: bool, action: Action, complete: bool, label: str) -> None:
        if pending and action is Action.REMOVE:
            action = Action.LIMIT
        self._routed(self._event(post, CaseEventKind.EDITED, pending, action, audit=False, complete=complete, label=label))

    @rule(post=posts)
    def deleted(self, post: str) -> None:
        self._routed(
            self._event(post, CaseEventKind.DELETED, pending=False, action=Action.ALLOW, audit=False, complete=True, label="toxic")
        )

    @rule(post=posts, reviewer=reviewers, outcome=st.sampled_from(Outcome), shown=st.booleans(), label=st.none() | labels)
    def verdict(self, post: str, reviewer: str, outcome: Outcome, shown: bool, label: str | None) -> None:
        state = self.world.shard.state(post)
        if state is None or state.task is None:
            return
        task = self.world.task(post)
        self.old_tasks.append(task)
        self._say(task, reviewer, outcome, task.context.digest if shown else None, label)

    @rule(index=st.integers(0, 5), reviewer=reviewers, outcome=st.sampled_from([Outcome.ALLOW, Outcome.REMOVE]))
    def late_verdict(self, index: int, reviewer: str, outcome: Outcome) -> None:
        if index < len(self.old_tasks):
            task = self.old_tasks[index]
            self._say(task, reviewer, outcome, task.context.digest, None)

    @rule(post=posts, reviewer=reviewers, kind=st.sampled_from([TaskEventKind.CLAIMED, TaskEventKind.RELEASED]))
    def claim(self, post: str, reviewer: str, kind: TaskEventKind) -> None:
        state = self.world.shard.state(post)
        if state is not None and state.task is not None:
            self.world.claim(post, reviewer, kind)

    @rule(
        post=posts, key=st.sampled_from(["k1", "k2"]), channel=st.sampled_from(Channel), copied=st.booleans(), ahead=st.integers(0, 1),
        label=st.none() | labels,
    )  # fmt: skip
    def report(self, post: str, key: str, channel: Channel, copied: bool, ahead: int, label: str | None) -> None:
        revision = self.revision[post] + (ahead if self.world.shard.state(post) else 0)
        snapshot = Post(
            post_id=post, revision=max(1, revision), kind=PostKind.CREATED, conversation_id="c", author_id="author-1",
            market="NL", created_at=NOW, text="t",
        )  # fmt: skip
        self.world.report(post, key, channel, language="nl", label=label, **({"post_snapshot": snapshot} if copied else {}))

    @rule(post=posts, by=st.sampled_from(Appellant), last=st.integers(0, 1))
    def appeal(self, post: str, by: Appellant, last: int) -> None:
        state = self.world.shard.state(post)
        mine = state.reporters[last - 1].report_id if state and state.reporters else "none"
        self.world.appeal(post, by=by, report_id=mine)

    @rule(post=posts)
    def enforce(self, post: str) -> None:
        state = self.world.shard.state(post)
        if state is not None and state.standing is not None:
            self.world.enforce(post)

    @rule(post=posts)
    def erased(self, post: str) -> None:
        before = self.world.shard.state(post)
        self.world.erase(post)
        state = self.world.shard.state(post)
        if state is None:
            assert before is None or not before.known
        else:
            assert (state.erased_at is None) == state.erase_when_closed == (state.task is not None)
            held = state.standing is not None and state.standing.pending and state.standing.action in RESTRICTS
            assert state.task is None or held or state.appeal is not None or state.task.purpose is Purpose.QUEUE

    @rule(by=st.sampled_from([dt.timedelta(minutes=10), HOUR, DAY, 10 * DAY, 210 * DAY]))
    def time_passes(self, by: dt.timedelta) -> None:
        self.world.pass_time(by)

    @rule()
    def crash(self) -> None:
        before = {post: self.world.shard.state(post) for post in POSTS}
        self.world.restart()
        assert {post: self.world.shard.state(post) for post in POSTS} == before

    @rule(index=st.integers(0, 10))
    def sent_twice(self, index: int) -> None:
        if index < len(self.sent):
            topic, record = self.sent[-1 - index]
            post = record.post.post_id if isinstance(record, CaseEvent) else record.post_id  # type: ignore[attr-defined]
            state = self.world.shard.state(post)
            if state is not None and event_id(record) in state.applied:
                assert self.world.send(topic, record) == []

    # What always holds -----------------------------------------------------------------------------------------------

    @invariant()
    def every_open_case_has_a_live_task_in_a_region_that_works_and_a_deadline(self) -> None:
        shown = self.world.tasks()
        for post in POSTS:
            state = self.world.shard.state(post)
            if state is None:
                continue
            assert state.due_at is not None, "what is kept is looked at again some time"
            wakes = self.world.shard.wakes_at()
            assert wakes is not None and wakes <= state.due_at
            if state.task is not None:
                assert state.task.task_id in shown
                assert state.task.due_at > state.task.issued_at
                assert state.keep_until is None
                region = self.world.rules.regions.by_name(state.task.region)
                assert region is not None and not region.closed(state.task.issued_at)
                assert set(shown[state.task.task_id].barred_reviewers) >= set(state.barred)
            elif state.known:
                assert state.keep_until is not None

    @invariant()
    def no_case_is_lost(self) -> None:
        for post in POSTS:
            state = self.world.shard.state(post)
            if state is not None and state.known:
                assert (post in self.world.files) == (state.erased_at is None)
                last = self._last(post)
                undecided = last is not None and last.pending
                assert not undecided or state.task is not None or state.deleted, "somebody must look, and nobody is asked"
                assert state.appeal is None or state.task is not None
                assert state.appeal is not None or not (state.joined or any(each.appeal_id for each in state.reporters))
                assert state.task is not None or all(reporter.answered for reporter in state.reporters), "who reported is never told"

    @invariant()
    def what_was_reported_is_suspected_as_long_as_somebody_waits(self) -> None:
        for post in POSTS:
            state = self.world.shard.state(post)
            if state is not None and state.reported:
                assert any(not reporter.answered or reporter.gone for reporter in state.reporters)
                assert set(state.reported) <= set(state.labels)

    @invariant()
    def only_a_restriction_is_undone_and_a_restore_is_awaited(self) -> None:
        for post in POSTS:
            decisions = self.world.decisions(post)
            assert all((decision.action is Action.RESTORE) == (decision.supersedes is not None) for decision in decisions)
            state = self.world.shard.state(post)
            last = self._last(post)
            if state is not None and state.standing is not None and last is not None and last.action is Action.RESTORE:
                done = ("enforced:" + state.standing.decision_id) in state.applied
                assert state.standing.unconfirmed_since is not None or done

    @invariant()
    def of_what_was_erased_nothing_is_left_but_what_late_events_need(self) -> None:
        for post in POSTS:
            state = self.world.shard.state(post)
            if state is not None and state.erased_at is not None:
                needed = {"post_id", "revision", "sequence", "applied", "due_at", "known", "deleted", "standing", "floor", "keep_until",
                          "erased_at", "floor_by", "floor_label", "floor_pending", "source", "excused"}  # fmt: skip
                assert {field for field, value in to_builtins(state).items() if value} <= needed

    @invariant()
    def sequences_grow_by_one(self) -> None:
        for post in POSTS:
            seen: dict[int, int] = {}
            newest = 0
            for place, decision in enumerate(self.world.decisions(post)):
                seen, newest = ({}, 0) if place == self.forgotten[post] else (seen, newest)
                assert decision.revision >= newest
                newest = decision.revision
                first = decision.revision not in seen
                assert decision.sequence == seen.get(decision.revision, 0) + 1 or (first and decision.sequence == FIRST_ON_A_COPY)
                seen[decision.revision] = decision.sequence

    @invariant()
    def no_barred_reviewer_decides(self) -> None:
        for post in POSTS:
            by_revision: dict[int, list[str]] = {}
            for decision in self.world.decisions(post):
                verdict = self.verdicts.get(decision.cause.removeprefix("verdict:"))
                if verdict is None:
                    continue
                deciders = by_revision.setdefault(verdict.revision, [])
                assert verdict.reviewer in REVIEWERS
                if decision.reasons and decision.reasons[0].rule == "escalated":
                    continue
                assert verdict.reviewer not in deciders
                deciders.append(verdict.reviewer)

    @invariant()
    def the_machine_never_outranks_a_person(self) -> None:
        for post in POSTS:
            if self.world.shard.state(post) is None:  # its time is over: nothing is known of it any more
                self.forgotten[post] = len(self.world.decisions(post))
            person: Decision | None = None
            for decision in self.world.decisions(post)[self.forgotten[post] :]:
                if decision.automation is Automation.NONE:
                    person = decision
                elif person is not None:
                    assert decision.revision > person.revision
                    if person.action in {Action.LIMIT, Action.REMOVE}:
                        assert SEVERITY[decision.action] >= SEVERITY[person.action], "the machine has loosened what a person decided"

    @invariant()
    def counts_are_those_of_the_states(self) -> None:
        states = {post: self.world.shard.state(post) for post in POSTS}
        found = {(region, post) for region, waiting in self.world.shard.open.items() for post in waiting}
        assert found == {(state.task.region, post) for post, state in states.items() if state and state.task}
        assert self.world.shard.balance == 0
        assert self.world.shard.overdue == {post for post, state in states.items() if state and state.standing and state.standing.overdue}

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _last(self, post: str) -> Decision | None:
        file = self.world.files.get(post)
        return file.decisions[-1] if file and file.decisions else None

    def _event(self, post: str, kind: CaseEventKind, pending: bool, action: Action, audit: bool, complete: bool, label: str) -> CaseEvent:
        self.revision[post] += 1
        changes: dict[str, Any] = {"pending": pending, "action": action, "label": label}
        changes["automation"] = Automation.PARTIAL if pending else Automation.FULL
        return case_event(post, self.revision[post], kind, complete=complete, audit=audit, **changes)

    def _routed(self, event: CaseEvent) -> None:
        self.world.routed(event)
        self.sent.append(("moderation.cases.v1", event))

    def _say(self, task: ReviewTask, reviewer: str, outcome: Outcome, digest: str | None, label: str | None) -> None:
        verdict = Verdict(
            verdict_id=f"v{len(self.verdicts)}", task_id=task.task_id, post_id=task.post.post_id, revision=task.post.revision,
            reviewer=reviewer, outcome=outcome, decided_at=self.world.now, context_digest=digest, label=label,
            cannot_judge=CannotJudge.CONTEXT if outcome is Outcome.CANNOT_JUDGE else None,
        )  # fmt: skip
        self.verdicts[verdict.verdict_id] = verdict
        self.world.send(VERDICTS.name, verdict)
        self.sent.append((VERDICTS.name, verdict))


Cases.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TestCases = Cases.TestCase


def test_states_are_small() -> None:
    """A kilobyte or so: two hundred thousand of them are restored at a start."""
    world = World()
    world.routed(case_event("p" * 36))
    world.verdict("p" * 36, "dave", Outcome.REMOVE)
    state = world.shard.state("p" * 36)
    assert isinstance(state, CaseState) and state.task is not None and state.task.purpose is Purpose.CONFIRM
    value = world.log[-1][1]
    assert value is not None and len(value) < 1500
