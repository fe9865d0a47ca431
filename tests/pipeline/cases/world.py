"""Two regions, four reviewers, one policy, and a shard with what it has written: to test cases with."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

from pipeline.cases.facts import Fact
from pipeline.cases.rules import Event, Rules
from pipeline.cases.shard import Changes, Shard
from pipeline.ids import case_id, decision_id
from pipeline.policy.policy import Policy, PolicySet, read_policies
from pipeline.policy.regions import Regions
from pipeline.policy.roster import Roster
from pipeline.routing.digest import digest
from schemas.cases import CaseEvent, CaseEventKind, CaseFile
from schemas.people import Appeal, Appellant, Channel, Enforcement, Erasure, Notice, Outcome, Report, TaskEvent, TaskEventKind, Verdict
from schemas.records import (
    RESTRICTS,
    Action,
    Automation,
    Context,
    Decision,
    Language,
    Post,
    PostKind,
    Reason,
    Record,
    ReviewPost,
    ReviewTask,
)
from schemas.topics import APPEALS, CASES, DECISIONS, ENFORCEMENTS, ERASURES, NOTICES, REPORTS, TASK_EVENTS, VERDICTS

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
_POLICY = read_policies(Path(__file__).parents[1] / "policy" / "cases" / "policy.toml").policies[0]
POLICY = Policy.model_validate(
    {
        **_POLICY.model_dump(),
        "queues": {"threat-to-life": {"region": "emergency", "due_hours": 1, "keeps_deleted": True}},
        "labels": {
            **{name: label.model_dump() for name, label in _POLICY.labels.items()},
            "threat": {**_POLICY.labels["threat"].model_dump(), "queue": "threat-to-life"},
            "spam": {**_POLICY.labels["toxic"].model_dump(), "self_evident": True},
        },
    }
)
REGIONS: dict[str, Any] = {
    "regions": [
        {"name": "dutch", "languages": ["nl"], "markets": ["NL"]},
        {"name": "flemish", "languages": ["nl", "fr"], "markets": ["BE"]},
        {"name": "english", "languages": ["en"], "markets": ["GB"], "default": True},
        {"name": "emergency", "languages": ["en", "nl"], "markets": []},
    ]
}
ROSTER = Roster.model_validate(
    {
        "reviewers": [
            {"id": "anna", "regions": ["dutch"], "languages": ["nl"]},
            {"id": "bram", "regions": ["dutch", "flemish", "emergency"], "languages": ["nl", "en"]},
            {"id": "cleo", "regions": ["flemish", "english", "dutch"], "languages": ["fr", "nl"]},
            {"id": "dave", "regions": ["english", "dutch", "flemish", "emergency"], "languages": ["en"]},
        ]
    }
)
REVIEWERS = {reviewer.id: reviewer for reviewer in ROSTER.reviewers}


def rules(regions: dict[str, Any] | None = None, policy: Policy = POLICY) -> Rules:
    """The world's, with other regions or another policy."""
    return Rules(PolicySet([policy]), Regions.model_validate(regions or REGIONS), ROSTER)


def proposal(post_id: str, revision: int = 1, *, kind: PostKind = PostKind.CREATED, **changes: Any) -> Decision:
    """Of routing: allowed in full, unless changed."""
    cause = "house@1 tiny@1"
    fields: dict[str, Any] = {
        "decision_id": decision_id(post_id, revision, 0, cause), "post_id": post_id, "revision": revision, "sequence": 0, "kind": kind,
        "cause": cause, "action": Action.ALLOW, "automation": Automation.FULL, "language": "nl", "market": "NL",
        "policy_version": POLICY.id, "model_version": "tiny@1", "content_type": "CONTENT_TYPE_TEXT", "content_date": NOW,
        "source_type": "SOURCE_VOLUNTARY", "received_at": NOW, "decided_at": NOW, "case_id": case_id(post_id),
    }  # fmt: skip
    return Decision(**(fields | changes))


def context(text: str, *, complete: bool = True) -> Context:
    """An empty conversation; its digest depends on the text of the post."""
    return Context(complete=complete, digest=digest(_post("x", text), "A", (), ()))


def _post(post_id: str, text: str) -> Post:
    return Post(
        post_id=post_id, revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL",
        created_at=NOW, text=text,
    )  # fmt: skip


