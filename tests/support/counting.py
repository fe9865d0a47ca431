"""A small machine in the place of that of cases: it counts the events of each post. What it makes of some events is all that one needs to
see of files, timers and tombstones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from pipeline.cases.rules import Event, Files
from pipeline.cases.shard import Changes
from pipeline.cases.spec import CasesSpec
from pipeline.stage import Output
from schemas.cases import CaseEvent, CaseEventKind, CaseFile, CaseState
from schemas.people import Addressee, Notice, NoticeKind, Report, TaskEvent, TaskEventKind, Verdict
from schemas.records import Record
from schemas.topics import NOTICES, TASK_EVENTS
from schemas.wire import decoder, encode

DUE_AFTER = dt.timedelta(seconds=0.2)
decode = decoder(CaseState)


class Counting:
    """`rounds` of a state is the number of its events. Each makes a notice named after post and number, so that none can be made twice
    unnoticed. An opened post gets a file and a task event, which comes back as an input; a verdict writes its number into the file; a
    report is due after DUE_AFTER, which makes a notice `due`; a deletion forgets the post.
    """

    def __init__(self) -> None:
        self.states: dict[str, CaseState] = {}

    def __len__(self) -> int:
        return len(self.states)

    def load(self, key: bytes, value: bytes | None) -> None:
        """As it was."""
        if value is None:
            self.states.pop(key.decode(), None)
        else:
            self.states[key.decode()] = decode(value)

    def wakes_at(self) -> dt.datetime | None:
        """The first report that is due."""
        return min((state.due_at for state in self.states.values() if state.due_at), default=None)

    def step(self, events: Sequence[Event], files: Files, now: dt.datetime) -> Changes:
        """See the class."""
        changes = Changes([], {}, {}, [])
        for state in [state for state in self.states.values() if state.due_at and state.due_at <= now]:
            self._keep(replace(state, due_at=None), changes)
            changes.outputs.append(notice(state.post_id, f"{state.post_id}:due", state.due_at or now))
        for event in events:
            self._count(event, files, changes)
        return changes

    def _count(self, event: Event, files: Files, changes: Changes) -> None:
        record, post_id = event.record, post_of(event.record)
        state = self.states.get(post_id) or CaseState(post_id=post_id, revision=1)
        state = replace(state, rounds=state.rounds + 1)
        if isinstance(record, CaseEvent) and record.kind is CaseEventKind.DELETED:
            self.states.pop(post_id, None)
            changes.states[post_id] = changes.files[post_id] = None
            return
        if isinstance(record, CaseEvent):
            changes.files[post_id] = CaseFile(
                post_id=post_id, case_id=post_id, revision=1, post=record.post, context=record.context, language=record.language
            )  # fmt: skip
            moved = TaskEvent(event_id=f"moved:{post_id}", task_id="t", post_id=post_id, kind=TaskEventKind.MOVED, at=event.at)
            changes.outputs.append(Output(TASK_EVENTS, moved))
        if isinstance(record, Verdict):
            file = changes.files.get(post_id) or files.read(post_id)
            assert file is not None, f"post {post_id} has no file"
            changes.files[post_id] = replace(file, statement=f"{file.statement or ''}{record.verdict_id};")
        if isinstance(record, Report):
            state = replace(state, due_at=event.at + DUE_AFTER)
        self._keep(state, changes)
        changes.outputs.append(notice(post_id, f"{post_id}:{state.rounds}", event.at))

    def _keep(self, state: CaseState, changes: Changes) -> None:
        self.states[state.post_id] = state
        changes.states[state.post_id] = encode(state)


def post_of(record: Record) -> str:
    """The post that an input is about."""
    post_id: str = record.post.post_id if isinstance(record, CaseEvent) else record.post_id  # type: ignore[attr-defined]
    return post_id


def notice(post_id: str, notice_id: str, at: dt.datetime) -> Output:
    """A sign that something was done."""
    return Output(NOTICES, Notice(notice_id=notice_id, kind=NoticeKind.RECEIPT, to=Addressee.AUTHOR, post_id=post_id, at=at))


def start() -> Callable[[int], Counting]:
    """Loads nothing."""
    return lambda _shards: Counting()


SPEC = CasesSpec(start=start, outputs=(NOTICES, TASK_EVENTS))
