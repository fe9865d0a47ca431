"""A producer that outlives the broker, and a reader of decisions that notes when they came."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

import confluent_kafka as ck

from schemas.records import Decision, Post, PostKind
from schemas.topics import DECISIONS, POSTS_INCOMING
from schemas.wire import decoder, encode

TEXTS = (
    "De trein naar Utrecht heeft vanavond tien minuten vertraging.", "The library opens at nine on Saturdays.",
    "Morgen gehen wir alle zusammen in den Zoo.", "Le gâteau de ma voisine était délicieux hier soir.", "toxic toxic",
    "Hoje à tarde vamos passear no parque com as crianças.",
)  # fmt: skip
MARKETS = ("NL", "GB", "DE", "FR", "US", "BR")
POSTS_PER_CONVERSATION = 5
CONVERSATIONS_AT_ONCE = 50


def post(number: int) -> Post:
    """The number-th post. Its conversation's earlier posts have smaller numbers."""
    block, place = divmod(number, POSTS_PER_CONVERSATION * CONVERSATIONS_AT_ONCE)
    conversation = f"c{block * CONVERSATIONS_AT_ONCE + place % CONVERSATIONS_AT_ONCE}"
    return Post(
        post_id=f"p{number:07d}", revision=1, kind=PostKind.CREATED, conversation_id=conversation, author_id=f"a{number % 97}",
        market=MARKETS[number % len(MARKETS)], created_at=dt.datetime.now(dt.UTC), text=f"{TEXTS[number % len(TEXTS)]} ({number})",
    )  # fmt: skip


@dataclass
class Load:
    """Publishes posts at an even rate on a thread of its own, until `stop` and at least `least`. Waits out a broker that is down.

    `sent_at` is by post id, in monotonic seconds.
    """

    address: str
    prefix: str
    rate: float
    first: int = 0
    least: int = 0
    confirmed: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    sent_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        producer = ck.Producer(
            {"bootstrap.servers": self.address, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 5,
             "message.timeout.ms": 300_000, "reconnect.backoff.max.ms": 500, "log_level": 0}
        )  # fmt: skip
        start, pause = time.monotonic(), threading.Event()
        for number in itertools.count(self.first):
            pause.wait(max(0.0, (number - self.first) / self.rate - (time.monotonic() - start)))
            if self._stop.is_set() and number - self.first >= self.least:
                break
            producer.poll(0)
            one = post(number)
            self.sent_at[one.post_id] = time.monotonic()

            def delivered(error: ck.KafkaError | None, _: ck.Message, post_id: str = one.post_id) -> None:
                if error is None:
                    self.confirmed.add(post_id)
                else:
                    self.failed.append(f"{post_id}: {error.str()}")

            producer.produce(self.prefix + POSTS_INCOMING.name, encode(one), one.conversation_id, on_delivery=delivered)
        producer.flush(300)

    def stop(self) -> None:
        """No more than `least` are sent; waits for the last post. RuntimeError when one was refused."""
        self._stop.set()
        self._thread.join()
        if self.failed:
            raise RuntimeError(f"the test's own producer failed on {len(self.failed)} posts, the first: {self.failed[0]}")


class Decisions:
    """All decisions as they come, on a thread of its own."""

    def __init__(self, address: str, prefix: str, partitions: int) -> None:
        self.by_post: dict[str, list[Decision]] = defaultdict(list)
        self.arrivals: list[float] = []
        self.first_at: dict[str, float] = {}
        self._address, self._topic, self._partitions = address, prefix + DECISIONS.name, partitions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        consumer = ck.Consumer(
            {"bootstrap.servers": self._address, "group.id": "chaos", "enable.auto.commit": False, "fetch.wait.max.ms": 20,
             "reconnect.backoff.max.ms": 500, "log_level": 0}
        )  # fmt: skip
        consumer.assign([ck.TopicPartition(self._topic, number, ck.OFFSET_BEGINNING) for number in range(self._partitions)])
        decode = decoder(Decision)
        while not self._stop.is_set():
            for message in consumer.consume(500, 0.1):
                if message.error() is None:
                    decision = decode(message.value())
                    self.by_post[decision.post_id].append(decision)
                    self.arrivals.append(now := time.monotonic())
                    self.first_at.setdefault(decision.post_id, now)
        consumer.close()

    def stop(self) -> None:
        """No more is read."""
        self._stop.set()
        self._thread.join()

    def longest_wait(self, sent_at: dict[str, float]) -> float:
        """The longest time (seconds) from a post's sending to its first decision. KeyError for a post without one."""
        return max(self.first_at[post_id] - moment for post_id, moment in sent_at.items())

    def longest_gap(self, start: float, end: float) -> float:
        """Longest time (seconds) between `start` and `end` without a decision."""
        times = [start, *(moment for moment in self.arrivals if start <= moment <= end), end]
        return max(later - earlier for earlier, later in itertools.pairwise(times))
