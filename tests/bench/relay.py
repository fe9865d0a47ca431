"""What the transport costs: one stage that decodes, makes a new record, encodes and forwards, in three ways.

`python -m tests.bench.relay VARIANT BROKER PREFIX COUNT` reads COUNT posts and prints rate and CPU as one JSON line. All variants do
the same work on each record, headers included, and acknowledge only what the broker has confirmed (idiomatic Faust: what it has sent).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import faust

from agents.edge.counts import Sent
from agents.edge.process import execute
from agents.edge.runner import Agent, Runner
from agents.settings import load
from pipeline.stage import Incoming, Output, Stage, StageSpec
from schemas.headers import event_type
from schemas.records import Language, LanguagePost, Post
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE
from schemas.wire import decoder, encode

DUTCH = Language(tag="nl", confidence=0.99)
HEADERS: list[tuple[str, str | bytes | None]] = [
    ("ce_specversion", b"1.0"),
    ("ce_type", event_type(POSTS_LANGUAGE).encode()),
    ("ce_source", b"sluice/bench"),
]


class Meter:
    """Prints posts per second and CPU microseconds per post, from when a tenth was read to when the last is confirmed.

    Not from when a tenth was confirmed: two thirds of all may wait for their confirmation by then, and would count as done in no time.
    """

    def __init__(self, count: int) -> None:
        self.count, self.read, self.done = count, 0, 0
        threading.Thread(target=self._report, daemon=True).start()

    def _report(self) -> None:
        while self.read < self.count / 10:
            time.sleep(0.002)
        start, cpu, first = time.perf_counter(), time.process_time(), self.read
        while self.done < self.count:
            time.sleep(0.005)
        posts = self.done - first
        result = {"rate": posts / (time.perf_counter() - start), "cpu_us": (time.process_time() - cpu) / posts * 1e6}
        print(json.dumps(result), flush=True)
        os._exit(0)


class RelayStage:
    """Decodes and encodes only."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def process(self, batch: Sequence[Incoming[Post]], now: dt.datetime) -> list[list[Output]]:
        self._meter.read += len(batch)
        return [[Output(POSTS_LANGUAGE, LanguagePost(post=item.record, received_at=item.appended_at, language=DUTCH))] for item in batch]

    def fallback(self, item: Incoming[Post], now: dt.datetime) -> list[Output]:
        raise AssertionError("the relay never fails")


def sluice(broker: str, prefix: str, meter: Meter) -> None:
    """The product's own edge."""

    def start() -> Callable[[Iterable[Post]], Stage[Post]]:
        stage = RelayStage(meter)
        return lambda _history: stage

    spec = StageSpec("bench", POSTS_INCOMING, (POSTS_LANGUAGE,), start, 500)
    settings = load(broker=broker, topic_prefix=prefix, data_dir=Path(tempfile.mkdtemp()))
    runner = Runner(Agent(spec), settings, "bench")
    confirmed = runner._counts.confirmed

    def count(sent: Sent) -> None:
        confirmed(sent)
        meter.done += sent.posts

    runner._counts.confirmed = count  # type: ignore[method-assign]
    execute(runner)


def confluent(broker: str, prefix: str, meter: Meter) -> None:
    """A plain loop: consume, forward, count confirmations; commit each half second what is confirmed."""
    consumer = ck.Consumer(
        {"bootstrap.servers": broker, "group.id": "confluent", "auto.offset.reset": "earliest", "enable.auto.commit": False,
         "fetch.wait.max.ms": 20}
    )  # fmt: skip
    producer = ck.Producer(
        {"bootstrap.servers": broker, "linger.ms": 5, "acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random",
         "compression.type": "lz4", "queue.buffering.max.messages": 200_000}
    )  # fmt: skip
    threading.Thread(target=lambda: [producer.poll(0.5) for _ in iter(int, 1)], daemon=True).start()
    consumer.subscribe([prefix + POSTS_INCOMING.name])
    decode, target = decoder(Post), prefix + POSTS_LANGUAGE.name
    confirmed: dict[int, int] = defaultdict(int)
    last_commit = time.monotonic()
    while True:
        messages = consumer.consume(500, 0.1)
        meter.read += len(messages)
        now = dt.datetime.now(dt.UTC)
        stamp = ("ce_time", now.isoformat().encode())
        for message in messages:
            partition, offset = message.partition() or 0, message.offset() or 0

            def delivered(error: ck.KafkaError | None, _: ck.Message, partition: int = partition, offset: int = offset) -> None:
                if error is not None:
                    os._exit(1)
                confirmed[partition] = offset + 1
                meter.done += 1

            post = decode(message.value())
            record = LanguagePost(post=post, received_at=dt.datetime.fromtimestamp(message.timestamp()[1] / 1000, dt.UTC), language=DUTCH)
            headers = [*HEADERS, ("ce_id", f"{post.post_id}:{post.revision}".encode()), stamp]
            while True:
                try:
                    producer.produce(target, encode(record), post.conversation_id, on_delivery=delivered, headers=headers)
                    break
                except BufferError:
                    time.sleep(0.005)
        if confirmed and time.monotonic() - last_commit > 0.5:
            places = [ck.TopicPartition(prefix + POSTS_INCOMING.name, partition, offset) for partition, offset in confirmed.items()]
            consumer.commit(offsets=places, asynchronous=True)
            last_commit = time.monotonic()


def idiomatic(broker: str, prefix: str, meter: Meter) -> None:
    """Faust as its documentation shows it: an agent that sends to a topic."""
    app = faust.App(
        "idiomatic", broker=f"kafka://{broker}", store="memory://", web_enabled=False, topic_allow_declare=False, topic_disable_leader=True,
        key_serializer="raw", value_serializer="raw", consumer_auto_offset_reset="earliest", datadir=tempfile.mkdtemp(),
    )  # fmt: skip
    source, target = app.topic(prefix + POSTS_INCOMING.name), app.topic(prefix + POSTS_LANGUAGE.name)
    decode = decoder(Post)

    async def relay(stream: Any) -> None:
        async for event in stream.events():
            meter.read += 1
            post = decode(event.value)
            at = dt.datetime.fromtimestamp(event.message.timestamp, dt.UTC)
            record = LanguagePost(post=post, received_at=at, language=DUTCH)
            stamp = ("ce_time", dt.datetime.now(dt.UTC).isoformat().encode())
            headers = [*HEADERS, ("ce_id", f"{post.post_id}:{post.revision}".encode()), stamp]
            await target.send(key=post.conversation_id.encode(), value=encode(record), headers=headers)
            meter.done += 1

    app.agent(source)(relay)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True, override_logging=False).execute_from_commandline()


VARIANTS = {"sluice": sluice, "confluent": confluent, "faust": idiomatic}

if __name__ == "__main__":
    variant, broker_address, topic_prefix, posts = sys.argv[1:]
    sys.argv = sys.argv[:1]
    logging.basicConfig(level="ERROR")
    VARIANTS[variant](broker_address, topic_prefix, Meter(int(posts)))
