"""aiokafka's fetches: with a pause between them where there is to be one, and without a wait that comes of a race."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from aiokafka.consumer import consumer, fetcher


class Fetcher(fetcher.Fetcher):  # type: ignore[misc]
    """aiokafka's. Between two fetches from a broker of which the first gave something lie at least the client's `fetch_pace_seconds`.

    So what comes meanwhile is fetched together. A record after a pause is fetched at once.
    """

    async def _proc_fetch_request(self, assignment: Any, node_id: Any, request: Any) -> bool:  # noqa: ANN401 - as in aiokafka
        """While this goes on, nothing more is asked of this broker; what came can be had at once."""
        asked_at = time.monotonic()
        pace = getattr(self._client, "fetch_pace_seconds", 0.0)  # a consumer that is not a stage's has none
        came = False
        with contextlib.suppress(asyncio.CancelledError):  # partitions go, or all ends: aiokafka waits for this task, and for no error
            came = bool(await super()._proc_fetch_request(assignment, node_id, request))
            if came and (rest := asked_at + pace - time.monotonic()) > 0:
                self.wake()
                await asyncio.sleep(rest)
        asyncio.get_running_loop().call_soon(self._look_again)
        return came

    def wake(self) -> None:
        """Has who waits for records look whether there are any of the partitions that they want."""
        for waiter in self._fetch_waiters:
            self._notify(waiter)

    def _look_again(self) -> None:
        """Aiokafka counts the broker as free once a callback of the fetch's task has run. Where it looks at the same moment, for records
        were taken, it looks before that, and then not again for 0.2 s.
        """
        self._notify(self._wait_consume_future)


def install() -> None:
    """Has aiokafka's consumers in this process use the fetcher above."""
    consumer.Fetcher = Fetcher
