"""How far a consumer is: for metrics and health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.edge.client import Client
from agents.edge.in_flight import InFlight


class Standing(driver.Consumer):  # type: ignore[misc]
    """The part of transport.Consumer that only looks."""

    _thread: Client
    _in_flight: InFlight

    def lags(self) -> dict[str, int]:
        """Records of the assigned partitions that are not yet acknowledged, by topic; of one that is silent, as it was last heard of."""
        lags: dict[str, int] = {}
        for tp, position in self._positions():
            # Behind the last record there may be the mark of a transaction, which is no work.
            done = max(position, self._thread.next_fetch(tp) or 0) if self._in_flight.empty(tp) else position
            lags[tp.topic] = lags.get(tp.topic, 0) + max(0, (self._end(tp) or 0) - done)
        return lags

    def oldest_in_flight_ms(self) -> dict[str, int]:
        """When the broker got the oldest record that is read and not acknowledged, by topic (ms since 1970)."""
        return self._in_flight.oldest_ms()

    def uncommitted(self) -> bool:
        """Whether acknowledged work waits for a commit."""
        done = ((tp, self._in_flight.committable(tp)) for tp in self.assignment())
        return any(offset is not None and self._should_commit(tp, offset) for tp, offset in done)

    def answers(self) -> int:
        """Grows as long as the group's broker answers."""
        return self._thread.answers()

    def fault(self) -> BaseException | None:
        """Why nothing more will be read, or what is read will be another worker's too. None while all is well."""
        return self._thread.fault()

    def heard(self) -> Mapping[TP, int | None]:
        """Changes for each partition that is read, as long as its broker answers."""
        return self._thread.heard()

    def _end(self, tp: TP) -> int | None:
        """Where the log of `tp` ends. None if nobody knows yet, or if the consumer's thread has given the partition away just now."""
        try:
            end: int | None = self.highwater(tp)
        except (AssertionError, AttributeError):  # as aiokafka says it, before and after it has looked
            return None
        return end

    def _positions(self) -> Iterable[tuple[TP, int]]:
        for tp in self.assignment():
            position = self._in_flight.position(tp)
            if position is None:
                position = self._committed_offset[tp]
            if position is not None:
                yield tp, position
