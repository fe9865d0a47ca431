"""Whether the log still holds what a consumer would read next. Where it does not, the worker ends: nothing is skipped in silence.

aiokafka is not told where to go on when what it asks for lies outside the log, so it raises: by itself it would go to the log's start, and
whoever reads everything again from there takes new records for old ones where the log's end was cut off.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError
from faust.types import TP

from agents.edge.failures import ExitCode, StopWorker, deleted_unread, made_anew, stop_for
from agents.edge.partitions import Partitions
from agents.edge.standing import Standing

TRANSACTION_MARK = 1
"""Offsets that a transaction takes behind its last record. When all is deleted for its age, the log starts behind them."""


class Bounded(Standing):
    """The part of transport.Consumer that looks at where logs begin and end."""

    _partitions: Partitions | None

    async def _check_position(self, tp: TP, offset: int) -> None:
        """Ends the worker when records between the position and `offset`, which has just been read, are gone from the log."""
        expected = self._expected(tp)
        if expected is not None and offset > expected:
            self._bear(tp, expected, await self._earliest(tp))

    async def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        """Goes to the log's start where nothing was read before, or nothing is missing. Otherwise the worker ends."""
        asked_for: Mapping[TP, int] = error.args[0]
        for tp, offset in asked_for.items():
            expected, earliest = self._expected(tp), await self._earliest(tp)
            if expected is not None and offset >= earliest:
                stop_for(made_anew(f"{tp.topic}[{tp.partition}]", expected), "reading")
            if expected is not None:
                self._bear(tp, expected, earliest)
            try:
                await self._thread.seek_wait({tp: earliest})
            except IllegalStateError as given_away:
                self.log.info("partitions changed while seeking: %s", given_away)

    def _expected(self, tp: TP) -> int | None:
        """The offset that would be read next; None if nothing was read or committed yet."""
        after_last = self._in_flight.next_read(tp)
        committed: int | None = self._committed_offset[tp]
        return committed if after_last is None else after_last

    def _bear(self, tp: TP, expected: int, earliest: int) -> None:
        if earliest > expected + (TRANSACTION_MARK if self._partitions else 0):
            stop_for(deleted_unread(f"{tp.topic}[{tp.partition}]", expected, earliest), "reading")

    async def _earliest(self, tp: TP) -> int:
        try:
            offsets: Mapping[TP, int] = await self.earliest_offsets(tp)
        except KafkaError as error:
            stop_for(StopWorker(ExitCode.UNREACHABLE, f"{tp.topic}[{tp.partition}]: asking where it begins: {error}"), "reading")
        return offsets[tp]
