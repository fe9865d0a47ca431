"""Case files of one partition number: memory holds where each lies in its topic, and the content of the last ones that were used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
CACHE_BYTES = 8 * 1024 * 1024
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
        self._open: Callable[[], LogReader] = lambda: LogReader(client, topic, partition, **READING)
        self._reader: LogReader | None = None
        self._reading = False

    def close(self) -> None:
        """Leaves the broker."""
        if self._reader is not None:
            self._reader.close()

    def rest(self) -> None:
        """Nothing is read for a while."""
        if self._reading and self._reader is not None:
            self._reader.rest()
        self._reading = False

    def load(self, post_id: str, headers: Iterable[tuple[str, bytes | None]] | None) -> None:
        """A committed state of the log; headers None: a tombstone."""
        if headers is None:
            self.where.pop(post_id, None)
        else:
            self.where[post_id] = next((int(value) for name, value in headers if name == FILE and value), NO_FILE)

    def read(self, post_id: str) -> CaseFile | None:
        """The file as it was committed last. Raises StopWorker when it is gone, or when the broker does not answer."""
        offset = self.where.get(post_id, NO_FILE)
        if offset == NO_FILE:
            return None
        value = self._cache.get(post_id)
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

    def _fetch(self, post_id: str, offset: int) -> bytes:
        if self._reader is None:
            self._reader = self._open()
        self._reading = True
        for messages in self._reader.read(offset, offset + 1):
            value = messages[0].value()
            if messages[0].offset() == offset and messages[0].key() == post_id.encode() and value is not None:
                return value
        raise StopWorker(
            ExitCode.LOST,
            f"{self._reader.name}: offset {offset} does not hold the case file of post {post_id}: was the topic made anew, or another one "
            "restored than that of the states?",
        )
