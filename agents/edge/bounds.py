"""Whether the log still holds what a consumer would read next. Where it does not, the worker ends: nothing is skipped in silence.

aiokafka is not told where to go on when what it asks for lies outside the log, so it raises: by itself it would go to the log's start, and
whoever reads everything again from there takes new records for old ones where the log's end was cut off. What it asks for lies behind all
that it has seen, marks of transactions and records that were taken back among it: of these nothing is missed when they are deleted.
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

    async def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        """Goes to the log's start where nothing was read before, or nothing is missing. Otherwise the worker ends."""
        asked_for: Mapping[TP, int] = error.args[0]
        for tp, offset in asked_for.items():
            name, earliest = f"{tp.topic}[{tp.partition}]", await self._earliest(tp)
            if self._begun(tp) and offset >= earliest:
                stop_for(made_anew(name, offset), "reading")
            if self._begun(tp) and offset + (TRANSACTION_MARK if self._partitions else 0) < earliest:
                stop_for(deleted_unread(name, offset, earliest), "reading")
            try:
                await self._thread.seek_wait({tp: earliest})
            except IllegalStateError as given_away:
                self.log.info("partitions changed while seeking: %s", given_away)

    def _begun(self, tp: TP) -> bool:
        """Whether something of it was read, or is committed."""
        return self._in_flight.next_read(tp) is not None or self._committed_offset[tp] is not None

    async def _earliest(self, tp: TP) -> int:
        try:
            offsets: Mapping[TP, int] = await self.earliest_offsets(tp)
        except KafkaError as error:
            stop_for(StopWorker(ExitCode.UNREACHABLE, f"{tp.topic}[{tp.partition}]: asking where it begins: {error}"), "reading")
        return offsets[tp]