def case_event(
    post_id: str,
    revision: int = 1,
    kind: CaseEventKind = CaseEventKind.OPENED,
    *,
    complete: bool = True,
    audit: bool = False,
    **changes: Any,
) -> CaseEvent:
    """Of routing. `pending` unless the proposal is changed."""
    kinds = {CaseEventKind.OPENED: PostKind.CREATED, CaseEventKind.EDITED: PostKind.EDITED, CaseEventKind.DELETED: PostKind.DELETED}
    label = changes.pop("label", "toxic")
    if kind is not CaseEventKind.DELETED and not audit and "action" not in changes:
        changes = {"pending": True, "automation": Automation.PARTIAL} | changes
    if changes.get("pending") or changes.get("action") not in {None, Action.ALLOW}:
        changes = {"reasons": (Reason(rule="r", label=label, probability=0.9, threshold=0.8),)} | changes
    if changes.get("action") in RESTRICTS:
        rule = POLICY.labels[label]
        ground = rule.ground or POLICY.statement.ground
        changes = {"ground": ground.value, "clause": rule.clause, "category": rule.category.value} | changes
    decided = proposal(post_id, revision, kind=kinds[kind], **changes)
    return CaseEvent(
        event_id=decided.decision_id, kind=kind, proposal=decided,
        post=ReviewPost(
            post_id=post_id, revision=revision, kind=kinds[kind], speaker="A", market="NL", created_at=NOW, text=f"text {revision}"
        ),
        context=context(f"text {revision}", complete=complete), language=Language(tag="nl", confidence=0.95), weight=50, audit=audit,
        stratum=label,
    )  # fmt: skip


def edited(revision: int, **changes: Any) -> CaseEvent:
    """Of the post `p`: the machine allows the new text, unless changed."""
    allowed: dict[str, Any] = {"action": Action.ALLOW, "automation": Automation.FULL, "pending": False}
    return case_event("p", revision, CaseEventKind.EDITED, **(allowed | changes))


