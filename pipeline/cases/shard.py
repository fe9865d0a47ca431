"""All cases of one partition number: who is due, who waits where, and what a step changes. No I/O: the edge reads, writes and commits."""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from pipeline.cases.apply import Change, apply, region_closed, time_passed
from pipeline.cases.draft import Surroundings
from pipeline.cases.facts import Asked, Audited, Fact, Left
from pipeline.cases.rules import Event, Files, Rules
from pipeline.stage import Output
from schemas.cases import AuditCount, AuditCounts, CaseFile, CaseState
from schemas.wire import decoder, encode

AUDIT_KEY = "#audit"
"""Key of the audit counts among the states. No post id holds a number sign."""

MAX_TIMERS = 500
"""Timers and moves of one step, so that a closing region does not hold up what people say."""


SPARE_TIMERS = 1000
"""Timers that may lie about besides one for each state and another one that it has put off."""


class _DueAt(msgspec.Struct, frozen=True, gc=False):
    """What the timers need of a state."""

    due_at: dt.datetime | None = None


class Changes(NamedTuple):
    """What a step makes: records to send, files and states to write (None: a tombstone), facts to count once all is committed."""

    outputs: list[Output]
    files: dict[str, CaseFile | None]
    states: dict[str, bytes | None]
    facts: list[Fact]


class Waits(NamedTuple):
    """What is known of an open task without its state: for counts."""

    region: str
    language: str
    out_of_language: bool
    asked_at: dt.datetime
    nobody_left: bool


