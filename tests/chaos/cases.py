"""Cases while their workers are killed and one is put to sleep: what comes of them equals a run in which nothing happened."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import confluent_kafka as ck

from agents.edge.failures import ExitCode
from schemas.records import Record, ReviewTask
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, DEAD_LETTERS, DECISIONS, NOTICES, TASK_EVENTS, Topic, review_topic
from schemas.wire import decoder, encode
from tests.chaos.lives import Life, Sent, lives
from tests.support.clients import OwnTopics, behind
from tests.support.kafka import Broker
from tests.support.workers import Process, wait_for, worker

PARTITIONS = 6
REGIONS = ("english", "dutch")
REVIEWS = tuple(review_topic(region) for region in REGIONS)
OUTPUTS = (DECISIONS, NOTICES, *REVIEWS)
SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """`kills`: of the worker, at even shares of the lives. `session`: seconds; the zombie sleeps longer."""

    cases: int
    kills: int
    session: float = 10.0
    zombie: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: states by post, and decisions by post in order; how many of the committed were there twice."""

    states: dict[str, bytes]
    decisions: dict[str, list[bytes]]
    twice: int
    dead_letters: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """The run with faults beside that without."""

    cases: int
    kills: int
    zombie: bool
    fenced: int
    states_differ: int
    decisions_differ: int
    twice: int
    dead_letters: int
    seconds: float
    seconds_without: float

    @property
    def sound(self) -> bool:
        """As if nothing had happened."""
        return not (self.states_differ or self.decisions_differ or self.twice or self.dead_letters)

    def __str__(self) -> str:
        zombie = f"a zombie woken, {self.fenced} fenced" if self.zombie else "no zombie"
        return (
            f"cases {self.cases}, workers killed {self.kills} times, {zombie}\n"
            f"states that differ {self.states_differ} / posts whose decisions differ {self.decisions_differ} / "
            f"decisions twice {self.twice} / dead letters {self.dead_letters}\n"
            f"{self.seconds:.0f} s, without faults {self.seconds_without:.0f} s"
        )


def run(broker: Broker, prefix: str, folder: Path, rules: dict[str, object], plan: Plan, say: Callable[[str], object] = print) -> Report:
    """Both runs, one after the other, on the same lives."""
    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    calm = _Run(broker.address, f"{prefix}calm.", folder / "calm", rules, replace(plan, kills=0, zombie=False), say)
    expected = calm.live(start)
    wild = _Run(broker.address, f"{prefix}wild.", folder / "wild", rules, plan, say)
    found = wild.live(start)
    posts = expected.states.keys() | found.states.keys()
    return Report(
        cases=plan.cases,
        kills=wild.killed,
        zombie=plan.zombie,
        fenced=wild.fenced,
        states_differ=sum(expected.states.get(post) != found.states.get(post) for post in posts),
        decisions_differ=sum(expected.decisions.get(post) != found.decisions.get(post) for post in posts),
        twice=found.twice + expected.twice,
        dead_letters=found.dead_letters + expected.dead_letters,
        seconds=found.seconds,
        seconds_without=expected.seconds,
    )


