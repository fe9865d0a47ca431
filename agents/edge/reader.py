"""Looks at topics from outside: no group is joined, nothing is committed. For commands, which a person waits for."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import DENIED, hint

ANSWER_SECONDS = 8.0
"""A person waits for it; a broker that is there answers in milliseconds, through TLS and SASL in one or two seconds."""

FIRST_ANSWER_SECONDS, FIRST_TRIES = 1.0, 8
"""The same, in pieces: where every connection is refused, waiting longer is in vain."""

SILENCE_SECONDS = 30.0
POLL_SECONDS = 0.2
BATCH = 500

UNUSED_GROUP = "unused"
"""librdkafka wants a group from every consumer, also where nothing is joined or committed."""

SILENT = logging.getLogger("agents.edge.reader.silent")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False

Headers = tuple[tuple[str, bytes | None], ...]


class Entry(NamedTuple):
    """A record as it lies in a topic. `time` is the broker's or the producer's, as the topic is set."""

    topic: str
    partition: int
    offset: int
    time: dt.datetime
    key: bytes | None
    value: bytes | None
    headers: Headers


class Layout(NamedTuple):
    """How a topic is laid out. `copies`: of the partition that has the fewest."""

    partitions: int
    copies: int


class Cluster(NamedTuple):
    """How many brokers there are, and every topic that may be seen."""

    brokers: int
    topics: dict[str, Layout]


class Span(NamedTuple):
    """The offsets that a partition holds: from `low` to before `high`."""

    low: int
    high: int


class Reader:
    """A consumer of one's own choosing of partitions and offsets. Its methods raise StopWorker when the broker does not play along."""

    def __init__(self, client: Mapping[str, Any], warn: Callable[[str], None] | None = None) -> None:
        """`warn` is told, in a sentence, when the broker is away while `entries` follows a topic."""
        self._warn = warn
        self._address = str(client["bootstrap.servers"])
        self._heard: ck.KafkaError | None = None
        self._down = self._following = False
        self.ends: dict[tuple[str, int], int] = {}  # where `entries` came to the end of a partition: behind all marks of transactions
        self._consumer = ck.Consumer(
            {
                **quiet(client, self._trouble),
                "group.id": UNUSED_GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
            }
        )

    def close(self) -> None:
        """Leaves."""
        self._consumer.close()

    def _trouble(self, error: ck.KafkaError) -> None:
        if error.code() != ck.KafkaError._ALL_BROKERS_DOWN:
            self._heard = error
            return
        if self._following and not self._down and self._warn:
            self._warn(f"no broker answers at {self._address}; waiting for it")
        self._down = True

    @property
    def _said(self) -> str:
        return words(self._heard) if self._heard else "no answer"

    def cluster(self) -> Cluster:
        """Brokers and topics. The first thing to ask: says clearly when no broker is there."""
        for attempt in range(1, FIRST_TRIES + 1):
            try:
                found = self._consumer.list_topics(timeout=FIRST_ANSWER_SECONDS)
                partitions = {name: topic.partitions.values() for name, topic in found.topics.items() if topic.error is None}
                layouts = {
                    name: Layout(len(all_of_it), min((len(each.replicas) for each in all_of_it), default=0))
                    for name, all_of_it in partitions.items()
                }
                return Cluster(len(found.brokers), layouts)
            except ck.KafkaException as error:
                self._consumer.poll(0)  # librdkafka's words, the reason among them, come only then
                if self._down or attempt == FIRST_TRIES:
                    raise self._unreachable(error.args[0]) from error
        raise AssertionError("unreachable")

    def topics(self) -> dict[str, int]:
        """Every topic that may be seen, with its partition count. See `cluster`."""
        return {name: layout.partitions for name, layout in self.cluster().topics.items()}

    def forbids(self, topic: str) -> bool:
        """Whether the broker says that this user may not see this topic, be it there or not."""
        with broker_faults(topic):
            error = self._consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic].error
        return error is not None and error.code() == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED

    def _unreachable(self, fault: ck.KafkaError) -> StopWorker:
        for each in (fault, self._heard):
            if each and each.code() in DENIED:
                return StopWorker(ExitCode.DENIED, f"{self._address}: {words(each)}")
        question = "is it running, and are --broker (SLUICE_BROKER) and SLUICE_SECURITY_PROTOCOL right?"
        return StopWorker(ExitCode.UNREACHABLE, f"no broker answers at {self._address} ({self._said}): {question}")

    def partitions(self, topic: str) -> list[int]:
        """The partitions of an existing topic. StopWorker if there is no such topic."""
        count = self.topics().get(topic)
        if not count:
            raise StopWorker(ExitCode.DENIED, missing(topic))
        return list(range(count))

    def spans(self, topic: str) -> dict[int, Span]:
        """What each partition of an existing topic holds."""
        with broker_faults(topic):
            return {number: self._span(ck.TopicPartition(topic, number)) for number in self.partitions(topic)}

    def _span(self, place: ck.TopicPartition) -> Span:
        offsets = cast("tuple[int, int] | None", self._consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS))
        if offsets is None:
            raise StopWorker(ExitCode.UNREACHABLE, f"{place.topic}[{place.partition}]: no answer in {ANSWER_SECONDS:.0f} s")
        return Span(*offsets)

    def since(self, topic: str, time: dt.datetime) -> dict[int, int]:
        """Per partition of an existing topic the offset of the first record from `time` on, or the end."""
        places = [ck.TopicPartition(topic, number, int(time.timestamp() * 1000)) for number in self.partitions(topic)]
        with broker_faults(topic):
            return {place.partition: place.offset for place in self._consumer.offsets_for_times(places, timeout=ANSWER_SECONDS)}

    def entries(
        self, starts: Sequence[ck.TopicPartition], *, follow: bool = False, headers: bool = False, ended: Callable[[], bool] = lambda: False
    ) -> Iterator[Entry]:
        """Records from the given offsets on: to where each partition ends now, or for ever, or until `ended` (asked five times a second).
        In order within a partition.

        `headers` only for topics that stages write: a name that is no UTF-8, which a producer may send, leaves confluent-kafka's list of
        headers broken inside (2.16), and Python with it.
        """
        self._consumer.assign(list(starts))
        self._following = follow
        unfinished = {(start.topic, start.partition) for start in starts}
        silent = 0.0
        while (unfinished or follow) and not ended():
            messages = self._consumer.consume(BATCH, POLL_SECONDS)
            silent = 0.0 if messages else silent + POLL_SECONDS
            if silent > SILENCE_SECONDS and not follow:
                raise StopWorker(ExitCode.UNREACHABLE, f"{self._address}: silent for {SILENCE_SECONDS:.0f} s while reading ({self._said})")
            for message in messages:
                error = message.error()
                if error is None:
                    self._down = False
                    yield entry(message, headers=headers)
                elif error.code() == ck.KafkaError._PARTITION_EOF:
                    place = (message.topic() or "", message.partition() or 0)
                    self.ends[place] = message.offset() or 0
                    unfinished.discard(place)
                elif not (error.retriable() or of_unused_group(error)):
                    code = ExitCode.DENIED if error.code() in DENIED else ExitCode.UNREACHABLE
                    raise StopWorker(code, f"{message.topic()}: {error.str()}{hint(error)}")

    def whole(self, topic: str, *, headers: bool = False) -> Iterator[Entry]:
        """Everything that an existing topic holds now."""
        return self.entries([ck.TopicPartition(topic, number, ck.OFFSET_BEGINNING) for number in self.partitions(topic)], headers=headers)