class World:
    """A shard, what it has written, and what tools and platform see of it. Every step is committed, unless it is `lost`."""

    def __init__(self, with_rules: Rules | None = None) -> None:
        self.rules = with_rules or rules()
        self.shard = Shard(self.rules, 1)
        self.log: list[tuple[str, bytes | None]] = []
        self.files: dict[str, CaseFile] = {}
        self.outputs: list[tuple[str, Record]] = []
        self.facts: list[Fact] = []
        self.now = NOW
        self._ids = itertools.count(1)

    def read(self, post_id: str) -> CaseFile | None:
        """As pipeline.cases.rules.Files."""
        return self.files.get(post_id)

    def send(self, topic: str, record: Record) -> list[Record]:
        """One event; the records that came of it."""
        return self._commit(self.shard.step([Event(topic, record, self.now)], self, self.now))

    def pass_time(self, by: dt.timedelta) -> list[Record]:
        """Timers that are due until then."""
        self.now += by
        made: list[Record] = []
        while changes := self._commit(self.shard.step([], self, self.now)):
            made += changes
        return made

    def restart(self) -> None:
        """As after a crash: all that is left is what was committed."""
        self.shard = Shard(self.rules, 1)
        for key, value in self.log:
            self.shard.load(key.encode(), value)

    def _commit(self, changes: Changes) -> list[Record]:
        self.log += changes.states.items()
        for post_id, file in changes.files.items():
            if file is None:
                self.files.pop(post_id, None)
            else:
                self.files[post_id] = file
        self.facts += changes.facts
        self.outputs += [(output.topic.name, output.record) for output in changes.outputs]
        return [output.record for output in changes.outputs]

    # What others send ------------------------------------------------------------------------------------------------

    def routed(self, event: CaseEvent) -> list[Record]:
        """By routing."""
        return self.send(CASES.name, event)

    def verdict(self, post_id: str, reviewer: str, outcome: Outcome, *, shown: bool = True, **changes: Any) -> list[Record]:
        """On the open task."""
        state = self.shard.state(post_id)
        assert state is not None and state.task is not None, f"{post_id} has no open task"
        digest_shown = self.files[post_id].context.digest if shown else None
        fields: dict[str, Any] = {
            "verdict_id": f"v{next(self._ids)}", "task_id": state.task.task_id, "post_id": post_id, "revision": state.task.revision,
            "reviewer": reviewer, "outcome": outcome, "decided_at": self.now, "context_digest": digest_shown,
        }  # fmt: skip
        return self.send(VERDICTS.name, Verdict(**(fields | changes)))

    def claim(self, post_id: str, reviewer: str, kind: TaskEventKind = TaskEventKind.CLAIMED) -> list[Record]:
        """The open task."""
        state = self.shard.state(post_id)
        assert state is not None and state.task is not None
        event = TaskEvent(
            event_id=f"t{next(self._ids)}", task_id=state.task.task_id, post_id=post_id, kind=kind, at=self.now, reviewer=reviewer
        )  # fmt: skip
        return self.send(TASK_EVENTS.name, event)

    def report(self, post_id: str, key: str = "key-1", channel: Channel = Channel.USER, **changes: Any) -> list[Record]:
        """By somebody."""
        fields: dict[str, Any] = {
            "report_id": f"r{next(self._ids)}", "post_id": post_id, "reporter_key": key, "channel": channel, "reported_at": self.now
        }  # fmt: skip
        return self.send(REPORTS.name, Report(**(fields | changes)))

    def appeal(self, post_id: str, decided: str | None = None, by: Appellant = Appellant.AUTHOR, **changes: Any) -> list[Record]:
        """Against the decision in force, or the one given."""
        state = self.shard.state(post_id)
        in_force = state.standing.decision_id if state and state.standing else "unknown"
        fields: dict[str, Any] = {
            "appeal_id": f"a{next(self._ids)}", "decision_id": decided or in_force, "post_id": post_id, "appellant": by,
            "filed_at": self.now,
        }  # fmt: skip
        return self.send(APPEALS.name, Appeal(**(fields | changes)))

    def enforce(self, post_id: str) -> list[Record]:
        """The decision in force."""
        state = self.shard.state(post_id)
        assert state is not None and state.standing is not None
        done = Enforcement(
            decision_id=state.standing.decision_id, post_id=post_id, action=state.standing.action, applied_at=self.now
        )  # fmt: skip
        return self.send(ENFORCEMENTS.name, done)

    def erase(self, post_id: str, erasure_id: str | None = None) -> list[Record]:
        """On somebody's request."""
        wanted = Erasure(erasure_id=erasure_id or f"e{next(self._ids)}", post_id=post_id, requested_at=self.now)
        return self.send(ERASURES.name, wanted)

    # What is seen ----------------------------------------------------------------------------------------------------

    def decisions(self, post_id: str) -> list[Decision]:
        """Of the stage, in order."""
        return [
            record
            for topic, record in self.outputs
            if topic == DECISIONS.name and isinstance(record, Decision) and record.post_id == post_id
        ]

    def notices(self) -> list[Notice]:
        """All."""
        return [record for topic, record in self.outputs if topic == NOTICES.name and isinstance(record, Notice)]

    def tasks(self) -> dict[str, ReviewTask]:
        """As a tool sees them: what was neither withdrawn nor moved."""
        found: dict[str, ReviewTask] = {}
        for _, record in self.outputs:
            if isinstance(record, ReviewTask):
                found[record.task_id] = record
            elif isinstance(record, TaskEvent) and record.kind in {TaskEventKind.WITHDRAWN, TaskEventKind.MOVED}:
                found.pop(record.task_id, None)
        return found

    def task(self, post_id: str) -> ReviewTask:
        """The open one of a post."""
        state = self.shard.state(post_id)
        assert state is not None and state.task is not None, f"{post_id} has no open task"
        return self.tasks()[state.task.task_id]


def staffed(people: dict[str, tuple[list[str], list[str]]], regions: dict[str, Any] | None = None) -> World:
    """A world with these reviewers: regions and languages of each."""
    roster = Roster.model_validate(
        {"reviewers": [{"id": name, "regions": where, "languages": what} for name, (where, what) in people.items()]}
    )
    return World(rules(regions)._replace(roster=roster))


def only(records: list[Record], kind: type[Any]) -> Any:
    """The one record of that type."""
    found = [record for record in records if isinstance(record, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {records}"
    return found[0]