class _Run:
    def __init__(self, address: str, prefix: str, folder: Path, rules: dict[str, object], plan: Plan, say: Callable[[str], object]) -> None:
        self._address, self._prefix, self._folder, self._rules, self._plan, self._say = address, prefix, folder, rules, plan, say
        self._topics = OwnTopics(address, prefix)
        self._workers: list[Process] = []
        self._stack = ExitStack()
        self.killed = 0
        self.fenced = 0

    def live(self, start: dt.datetime) -> Outcome:
        """Lets all lives go to their end while workers are killed; what is left then."""
        inputs = [replace(topic, append_time=False) for topic in CASE_INPUTS]  # their times are those of the lives: the clock of the stage
        wanted = (*inputs, CASE_STATE, CASE_FILES, *OUTPUTS, DEAD_LETTERS)
        self._topics.create(*wanted, partitions={topic.name: PARTITIONS for topic in wanted})
        with self._stack:
            began = time.monotonic()
            first = self._start("one")
            driver = _Driver(self._address, self._prefix, lives(self._plan.cases, start))
            self._stack.callback(driver.close)
            share = self._plan.cases / (self._plan.kills + 2)
            for number in range(1, self._plan.kills + 1):
                driver.go_on_until(lambda ended, number=number: ended >= number * share, self._log)  # type: ignore[misc]
                os.kill(self._stage(first), signal.SIGKILL)
                self.killed = number
                self._say(f"  kill {number} of cases")
            if self._plan.zombie:
                self._sleep_and_wake(first, driver)
            driver.go_on_until(lambda ended: ended == self._plan.cases, self._log)
            driver.drained(self._prefix, self._log)
            self.fenced = sum(each.log.count(f"code {ExitCode.FENCED.value} (") for each in self._workers)
            seconds = time.monotonic() - began
            for worker in self._workers:
                if worker.stop():
                    raise AssertionError(f"a worker ended with an error:\n{worker.log[-3000:]}")
        outcome = self._outcome(seconds)
        self._topics.delete()
        return outcome

    def _start(self, name: str) -> Process:
        given = {**self._rules, "session_timeout_seconds": self._plan.session, "instance": name}
        process = worker(self._address, self._prefix, self._folder / name, ["cases"], **given)
        self._workers.append(process)
        return self._stack.enter_context(process)

    def _stage(self, supervised: Process) -> int:
        """The process of the stage; the supervisor starts it again when it has ended."""
        wait_for(lambda: "cases" in supervised.stages(), lambda: f"the stage does not run:\n{supervised.log[-3000:]}", SILENCE_SECONDS)
        pid: int = supervised.stages()["cases"].pid
        return pid

    def _sleep_and_wake(self, first: Process, driver: _Driver) -> None:
        """SIGSTOP for longer than the session; another takes over; SIGCONT: it must change nothing.

        It is fenced, or it joins again and fences the other: the supervisor starts whoever that ends.
        """
        self._some(driver)
        sleeper = self._stage(first)
        os.kill(sleeper, signal.SIGSTOP)
        second = self._start("two")
        everything = PARTITIONS * len(CASE_INPUTS)
        wait_for(lambda: second.assigned_partitions() == everything, lambda: f"it takes nothing over:\n{self._log()}", SILENCE_SECONDS)
        self._say("  a worker sleeps, another has taken over")
        self._some(driver)
        os.kill(sleeper, signal.SIGCONT)
        self._some(driver)

    def _some(self, driver: _Driver) -> None:
        ended = driver.ended
        driver.go_on_until(lambda now: now > ended + 10 or now == self._plan.cases, self._log)

    def _log(self) -> str:
        return self._workers[-1].log[-3000:]

    def _outcome(self, seconds: float) -> Outcome:
        states: dict[str, bytes] = {}
        for message in self._topics.read_all(CASE_STATE, timeout=120):
            key = (message.key or b"").decode()
            if not key.startswith(("@", "#")):
                states[key] = message.value or b""
        decisions: dict[str, list[bytes]] = defaultdict(list)
        for message in self._topics.read_all(DECISIONS, timeout=120):
            decisions[(message.key or b"").decode()].append(message.value or b"")
        twice = sum(len(same) - len(set(same)) for same in decisions.values())
        return Outcome(states, dict(decisions), twice, len(self._topics.read_all(DEAD_LETTERS)), seconds)


class _Driver:
    """Authors, reviewers, reporters and the platform: reads what is committed, and answers."""

    def __init__(self, address: str, prefix: str, started: dict[str, Life]) -> None:
        self._lives, self._address = started, address
        self._names = {topic.name: prefix + topic.name for topic in CASE_INPUTS}
        self._types = {prefix + topic.name: decoder(_record(topic)) for topic in OUTPUTS}
        self._producer = ck.Producer(
            {"bootstrap.servers": address, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 5,
             "log_level": 0}
        )  # fmt: skip
        self._consumer = ck.Consumer(
            {"bootstrap.servers": address, "group.id": "chaos-driver", "enable.auto.commit": False, "isolation.level": "read_committed",
             "fetch.wait.max.ms": 20, "log_level": 0}
        )  # fmt: skip
        self._consumer.assign(
            [ck.TopicPartition(name, number, ck.OFFSET_BEGINNING) for name in self._types for number in range(PARTITIONS)]
        )
        self._sent = 0
        self.ended = 0
        self._last = time.monotonic()
        for life in started.values():
            self._send(life.first)

    def go_on_until(self, reached: Callable[[int], bool], log: Callable[[], str]) -> None:
        """Answers until so many lives have ended. AssertionError when nothing has come for SILENCE_SECONDS."""
        self._last = time.monotonic()
        while not reached(self.ended):
            if time.monotonic() - self._last > SILENCE_SECONDS:
                raise AssertionError(f"only {self.ended} of {len(self._lives)} lives have ended, and nothing comes:\n{log()}")
            for record in self._come():
                post = record.post.post_id if isinstance(record, ReviewTask) else record.post_id  # type: ignore[attr-defined]
                life = self._lives[post]
                answer = life.answer(record)
                if answer is not None:
                    self._send(answer)
                    self.ended += not life.steps

    def drained(self, prefix: str, log: Callable[[], str]) -> None:
        """Returns when the stage has read all that was sent."""
        self._producer.flush(60)
        foreign = [name for topic, name in self._names.items() if topic != TASK_EVENTS.name]  # that one ends with marks of transactions
        wait_for(
            lambda: not behind(self._address, f"{prefix}sluice.cases", foreign),
            lambda: f"the stage does not come to the end of its topics:\n{log()}",
            SILENCE_SECONDS,
        )

    def close(self) -> None:
        """Leaves."""
        self._consumer.close()

    def _come(self) -> Iterator[Record]:
        for message in self._consumer.consume(1000, 0.05):
            if message.error() is None:
                self._last = time.monotonic()
                yield self._types[message.topic() or ""](message.value())
        self._producer.poll(0)

    def _send(self, sent: Sent) -> None:
        key = sent.topic.key_of(sent.record)
        self._producer.produce(self._names[sent.topic.name], encode(sent.record), key, timestamp=int(sent.at.timestamp() * 1000))
        self._sent += 1
        if self._sent % 1000 == 0:
            self._producer.flush(60)


def _record(topic: Topic) -> type[Record]:
    assert topic.record is not None
    return topic.record
