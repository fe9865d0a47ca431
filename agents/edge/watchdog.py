"""Ends a stage that makes no progress, and tells others how it is."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from agents.edge.failures import ExitCode, stop
from agents.edge.metrics import REGISTRY
from pipeline.config import ConfigError

if TYPE_CHECKING:
    from agents.edge.pulse import Pulse  # needs Faust, which a worker's first process, that serves its health too, has no use for

TICK_SECONDS = 1.0
STALE_AFTER_SECONDS = 15.0
COMMIT_AGE_LIMIT_SECONDS = 60.0
LEAST_SILENCE_SECONDS = 10.0
"""A broker that restarts is away for some seconds."""

logger = logging.getLogger(__name__)


class Watchdog:
    """Looks at the pulse each second. Ticks are counted, not clock time: a process that was stopped and woken has not been idle."""

    def __init__(self, stage: str, pulse: Pulse, stuck_after: int, session: float) -> None:
        """`stuck_after` and `session`: the settings `stuck_after_seconds` and `session_timeout_seconds`."""
        self._stage, self._pulse, self._stuck_after = stage, pulse, stuck_after
        self._silence = max(session, LEAST_SILENCE_SECONDS)
        self._seen = (0, 0)
        self._answers = 0
        self.silent_ticks = 0
        """Seconds for which the group's broker has not answered this member, rebalances left out: there a long wait is usual."""
        self.idle_ticks = 0
        """Seconds without progress though there is work, or without a partition assignment."""

    def start(self) -> None:
        """On a thread of its own, so that a blocked event loop is noticed."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Once a second. Stops the process when nothing has moved for too long."""
        pulse = self._pulse
        seen = (pulse.done, pulse.beats)
        self._listen(beats=pulse.beats != self._seen[1])
        progress = pulse.done != self._seen[0] or (not pulse.outstanding and pulse.beats != self._seen[1])
        self._seen = seen
        self.idle_ticks = 0 if progress and pulse.joined and not pulse.rebalancing else self.idle_ticks + 1
        if self.idle_ticks > self._stuck_after:
            state = "rebalancing" if pulse.rebalancing else f"{pulse.outstanding} chunks at hand" if pulse.joined else "not in the group"
            stop(ExitCode.STUCK, f"{self._stage}: no progress in {self._stuck_after} s ({state})")

    def _listen(self, *, beats: bool) -> None:
        """Counts silent seconds, as far as the event loop has looked, and says once when the broker is gone and once when it is back."""
        pulse, was_lost = self._pulse, self.lost
        if pulse.answers != self._answers:
            self._answers = pulse.answers
            if was_lost:
                logger.warning("the broker answers again, after %d s", self.silent_ticks)
            self.silent_ticks = 0
        elif beats and pulse.joined and not pulse.rebalancing:
            self.silent_ticks += 1
            if self.lost and not was_lost:
                logger.error("no broker answers for %d s; waiting, nothing is lost", self.silent_ticks)

    @property
    def lost(self) -> bool:
        """Whether the broker has been silent for longer than a group bears."""
        return self.silent_ticks > self._silence

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether the stage does its work, and why."""
        pulse = self._pulse
        age = time.monotonic() - pulse.measured
        if age > STALE_AFTER_SECONDS:
            status = "event loop blocked"
        elif self.lost:
            status = "no broker"
        elif not pulse.joined or pulse.rebalancing:
            status = "joining the group"
        elif pulse.silent:
            status = "partition not answering"
        elif self.idle_ticks > self._stuck_after / 2:
            status = "no progress"
        elif pulse.commit_age > COMMIT_AGE_LIMIT_SECONDS:
            status = "not committing"
        else:
            status = "ok"
        return status == "ok", {
            "status": status,
            "stage": self._stage,
            "partitions": pulse.partitions,
            "partitions_not_answering": list(pulse.silent),
            "lag_records": pulse.lag,
            "commit_age_seconds": round(pulse.commit_age, 1),
            "seconds_without_progress": self.idle_ticks,
            "seconds_without_broker": self.silent_ticks,
        }


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """A scrape every few seconds is no news."""


def serve(host: str, port: int, health: Callable[[], tuple[bool, dict[str, object]]], registry: CollectorRegistry = REGISTRY) -> int:
    """/metrics and /healthz on a thread; returns the port. Raises ConfigError when it is taken."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return metrics(environ, start_response)  # type: ignore[no-any-return]
        if path != "/healthz":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics and /healthz are here\n"]
        ok, report = health()
        start_response("200 OK" if ok else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(report).encode() + b"\n"]

    try:
        server = make_server(host, port, answer, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        raise ConfigError(
            f"metrics_host, metrics_port: cannot listen on {host}:{port}: {error.strerror}; another worker with another SLUICE_DATA_DIR "
            "may hold it: give each its own SLUICE_METRICS_PORT (0: any free ports)"
        ) from error
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server.server_port
