"""Starts the stages of a worker, a process each, and starts again what dies, with back-off."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agents.edge import metrics
from agents.edge.failures import ExitCode
from agents.edge.watchdog import serve
from agents.settings import Settings
from pipeline.config import ConfigError
from pipeline.flow import STAGES

FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 10.0
"""A stage that ran so long starts with the first back-off again."""

ALONE_AFTER_SECONDS = 600.0
"""The same for one that was fenced: where another worker has its name, none of the two runs for so long."""

STOP_SECONDS = 15.0
POLL_SECONDS = 0.1
PORTS_PER_INSTANCE = 10
WORKER_PORT = PORTS_PER_INSTANCE - 1
"""Place of the worker's own port among those of its instance: what restarts a stage is told where no stage has to be alive for it."""

MOST_INSTANCES = 100
KILLED = "killed"
CODES = (*(code.name.lower() for code in ExitCode if code is not ExitCode.CONFIG), KILLED, metrics.OTHER)
"""Why a stage is started again."""

REGISTRY = metrics.REGISTRY.restricted_registry(["sluice_restarts_total", "sluice_build_info"])
logger = logging.getLogger(__name__)


@dataclass
class Slot:
    """A worker's place on this host. The lock is free again when its process ends, however it ends."""

    number: int
    instance: str
    lock: IO[str] | None


def claim_slot(settings: Settings) -> Slot:
    """The named instance, or the first free number of this host. Raises ConfigError when the name is taken, or the folder of no use."""
    try:
        return _claim(settings)
    except OSError as error:
        said = f"data_dir (SLUICE_DATA_DIR): {settings.data_dir} cannot be used: {error.strerror}"
        raise ConfigError(f"{said}; a folder in which this user may write is allowed") from error


def _claim(settings: Settings) -> Slot:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if settings.instance is not None:
        lock = _lock(settings.data_dir / f"{settings.instance}.lock")
        if lock is None:
            raise ConfigError(f"instance: a worker named {settings.instance!r} runs here already (data_dir {settings.data_dir})")
        return Slot(0, settings.instance, lock)
    for number in range(MOST_INSTANCES):
        instance = f"{socket.gethostname()}-{number}"
        if lock := _lock(settings.data_dir / f"{instance}.lock"):
            return Slot(number, instance, lock)
    raise ConfigError(f"data_dir: {settings.data_dir} holds the locks of {MOST_INSTANCES} running workers; choose another folder")


def _lock(path: Path) -> IO[str] | None:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class Child:
    """One stage's process."""

    def __init__(self, stage: str, slot: Slot, port: int, environment: Mapping[str, str], log: IO[str] | None) -> None:
        self.stage, self._slot, self.port, self._environment, self._log = stage, slot, port, environment, log
        self._backoff = 0.0
        self._next_start: float | None = None
        self.start()

    def start(self) -> None:
        """A process whose standard input ends with this one."""
        self._next_start = None
        self._started = time.monotonic()
        command = [sys.executable, "-m", "agents.edge.process", self.stage, self._slot.instance, str(self.port)]
        environment = {**os.environ, **self._environment}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self._log, env=environment, start_new_session=True)  # noqa: S603

    def look(self) -> int | None:
        """Starts it again when it is time. Returns the exit code if no restart can help."""
        code = self.process.poll()
        if code is None:
            return None
        now = time.monotonic()
        if self._next_start is None:
            if code == ExitCode.CONFIG:
                return code
            self._backoff = backoff(self._backoff, now - self._started, code)
            metrics.RESTARTS.labels(self.stage, word(code)).inc()
            logger.error("stage %s ended with %s; it starts again in %.1f s", self.stage, describe(code), self._backoff)
            self._next_start = now + self._backoff
        elif now >= self._next_start:
            try:
                self.start()
            except OSError as error:  # no room for a process; those of the other stages go on
                self._backoff = backoff(self._backoff, 0, code)
                logger.error("stage %s cannot start: %s; it is tried again in %.1f s", self.stage, error, self._backoff)  # noqa: TRY400
                self._next_start = now + self._backoff
        return None

    def stop(self, deadline: float) -> int:
        """Asks it to end, then makes it. The exit code; 0 also when SIGTERM met it before it could answer."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.error("stage %s ignored SIGTERM for %.0f s and is killed; nothing is lost", self.stage, STOP_SECONDS)  # noqa: TRY400
            self.process.kill()
            return self.process.wait()
        return ExitCode.OK if code == -signal.SIGTERM else code


def backoff(last: float, ran: float, code: int) -> float:
    """Seconds to wait before the next start of a stage that ran for `ran` and ended with `code`. `last`: the wait before, at first 0.

    One that was thrown out by a worker of the same name waits longer each time: it must not throw out the other one.
    """
    if not last or ran > (ALONE_AFTER_SECONDS if code == ExitCode.FENCED else HEALTHY_AFTER_SECONDS):
        return FIRST_BACKOFF_SECONDS
    return min(last * 2, LAST_BACKOFF_SECONDS)


def word(code: int) -> str:
    """An exit code as a label of a metric: `lost`, `killed` for every signal, `other` for what is none of ours."""
    if code < 0:
        return KILLED
    return ExitCode(code).name.lower() if code in ExitCode.__members__.values() else metrics.OTHER


def describe(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return signal.Signals(-code).name
    known = code in ExitCode.__members__.values()
    return f"exit code {code}" + (f" ({ExitCode(code).name})" if known else "")


class Supervisor:
    """The stages of one worker. `given`: settings for its processes beyond environment and file; `log` takes what they log."""

    def __init__(self, stages: Sequence[str], settings: Settings, given: Mapping[str, str], log: IO[str] | None = None) -> None:
        self._slot = claim_slot(settings)
        for stage in stages:
            for code in CODES:  # a series that began with its first count would hide that one from increase()
                metrics.RESTARTS.labels(stage, code)
        self._address = settings.metrics_host, serve(settings.metrics_host, self._port(settings, WORKER_PORT), self.health, REGISTRY)
        self.ports = {stage: self._port(settings, STAGES.index(stage)) for stage in stages}
        """Where the stages serve /metrics."""
        self._environment, self._log = {f"SLUICE_{name.upper()}": value for name, value in given.items()}, log
        self._children: list[Child] = []
        self._stopping = threading.Event()

    def _port(self, settings: Settings, place: int) -> int:
        """A stage's place in the flow and the worker's slot decide, so that its port is the same after a restart."""
        return settings.metrics_port and settings.metrics_port + self._slot.number * PORTS_PER_INSTANCE + place

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether every stage has a process; what these do, each says itself."""
        alive = {child.stage for child in self._children if child.process.poll() is None}
        down = [stage for stage in self.ports if stage not in alive]
        return not down, {"status": "restarting" if down else "ok", "stages": list(self.ports), "restarting": down}

    def request_stop(self, *_: object) -> None:
        """For a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> int:
        """Starts the stages, and lets them run until asked to stop, or until one ends for a reason that no restart mends: the exit code.

        Why a stage ended that waits for its next start is no part of it: the log has said so.
        """
        code = 0
        self._children = [Child(stage, self._slot, port, self._environment, self._log) for stage, port in self.ports.items()]
        logger.info("runs %s; http://%s:%d/metrics tells of their restarts", ",".join(self.ports), *self._address)
        while not self._stopping.wait(POLL_SECONDS):
            ended = [result for child in self._children if (result := child.look()) is not None]
            if ended:
                code = max(ended)
                break
        running = [child for child in self._children if child.process.poll() is None]
        for child in running:
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        return max([code, *(abs(child.stop(deadline)) for child in running)])