class Shard:
    """States are kept as bytes and decoded when they are touched: a fifth of the memory of objects, and nothing to collect.

    `shards`: how many there are, so that a region's capacity can be compared with what one of them sees.
    """

    def __init__(self, rules: Rules, shards: int) -> None:
        self._rules, self._shards = rules, shards
        self._states: dict[str, bytes] = {}
        self._due: list[tuple[dt.datetime, str]] = []
        self.open: defaultdict[str, dict[str, Waits]] = defaultdict(dict)
        """By region, the open tasks by post."""
        self._parked: Counter[str] = Counter()
        """By region, those of them that nobody may decide: they take no capacity."""
        self.overdue: set[str] = set()
        """Posts whose last decision the platform has not confirmed in time."""
        self.audits: dict[tuple[str, str], tuple[int, int]] = {}
        """By language and label: decisions of the machine that people checked, and of those corrected."""
        self._balance: int | None = None
        self._decode = decoder(CaseState)
        self._due_at = msgspec.json.Decoder(_DueAt)

    def __len__(self) -> int:
        return len(self._states)

    def load(self, key: bytes, value: bytes | None) -> None:
        """A committed record of the state topic, in the order of the log."""
        name = key.decode()
        if name == AUDIT_KEY:
            counts = msgspec.json.decode(value or b"{}", type=AuditCounts).counts
            self.audits = {(each.language, each.label): (each.checked, each.wrong) for each in counts}
            return
        before = self._states.get(name)
        self._keep(name, self._decode(before) if before else None, self._decode(value) if value else None, value)

    def state(self, post_id: str) -> CaseState | None:
        """What is known of a post."""
        value = self._states.get(post_id)
        return self._decode(value) if value else None

    @property
    def balance(self) -> int:
        """Tasks restored and issued, less those that ended and those that are open. Anything but 0 is a mistake in here."""
        return 0 if self._balance is None else self._balance - self._open_tasks()

    def _open_tasks(self) -> int:
        return sum(len(waiting) for waiting in self.open.values())

    def wakes_at(self) -> dt.datetime | None:
        """When time alone changes something next; early where a timer was put off meanwhile."""
        return self._due[0][0] if self._due else None

    def step(self, events: Sequence[Event], files: Files, now: dt.datetime) -> Changes:
        """What was due before the events comes first, then these in order; without events, what is due by `now` (the clock's time).

        So what people said in time counts as in time, also when it is read late.
        """
        until = min((event.at for event in events), default=now)
        if self._balance is None:
            self._balance = self._open_tasks()
        made = Changes([], {}, {}, [])
        seen = _Written(files, made.files)
        around = Surroundings(self._rules, seen, lambda region: len(self.open[region]) - self._parked[region], self._shards)
        for post_id, at in self._take_due(min(until, now)):
            case = self.state(post_id)
            if case is not None and case.due_at == at:
                self._put(post_id, case, time_passed(case, at, around), made)
        for post_id in list(self._in_closed_regions(now)):
            case = self.state(post_id)
            if case is not None and case.task is not None:
                self._put(post_id, case, region_closed(case, now, around), made)
        for event in events:
            post_id = _post_id(event)
            case = self.state(post_id)
            change = apply(post_id, case, event, around)
            if change.state is not case or change.outputs or change.facts:
                self._put(post_id, case, change, made)
        if any(isinstance(fact, Audited) for fact in made.facts):
            made.states[AUDIT_KEY] = encode(self._audit_counts())
        return made

    def _take_due(self, now: dt.datetime) -> Iterator[tuple[str, dt.datetime]]:
        for _ in range(MAX_TIMERS):
            if not self._due or self._due[0][0] > now:
                return
            at, post_id = heapq.heappop(self._due)
            yield post_id, at

    def _in_closed_regions(self, now: dt.datetime) -> Iterator[str]:
        left = MAX_TIMERS
        for region, waiting in list(self.open.items()):
            if waiting and self._rules.regions.closed(region, now):
                for post_id in list(waiting)[:left]:
                    left -= 1
                    yield post_id
            if not left:
                return

    def _put(self, post_id: str, before: CaseState | None, change: Change, made: Changes) -> None:
        value = encode(change.state) if change.state else None
        self._keep(post_id, before, change.state, value)
        if value is not None or before is not None:
            made.states[post_id] = value
        gone = change.state is None or change.state.erased_at is not None
        if gone and before is not None and before.erased_at is None:
            made.files[post_id] = None
        elif change.file is not None:
            made.files[post_id] = change.file
        made.outputs.extend(change.outputs)
        made.facts.extend(change.facts)
        for fact in change.facts:
            self._balance = (self._balance or 0) + isinstance(fact, Asked) - isinstance(fact, Left)
            if isinstance(fact, Audited):
                checked, wrong = self.audits.get((fact.language, fact.label), (0, 0))
                self.audits[fact.language, fact.label] = checked + 1, wrong + fact.wrong

    def _keep(self, post_id: str, before: CaseState | None, after: CaseState | None, value: bytes | None) -> None:
        if before is not None and before.task is not None:
            waited = self.open[before.task.region].pop(post_id, None)
            self._parked[before.task.region] -= waited is not None and waited.nobody_left
        self.overdue.discard(post_id)
        if after is None or value is None:
            self._states.pop(post_id, None)
            return
        self._states[post_id] = value
        if after.task is not None:
            task, language = after.task, after.language.tag if after.language else "other"
            self.open[task.region][post_id] = Waits(task.region, language, task.out_of_language, task.asked_at, task.nobody_left)
            self._parked[task.region] += task.nobody_left
        if after.standing is not None and after.standing.overdue:
            self.overdue.add(post_id)
        if after.due_at is not None and (before is None or before.due_at != after.due_at):
            heapq.heappush(self._due, (after.due_at, post_id))
            if len(self._due) > 2 * len(self._states) + SPARE_TIMERS:
                self._drop_old_timers()

    def _drop_old_timers(self) -> None:
        """Those that were put off meanwhile. As many were set since the last time as there are states, so it costs each little."""
        due = ((self._due_at.decode(value).due_at, post_id) for post_id, value in self._states.items())
        self._due = [(at, post_id) for at, post_id in due if at is not None]
        heapq.heapify(self._due)

    def _audit_counts(self) -> AuditCounts:
        found = sorted(self.audits.items())
        return AuditCounts(counts=tuple(AuditCount(language=key[0], label=key[1], checked=n, wrong=wrong) for key, (n, wrong) in found))


class _Written:
    """Files as they will be once the step is committed."""

    def __init__(self, files: Files, written: dict[str, CaseFile | None]) -> None:
        self._files, self._written = files, written

    def read(self, post_id: str) -> CaseFile | None:
        return self._written[post_id] if post_id in self._written else self._files.read(post_id)


def _post_id(event: Event) -> str:
    record = event.record
    post = getattr(record, "post", None)
    found: str = record.post_id if post is None else post.post_id  # type: ignore[attr-defined]
    return found
