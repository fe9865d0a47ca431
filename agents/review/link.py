"""The topics of a review tool: tasks and their events in, claims and verdicts out. Joins no consumer group, commits nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import confluent_kafka as ck

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Message
from agents.edge.reader import Entry, Reader, missing, reading
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.settings import Settings
from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, SPECVERSION, event_type
from schemas.people import TaskEvent, Verdict
from schemas.records import Record, ReviewTask
from schemas.topics import TASK_EVENTS, VERDICTS, review_topic
from schemas.wire import InvalidRecordError, decoder, encode

SOURCE = "sluice/review"
AT_A_TIME = 500

_task, _event = decoder(ReviewTask), decoder(TaskEvent)


class Ears(NamedTuple):
    """Who is told what, from the listening thread."""

    heard: Callable[[list[Record]], object]
    caught_up: Callable[[], object]
    said: Callable[[str], None]
    failed: Callable[[BaseException], object]


class Link:
    """Reads the review topics of `regions` and the task events, all that they hold and on; sends what the reviewer says."""

    def __init__(self, settings: Settings, regions: Sequence[str]) -> None:
        self._client = client_config(settings)
        self._prefix = settings.topic_prefix
        self._events = settings.topic_prefix + TASK_EVENTS.name
        self._tasks = [settings.topic_prefix + review_topic(region).name for region in regions]
        self._ended = threading.Event()
        self._sender = Sender(self._client, delivery_timeout_seconds=settings.delivery_timeout_seconds)

    def check(self) -> None:
        """Raises StopWorker if no broker answers or a topic is missing."""
        with reading(self._client) as reader:
            existing = reader.topics()
        for name in (self._events, *self._tasks, self._prefix + VERDICTS.name):
            if name not in existing:
                raise StopWorker(ExitCode.DENIED, missing(name))

    def listen(self, ears: Ears) -> threading.Thread:
        """Reads in a thread of its own, until `close`."""
        thread = threading.Thread(target=self._listen, args=(ears,), name="review-link", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Ends the reading."""
        self._ended.set()

    def send(self, record: TaskEvent | Verdict) -> None:
        """Returns when the broker has it. Raises StopWorker if it refuses. One thread at a time."""
        topic = VERDICTS if isinstance(record, Verdict) else TASK_EVENTS
        at = record.decided_at if isinstance(record, Verdict) else record.at
        headers: dict[str, str | bytes | None] = {
            CE_SPECVERSION: SPECVERSION,
            CE_ID: topic.id_of(record),
            CE_TYPE: event_type(topic),
            CE_SOURCE: SOURCE,
            CE_TIME: at.isoformat(),
        }
        self._sender.send(Message(self._prefix + topic.name, topic.key_of(record), encode(record), list(headers.items())))
        self._sender.flush()

    def _listen(self, ears: Ears) -> None:
        try:
            with reading(self._client, ears.said) as reader:
                self._read(reader, ears)
        except BaseException as error:  # noqa: BLE001 - without it the screen would stand still and say nothing
            ears.failed(error)

    def _read(self, reader: Reader, ears: Ears) -> None:
        """Events first: of most tasks that are still kept they say that nobody has to look any more."""
        positions: dict[tuple[str, int], int] = {}
        for names in ([self._events], self._tasks):
            starts = [ck.TopicPartition(name, number, ck.OFFSET_BEGINNING) for name in names for number in reader.partitions(name)]
            positions |= {(start.topic, start.partition): ck.OFFSET_BEGINNING for start in starts}
            batch: list[Record] = []
            for record in self._records(reader.entries(starts, ended=self._ended.is_set), positions, ears):
                batch.append(record)
                if len(batch) == AT_A_TIME:
                    ears.heard(batch)
                    batch = []
            ears.heard(batch)
        ears.caught_up()
        starts = [ck.TopicPartition(name, number, offset) for (name, number), offset in positions.items()]
        for record in self._records(reader.entries(starts, follow=True, ended=self._ended.is_set), positions, ears):
            ears.heard([record])

    def _records(self, entries: Iterator[Entry], positions: dict[tuple[str, int], int], ears: Ears) -> Iterator[Record]:
        for entry in entries:
            positions[entry.topic, entry.partition] = entry.offset + 1
            try:
                yield (_event if entry.topic == self._events else _task)(entry.value)
            except InvalidRecordError:
                ears.said(f"{entry.topic}[{entry.partition}]@{entry.offset} cannot be read and is left out")