@contextmanager
def reading(client: Mapping[str, Any], warn: Callable[[str], None] | None = None) -> Iterator[Reader]:
    """A Reader for the length of a `with` block."""
    reader = Reader(client, warn)
    try:
        yield reader
    finally:
        reader.close()


def entry(message: ck.Message, *, headers: bool) -> Entry:
    """A message of confluent-kafka as plain data; without headers unless they are asked for."""
    found = cast("list[tuple[str, bytes | None]]", message.headers() or []) if headers else []  # of a message that was read: such a list
    return Entry(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        dt.datetime.fromtimestamp(message.timestamp()[1] / 1000, dt.UTC),
        message.key(),
        message.value(),
        tuple(found),
    )


def quiet(client: Mapping[str, Any], heard: Callable[[ck.KafkaError], None]) -> dict[str, Any]:
    """A client's settings, so that what librdkafka has to say goes to `heard` and not to standard error."""
    return {**client, "logger": SILENT, "error_cb": heard}


def words(error: ck.KafkaError) -> str:
    """What librdkafka says of an error, without how often it tried, and which setting may be wrong."""
    said = error.str().partition(" (after ")[0]
    if error.code() in (ck.KafkaError._AUTHENTICATION, ck.KafkaError.SASL_AUTHENTICATION_FAILED):
        return f"{said}: are SLUICE_SASL_USERNAME, the password and SLUICE_SASL_MECHANISM right?"
    fault, unverified, _ = said.partition("certificate verify failed")
    return f"{fault}{unverified}: does SLUICE_SSL_CA_FILE hold the authority that signed the broker's certificate?" if unverified else said


def of_unused_group(error: ck.KafkaError) -> bool:
    """Whether it says only that this user has no right on UNUSED_GROUP, which nobody needs."""
    return error.code() == ck.KafkaError.GROUP_AUTHORIZATION_FAILED


@contextmanager
def broker_faults(doing: str) -> Iterator[None]:
    """A refusal of the broker becomes a StopWorker with a sentence that begins with `doing`."""
    try:
        yield
    except ck.KafkaException as error:
        fault = error.args[0]
        raise StopWorker(
            ExitCode.DENIED if fault.code() in DENIED else ExitCode.UNREACHABLE, f"{doing}: {fault.str()}{hint(fault)}"
        ) from error


def missing(topic: str) -> str:
    """What to say of a topic that is not there."""
    return f"topic {topic} does not exist or may not be seen: make it with `sluice topics create`, or is SLUICE_TOPIC_PREFIX not right?"
