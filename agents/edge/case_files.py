"""Case files of one partition number: memory holds where each lies in its topic, and the content of the last ones that were used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import confluent_kafka as ck
from cachetools import LRUCache

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Header
from agents.edge.restore import LogReader
from schemas.cases import CaseFile
from schemas.wire import decoder

FILE = "file"
"""Header of a state: the offset of the post's case file, in the same partition of its own topic. Compaction keeps offsets."""

NO_FILE = -1
CACHE_BYTES = 2 * 1024 * 1024
"""Of files that were used last: a thousand or so. What is read later than that is read from the broker."""

PREPARED_BYTES = 16 * 1024 * 1024
NEAR = 50
"""Records between two files that are read rather than skipped."""

MADE_ANEW = "was the topic made anew, or another one restored than that of the states?"

READING = {
    "isolation.level": "read_uncommitted",  # that a file is committed is known
    "queued.min.messages": 1,
    "fetch.message.max.bytes": 64 * 1024,
    "fetch.wait.max.ms": 1,
    "fetch.queue.backoff.ms": 1,
}
"""A file here, a file there: what lies behind one is not wanted. So one is read in about 1.5 ms; with librdkafka's defaults in 5."""


class CaseFiles:
    """`where`: the posts whose state is kept, each with the offset of its file. To be used on one thread."""

    def __init__(self, client: Mapping[str, Any], topic: str, partition: int) -> None:
        self.where: dict[str, int] = {}
        self._decode = decoder(CaseFile)
        self._cache: LRUCache[str, bytes] = LRUCache(CACHE_BYTES, getsizeof=len)
        self._new: dict[str, tuple[int, bytes | None]] = {}
        self._name = f"{topic}[{partition}]"
        self._open: Callable[[], LogReader] = lambda: LogReader(client, topic, partition, **READING)
        self._reader: LogReader | None = None
        self._reading = False
        self._prepared: dict[str, bytes] = {}

    def close(self) -> None:
        """Leaves the broker."""
        if self._reader is not None:
            self._reader.close()

    def prepare(self, post_ids: Iterable[str]) -> None:
        """Reads files that lie near each other in one go, until `rest`: what a turn with many events will ask for.

        To read on costs some microseconds a record, to go elsewhere half a millisecond.
        """
        offsets = {self.where.get(post_id, NO_FILE): post_id for post_id in post_ids if post_id not in self._cache}
        offsets.pop(NO_FILE, None)
        size = 0
        for start, end in _runs(sorted(offsets)):
            for messages in self._log.read(start, end):
                for message in messages:
                    post_id, value = offsets.get(cast(int, message.offset())), message.value()
                    if post_id is not None and value is not None and message.key() == post_id.encode():
                        self._prepared[post_id] = value
                        size += len(value)
                if size > PREPARED_BYTES:
                    return

    def rest(self) -> None:
        """Nothing is read for a while."""
        self._prepared.clear()
        if self._reading and self._reader is not None:
            self._reader.rest()
        self._reading = False

    def load(self, post_id: str, headers: Iterable[tuple[str, bytes | None]] | None) -> None:
        """A committed state of the log; headers None: a tombstone."""
        if headers is None:
            self.where.pop(post_id, None)
        else:
            self.where[post_id] = next((int(value) for name, value in headers if name == FILE and value), NO_FILE)

    def check(self, start: int, end: int) -> None:
        """After a restore; the log of files holds `start` to before `end`. Raises StopWorker, code LOST, when a file lies elsewhere.

        It would be missed only when somebody judges the post, and then looks like a broker that does not answer.
        """
        gone = [post_id for post_id, offset in self.where.items() if offset != NO_FILE and not start <= offset < end]
        if gone:
            some, log = f"{len(gone)} posts (that of {gone[0]} at {self.where[gone[0]]})", f"from {start} to before {end}"
            raise StopWorker(ExitCode.LOST, f"{self._name}: the case files of {some} are not in the log, which goes {log}: {MADE_ANEW}")

    def read(self, post_id: str) -> CaseFile | None:
        """The file as it was committed last. Raises StopWorker when it is gone, or when the broker does not answer."""
        offset = self.where.get(post_id, NO_FILE)
        if offset == NO_FILE:
            return None
        value = self._prepared.get(post_id) or self._cache.get(post_id)
        if value is None:
            value = self._fetch(post_id, offset)
            self._remember(post_id, value)
        return self._decode(value)

    def written(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        """The delivery report of a file. Of a failure the commit will speak."""
        if error is None:
            value = message.value()
            self._new[(message.key() or b"").decode()] = (NO_FILE if value is None else cast(int, message.offset()), value)

    def header(self, post_id: str) -> list[Header]:
        """What a state to be written says of its file, after the broker has answered for all files of the transaction."""
        offset = self._new[post_id][0] if post_id in self._new else self.where.get(post_id, NO_FILE)
        return [] if offset == NO_FILE else [(FILE, b"%d" % offset)]

    def committed(self, states: Mapping[str, bytes | None]) -> None:
        """The transaction is committed: what it has written is what is read from now on."""
        for post_id, value in states.items():
            if value is None:
                self.where.pop(post_id, None)
                self._cache.pop(post_id, None)
            elif post_id in self._new:
                offset, content = self._new[post_id]
                self.where[post_id] = offset
                self._remember(post_id, content)
            else:
                self.where.setdefault(post_id, NO_FILE)
        self._new.clear()

    def _remember(self, post_id: str, value: bytes | None) -> None:
        self._cache.pop(post_id, None)
        if value is not None and len(value) <= CACHE_BYTES:
            self._cache[post_id] = value

    @property
    def _log(self) -> LogReader:
        if self._reader is None:
            self._reader = self._open()
        self._reading = True
        return self._reader

    def _fetch(self, post_id: str, offset: int) -> bytes:
        for messages in self._log.read(offset, offset + 1):
            value = messages[0].value()
            if messages[0].offset() == offset and messages[0].key() == post_id.encode() and value is not None:
                return value
        raise StopWorker(
            ExitCode.LOST,
            f"{self._name}: offset {offset} does not hold the case file of post {post_id}: {MADE_ANEW}",
        )


def _runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Of two or more offsets each, from the first to after the last; `offsets` in order."""
    start = 0
    for position in range(1, len(offsets) + 1):
        if position == len(offsets) or offsets[position] - offsets[position - 1] > NEAR:
            if position - start > 1:
                yield offsets[start], offsets[position - 1] + 1
            start = position
