"""The owner of one partition number of all inputs: its machine, its case files, its transactions.

Everything happens on its thread, one thing after the other. A turn takes what has come, has the machine apply it, and writes case files,
outputs, states and the positions in the inputs in one Kafka transaction: commit, then acknowledge. A record that is read again is skipped
by its position.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.edge import metrics
from agents.edge.case_files import CaseFiles
from agents.edge.case_log import POSITION, Headers, Offsets, check_positions, states
from agents.edge.counts import Sent
from agents.edge.dead_letters import DeadLetters
from agents.edge.envelope import Envelope, time_header
from agents.edge.failures import ExitCode, StopWorker, stop_for
from agents.edge.inbox import Group, Inbox
from agents.edge.intake import Intake, Taken, unread
from agents.edge.producer import Header, Message
from agents.edge.transactions import Transactions
from pipeline.cases.shard import Changes
from pipeline.cases.spec import CasesSpec, Machine
from pipeline.stage import Output
from schemas.cases import CaseFile
from schemas.wire import InvalidRecordError

GROUP = Group(records=2000, bytes=4 * 1024 * 1024)
"""What one transaction takes."""

PACE_SECONDS = 0.05
"""Between two transactions of an owner: one costs two to three milliseconds of CPU, however little is in it."""

LOOK_SECONDS = 1.0
"""The machine is called at least so often, and measured, where that does not take more than LOOK_SHARE of the time."""

LOOK_SHARE = 0.02

SETTLE_SECONDS = 2.0
"""After a start, timers wait so long for what lies in the inputs: what was said in time comes before them."""

logger = logging.getLogger(__name__)

NOTHING = Changes([], {}, {}, [])


class Done(msgspec.Struct, frozen=True, gc=False):
    """A turn is committed: the events of its chunks, to acknowledge, and what to count."""

    chunks: list[Any]
    sent: Sent
    facts: list[Any]
    moved: Counter[str]
    seconds: float


@dataclass(frozen=True)
class Tools:
    """What every owner of a stage works with. `make` makes a machine, `measure` says of one what its gauges need."""

    spec: CasesSpec
    client: dict[str, Any]
    group: str
    prefix: str
    shards: int
    dead_letter_bytes: int
    patience_seconds: float
    make: Callable[[int], Machine]
    measure: Callable[[Machine], Any]
    clock: Callable[[], dt.datetime]
    transactions: Callable[[dict[str, Any], str, float], Transactions] = Transactions


class Owner(threading.Thread):
    """See the module. `before`: the owner of this number in this process that was closed; it may still be at its last turn.

    `busy` and `steps` tell whether it is at something, and how often it got somewhere; `measured` is what was last measured.
    """

    def __init__(self, number: int, tools: Tools, inbox: Inbox, done: Callable[[Done], None], before: Owner | None) -> None:
        super().__init__(name=f"{tools.spec.name}-{number}", daemon=True)
        self.number, self.inbox = number, inbox
        self.busy, self.steps = True, 0
        self.measured: Any = None
        self.states = 0
        self._tools, self._done, self._before = tools, done, before
        spec, prefix = tools.spec, tools.prefix
        self._state_topic, self._file_topic = prefix + spec.state.name, prefix + spec.files.name
        self._intake = Intake(number, tools.shards, spec, DeadLetters(spec.name, prefix, tools.dead_letter_bytes))
        self._envelope = Envelope(spec.name, prefix)
        self._files = CaseFiles(tools.client, self._file_topic, number)
        self._machine = tools.make(tools.shards)
        self._positions: dict[str, int] = {}
        self._last_commit = self._settled_at = 0.0
        self._more = False
        self._next_look = 0.0

    def run(self) -> None:
        """Until the inbox is closed. Whatever goes wrong before ends the process; afterwards the number is another's, who is right."""
        try:
            if self._before is not None:
                self._before.join()
                self._before = None
            tools = self._tools
            self._transactions = tools.transactions(tools.client, f"{tools.group}.{self.number}", tools.patience_seconds)
            self._transactions.start()
            self._restore()
            while not self.inbox.closed:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
            if not self.inbox.closed:
                stop_for(error, f"owning number {self.number}")
        finally:
            self._files.close()
            self._let_go()

    def _let_go(self) -> None:
        """Of all that is large: whoever owns the number next waits for this one's end, so it is kept, and the next one may never come."""
        self.measured = None
        for large in ("_machine", "_files", "_transactions"):
            vars(self).pop(large, None)

    def _restore(self) -> None:
        started, tools = time.perf_counter(), self._tools
        with closing(Offsets(tools.client, tools.group, self.number)) as offsets:
            for key, value, headers in states(tools.client, self._state_topic, offsets):
                if self.inbox.closed:
                    return
                self._load(key, value, headers)
            inputs = [tools.prefix + topic.name for topic in tools.spec.inputs]
            self._positions |= check_positions(offsets, inputs, self._positions)
            self._files.check(*offsets.span(self._file_topic))
        self._settled_at = time.monotonic() + SETTLE_SECONDS
        seconds = time.perf_counter() - started
        metrics.RESTORE_SECONDS.observe(seconds)
        logger.info("number %d: %d states restored in %.1f s", self.number, len(self._machine), seconds)

    def _load(self, key: bytes, value: bytes | None, headers: Headers) -> None:
        if key.startswith(POSITION):
            self._positions[key[1:].decode()] = int(value or 0)
        else:
            self._machine.load(key, value)
            self._files.load(key.decode(), headers if value is not None else None)
        self.steps += 1

    # A turn ----------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self.busy = False
        chunks = self.inbox.take(self._patience(), self._last_commit + PACE_SECONDS)
        self.busy = True
        if self.inbox.closed:
            return
        started = time.perf_counter()
        new = unread((event.value.records for event in chunks), self._positions)
        taken = self._intake.sort(new, self._files.where)
        now = self._tools.clock()
        self._files.prepare(taken.on_files)
        settled = time.monotonic() >= self._settled_at
        changes = self._machine.step(taken.events, self._files, now) if taken.events or settled else NOTHING
        self._files.rest()
        if new or changes != NOTHING:
            topics = self._write(taken, changes, now)
            self._files.committed(changes.states)
            self._last_commit = time.monotonic()
        else:
            topics = Counter()
        if chunks or topics or changes.facts:
            sent = Sent(len(new), topics, changes.outputs, taken.reasons)
            moved = Counter(message.topic for message, _ in taken.moved)
            self._done(Done(chunks, sent, changes.facts, moved, time.perf_counter() - started))
        self._more = bool(changes.states) and not new
        self.steps += 1
        self._look()

    def _patience(self) -> float:
        """Seconds to wait for a chunk: until the machine's next timer, at most LOOK_SECONDS, and never so short that turns outrun the pace,
        or that timers are looked at which may not go off yet.

        Where time alone has just changed something, there may be more of it: a step makes only so many moves.
        """
        wakes_at = self._machine.wakes_at()
        until = 0.0 if self._more else (wakes_at - self._tools.clock()).total_seconds() if wakes_at is not None else LOOK_SECONDS
        now = time.monotonic()
        return max(0.0, self._last_commit + PACE_SECONDS - now, min(LOOK_SECONDS, max(until, self._settled_at - now)))

    def _look(self) -> None:
        started = time.monotonic()
        if started >= self._next_look:
            self.measured, self.states = self._tools.measure(self._machine), len(self._machine)
            self._next_look = started + max(LOOK_SECONDS, (time.monotonic() - started) / LOOK_SHARE)

    def _write(self, taken: Taken, changes: Changes, now: dt.datetime) -> Counter[str]:
        """One transaction. Returns how many messages went to which topic, the stage's own two left out."""
        transactions, number, time_made = self._transactions, self.number, time_header(now)
        transactions.begin()
        for post_id, file in changes.files.items():
            transactions.send(self._file_message(post_id, file, time_made), number, self._files.written)
        messages = [self._message(output, time_made, taken.traces) for output in changes.outputs]
        for message in (*messages, *taken.letters):
            transactions.send(message)
        for message, place in taken.moved:
            transactions.send(message, place)
        if changes.files:
            transactions.flush()  # the offsets of the files are known then
        for post_id, value in changes.states.items():
            transactions.send(Message(self._state_topic, post_id, value, self._files.header(post_id) if value is not None else []), number)
        for topic in taken.read:
            transactions.send(Message(self._state_topic, POSITION + topic.encode(), b"%d" % self._positions[topic], []), number)
        transactions.commit()
        return Counter(message.topic for message in (*messages, *taken.letters))

    def _file_message(self, post_id: str, file: CaseFile | None, time_made: Header) -> Message:
        if file is None:
            return Message(self._file_topic, post_id, None, [])
        return self._message(Output(self._tools.spec.files, file), time_made, {})

    def _message(self, output: Output, time_made: Header, traces: dict[str, bytes]) -> Message:
        trace = traces.get(output.topic.key_of(output.record)) if traces else None
        try:
            return self._envelope.message(output, time_made, trace)
        except InvalidRecordError as fault:
            raise StopWorker(ExitCode.BUG, f"number {self.number}: {fault}") from fault
