"""Who the pipeline works for, SIMULATED: a producer, review teams that read nothing, and a platform. Each on a thread of its own."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import confluent_kafka as ck

from agents.review.words import Answer, verdict
from pipeline.ids import draw
from pipeline.policy.roster import Roster
from pipeline.routing.digest import digest_of
from schemas.people import Enforcement, Outcome
from schemas.records import Action, Decision, Post, PostKind, Record, ReviewTask
from schemas.topics import DECISIONS, ENFORCEMENTS, POSTS_INCOMING, VERDICTS, Topic, review_topic
from schemas.wire import decoder, encode
from tests.support.posts_in_flow import CALM, CALM_DUTCH, HATE, THREAT, THREAT_DUTCH

TEXTS = (
    *((CALM, "GB"), (CALM_DUTCH, "NL")) * 7, (THREAT, "GB"), (THREAT_DUTCH, "NL"), (HATE, "GB"),
    ("\N{PARTY POPPER} \N{PARTY POPPER} https://example.org", "US"),
)  # fmt: skip
R = TypeVar("R", bound=Record)
POISON_SHARE = 0.1
REMOVED_SHARE = 0.3


@dataclass
class Mood:
    """What is wrong in the town just now; faults set it."""

    poison: bool = False
    away: set[str] = field(default_factory=set)
    hides_context: bool = False
    removes_everything: bool = False
    confirms: bool = True


class Town:
    """Producer, teams and platform, until `close`. `regions` are those that have teams."""

    def __init__(self, address: str, prefix: str, roster: Roster, regions: Sequence[str], rate: float) -> None:
        self.mood = Mood()
        self._address, self._prefix, self._roster, self._rate = address, prefix, roster, rate
        self._over = threading.Event()
        self._unconfirmed: list[Decision] = []
        self._producer = ck.Producer({"bootstrap.servers": address, "partitioner": "murmur2_random", "linger.ms": 5, "log_level": 0})
        reviews = [review_topic(region) for region in regions]
        jobs: tuple[Callable[[], None], ...] = (
            self._produce,
            lambda: self._answer(reviews, ReviewTask, self._judge),
            lambda: self._answer([DECISIONS], Decision, self._enforce),
        )
        self._threads = [threading.Thread(target=job, name=f"town-{number}", daemon=True) for number, job in enumerate(jobs)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """All go home."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._producer.flush(10)

    def _produce(self) -> None:
        """Posts at an even rate; where the mood is poison, every tenth record is none."""
        start = time.monotonic()
        for number in itertools.count():
            if self._over.wait(max(0.0, number / self._rate - (time.monotonic() - start))):
                return
            one = _post(number)
            value = b"{no post" if self.mood.poison and draw("poison", one.post_id) < POISON_SHARE else encode(one)
            self._producer.produce(self._prefix + POSTS_INCOMING.name, value, one.conversation_id)
            self._producer.poll(0)

    def _answer(self, topics: Sequence[Topic], kind: type[R], answer: Callable[[R], None]) -> None:
        """Reads what is new, and does what `answer` does with it."""
        consumer = ck.Consumer(
            {"bootstrap.servers": self._address, "group.id": f"town-{uuid.uuid4()}", "auto.offset.reset": "latest",
             "isolation.level": "read_committed", "fetch.wait.max.ms": 50, "log_level": 0}
        )  # fmt: skip
        decode = decoder(kind)
        consumer.subscribe([self._prefix + topic.name for topic in topics])
        while not self._over.is_set():
            for message in consumer.consume(200, 0.2):
                if message.error() is None:
                    answer(decode(message.value()))
            self._producer.poll(0)
        consumer.close()

    def _judge(self, task: ReviewTask) -> None:
        """A number drawn from the post's id decides; nobody reads it."""
        there = [each for each in self._roster.reviewers if task.region in each.regions and each.id not in task.barred_reviewers]
        able = [each for each in there if each.speaks(task.language)] or there
        if not able or task.region in self.mood.away:
            return
        removed = self.mood.removes_everything or draw("removed", task.post.post_id) < REMOVED_SHARE
        threatens = task.post.text in {THREAT, THREAT_DUTCH}  # what the machine has allowed is allowed: here it is always right
        answer = Answer(Outcome.REMOVE, label="threat") if removed and threatens else Answer(Outcome.ALLOW)
        digest = None if self.mood.hides_context else digest_of(task.post, task.context)
        self._say(VERDICTS, task.post.post_id, verdict(task, answer, digest, able[0].id, uuid.uuid4().hex, _now()))

    def _enforce(self, decision: Decision) -> None:
        """What the platform has not confirmed while it confirmed nothing, it confirms later."""
        if decision.action is not Action.ALLOW:
            self._unconfirmed.append(decision)
        while self.mood.confirms and self._unconfirmed:
            each = self._unconfirmed.pop(0)
            done = Enforcement(decision_id=each.decision_id, post_id=each.post_id, action=each.action, applied_at=_now())
            self._say(ENFORCEMENTS, each.post_id, done)

    def _say(self, topic: Topic, key: str, record: Record) -> None:
        self._producer.produce(self._prefix + topic.name, encode(record), key)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _post(number: int) -> Post:
    text, market = TEXTS[number % len(TEXTS)]
    return Post(
        post_id=f"{number:08d}", revision=1, kind=PostKind.CREATED, conversation_id=f"c{number // 5}", author_id=f"a{number % 97}",
        market=market, created_at=_now(), text=text,
    )  # fmt: skip
