"""Workers as people run them: processes of their own, watched from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
SLUICE = (
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from agents.cli.main import main; main()",
)
"""What Python runs as the command, with Ctrl-C as in a terminal: a test run in the background ignores it, and so would this."""

STAGE_MODULE = "agents.edge.process"
TETHER = Path(__file__).with_name("tether.py")
READING = re.compile(r"INFO (\w+) \S+ reading (\S+) as (\S+), instance (\S+); (http://[\d.:]+)/metrics")


class Process:
    """A started command with its output in a file. Killed at the end of the `with` block if it still runs."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log_file = log
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        if sys.platform == "linux":  # ends with the test run, however that ends
            command = [sys.executable, "-I", "-S", str(TETHER), *command]
        with log.open("wb") as output:
            self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env={**kept, **environment})
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.descendants(), self._popen]:
            process.kill()
        self._popen.wait()
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def descendants(self) -> list[psutil.Process]:
        """The processes that it started."""
        try:
            found: list[psutil.Process] = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return found

    def stages(self) -> dict[str, psutil.Process]:
        """Those of them that run a stage, by its name."""
        found = {}
        for process in self.descendants():
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if STAGE_MODULE in command:
                found[command[command.index(STAGE_MODULE) + 1]] = process
        return found

    @property
    def log(self) -> str:
        """All it has said."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """To this process alone."""
        self._popen.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit code. AssertionError with its log if it still runs after `seconds`."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s; it said:\n{self.log[-4000:]}") from None

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def said(self, text: str, seconds: float = READY_SECONDS) -> str:
        """The log once it contains `text`. AssertionError with it if it does not in time."""
        wait_for(lambda: text in self.log or not self.running, lambda: f"never said {text!r} but:\n{self.log[-4000:]}", seconds)
        assert text in self.log, f"ended with {self._popen.returncode} and never said {text!r} but:\n{self.log[-4000:]}"
        return self.log

    def addresses(self) -> dict[str, str]:
        """Where each stage's /metrics and /healthz are, as far as the log tells."""
        return {match[1]: match[5] for match in READING.finditer(self.log)}

    def assigned_partitions(self) -> int:
        """How many partitions its stages read, all together; a stage that does not answer counts none."""
        found = 0
        for address in self.addresses().values():
            try:
                text = fetch(f"{address}/metrics")[1]
            except OSError:
                continue
            lines = (line for line in text.splitlines() if line.startswith("sluice_assigned_partitions{"))
            found += sum(int(float(line.split()[-1])) for line in lines)
        return found

    def ready(self, stages: Iterable[str]) -> Self:
        """Returns when /healthz of each stage says ok."""
        for stage in stages:
            wait_for(
                lambda stage=stage: not self.running or health(self.addresses().get(stage)) == 200,  # type: ignore[misc]
                lambda stage=stage: f"stage {stage} is not ready; the log:\n{self.log[-4000:]}",  # type: ignore[misc]
                READY_SECONDS,
            )
        assert self.running, f"ended with {self._popen.returncode}:\n{self.log[-4000:]}"
        return self


def worker(address: str, prefix: str, folder: Path, stages: Iterable[str], **settings: object) -> Process:
    """`sluice worker` with its data and `worker.log` in `folder`; `settings` by their names in agents.settings."""
    return process([*SLUICE, "worker", "--stages", ",".join(stages)], address, prefix, folder, settings)


def stage_process(address: str, prefix: str, folder: Path, stage: str, **settings: object) -> Process:
    """One stage as `instance` (`one`), without a supervisor, so that its exit code can be seen. `port` is that of its /metrics."""
    instance, port = str(settings.pop("instance", "one")), str(settings.pop("port", 0))
    return process(["-m", STAGE_MODULE, stage, instance, port], address, prefix, folder, settings)


def process(arguments: list[str], address: str, prefix: str, folder: Path, settings: Mapping[str, object]) -> Process:
    """Python with these arguments, and with its data and `worker.log` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"broker": address, "topic_prefix": prefix, "data_dir": folder / "data", "metrics_port": 0, **settings}
    environment = {f"SLUICE_{name.upper()}": str(value) for name, value in given.items()}
    return Process([sys.executable, *arguments], folder / "worker.log", environment)


def health(address: str | None) -> int | None:
    """The status of /healthz; None if nobody answers."""
    if address is None:
        return None
    try:
        return fetch(f"{address}/healthz")[0]
    except OSError:
        return None


def fetch(url: str) -> tuple[int, str]:
    """Status and body, whatever the status. OSError if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(condition: Callable[[], object], otherwise: Callable[[], str], seconds: float) -> None:
    """Looks every 50 ms until `condition` holds. AssertionError with the sentence of `otherwise` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
