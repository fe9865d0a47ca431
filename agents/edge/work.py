"""What is done with the chunks of one go: decode, call the stage, encode. No Kafka client here: it runs in a test as in a worker."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from faust.types import TP

from agents.edge.chunks import Chunk
from agents.edge.dead_letters import DeadLetters
from agents.edge.decoding import instant, record_of
from agents.edge.envelope import Envelope, time_header, traceparent
from agents.edge.failures import StopWorker
from agents.edge.fetched import Fetched
from agents.edge.producer import Header, Message
from pipeline.stage import Incoming, Output, Stage, StageSpec
from schemas.records import Record
from schemas.wire import InvalidRecordError, decoder

R = TypeVar("R", bound=Record)
Restore = Callable[[TP, int], Iterable[bytes | None]]
"""The values before an offset of a partition, oldest first."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Result:
    """What came of one chunk: messages to send, and what to count once they are confirmed (`outputs` only where they are kept).

    A record is in `dead` or one of the `stage_errors` or neither, never both.
    """

    chunk: Chunk
    messages: list[Message] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    stage_errors: int = 0


class Work(Generic[R]):
    """A stage with its place on Kafka. `handle` runs on one thread, the same each time or another."""

    def __init__(
        self,
        spec: StageSpec[R],
        restore: Restore,
        *,
        prefix: str,
        dead_letter_bytes: int,
        keep_outputs: bool,
    ) -> None:
        self._spec, self._restore, self._keep_outputs = spec, restore, keep_outputs
        self._open = spec.start()
        kind = cast(type[R], spec.source.record)
        self._decode, self._read = decoder(kind), record_of(spec.source, kind)
        self._envelope, self._letters = Envelope(spec.name, prefix), DeadLetters(spec.name, prefix, dead_letter_bytes)
        self._shared = None if spec.history else self._open(())
        self._partitions: dict[TP, tuple[int, Stage[R]]] = {}

    def handle(self, chunks: Sequence[Chunk], now: dt.datetime) -> list[Result]:
        """The result of each chunk, in order."""
        results = [Result(chunk) for chunk in chunks]
        if self._shared is not None:
            self._handle(self._shared, results, now)
            return results
        by_partition: dict[TP, list[Result]] = {}
        for result in results:
            by_partition.setdefault(result.chunk.tp, []).append(result)
        for tp, group in by_partition.items():
            self._handle(self._stage_of(tp, group[0].chunk), group, now)
        return results

    def forget(self, epoch: int) -> None:
        """Drops the state of partitions that were opened in an earlier epoch: they are another's now, or are read again."""
        self._partitions = {tp: opened for tp, opened in self._partitions.items() if opened[0] == epoch}

    def _stage_of(self, tp: TP, chunk: Chunk) -> Stage[R]:
        """The partition's stage; on its first chunk after an assignment it is opened with what came before."""
        known = self._partitions.get(tp)
        if known is not None and known[0] == chunk.epoch:
            return known[1]
        stage = self._open(self._history(tp, chunk.records[0].offset))
        self._partitions[tp] = (chunk.epoch, stage)
        return stage

    def _history(self, tp: TP, offset: int) -> Iterable[R]:
        for value in self._restore(tp, offset):
            try:
                yield self._decode(value)
            except InvalidRecordError:
                logger.debug(
                    "%s[%d]: a record before offset %d cannot be read; it became a dead letter then", tp.topic, tp.partition, offset
                )

    def _handle(self, stage: Stage[R], results: list[Result], now: dt.datetime) -> None:
        items: list[Incoming[R]] = []
        read: list[tuple[Result, Fetched]] = []
        for result in results:
            for record in result.chunk.records:
                try:
                    items.append(Incoming(self._read(record), instant(record.timestamp)))
                    read.append((result, record))
                except InvalidRecordError as fault:
                    self._bury(result, record, fault)
        if not items:
            return
        outputs, failed = self._process(stage, items, now)
        time = time_header(now)
        for position, ((result, record), produced) in enumerate(zip(read, outputs, strict=True)):
            if self._emit(result, record, produced, time) and position in failed:
                result.stage_errors += 1  # a dead letter is one already

    def _process(self, stage: Stage[R], items: list[Incoming[R]], now: dt.datetime) -> tuple[list[list[Output]], set[int]]:
        """Outputs per item, and the positions of those on which the stage failed."""
        try:
            return stage.process(items, now), set()
        except StopWorker:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: see failures.py
            self._log_stage_error(error, len(items))
        outputs: list[list[Output]] = []
        failed: set[int] = set()
        for position, item in enumerate(items):
            try:
                outputs += stage.process([item], now)
            except StopWorker:
                raise
            except Exception as error:  # noqa: BLE001
                self._log_stage_error(error, 1)
                failed.add(position)
                outputs.append(stage.fallback(item, now))
        return outputs, failed

    def _log_stage_error(self, error: Exception, posts: int) -> None:
        """The message of an exception may quote a post: only its type and place are logged."""
        place = "".join(traceback.format_tb(error.__traceback__, limit=-3))
        logger.error("stage %s failed on %d posts: %s at\n%s", self._spec.name, posts, type(error).__name__, place)

    def _emit(self, result: Result, record: Fetched, produced: list[Output], time: Header) -> bool:
        """False: what came of the record is too large, so that it is a dead letter."""
        trace = traceparent(record.headers) if record.headers else None
        try:
            result.messages += [self._envelope.message(output, time, trace) for output in produced]
        except InvalidRecordError as fault:
            self._bury(result, record, fault)
            return False
        if self._keep_outputs:
            result.outputs += produced
        return True

    def _bury(self, result: Result, record: Fetched, fault: InvalidRecordError) -> None:
        result.dead.append(fault.reason)
        result.messages.append(self._letters.of(record, fault))
