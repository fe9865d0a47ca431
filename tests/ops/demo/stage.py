"""The pipeline that is watched: topics on a genuine Kafka, and workers on known ports."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from agents.edge.supervisor import PORTS_PER_INSTANCE, WORKER_PORT
from pipeline.flow import STAGES
from tests.integration.conftest import ALL_TOPICS, DATA, create
from tests.support.clients import OwnTopics
from tests.support.kafka import PORTS
from tests.support.tiny_model import build_tiny_bundle, build_wrong
from tests.support.workers import Process, worker

REGIONS = ("english", "dutch")
IMPATIENT = """
[people]
enforcement_minutes = 0.05

[audit]
seed = "demo"

[[audit.rules]]
id = "allowed"
actions = ["allow"]
share = 0.05
"""
CLOSED = "closed_since = 2020-01-01T00:00:00Z\n"
"""For the last region of the regions file, which is Dutch."""


class Pipeline:
    """Workers by name; each is `sluice worker` with some stages."""

    def __init__(self, address: str, folder: Path, cleanup: ExitStack) -> None:
        self._address, self._folder, self._cleanup = address, folder, cleanup
        self.topics = OwnTopics(address, "ops.")
        create(self.topics, ALL_TOPICS)
        rules = folder / "rules"
        rules.mkdir(parents=True)
        for file in ("evidence.toml", "roster.toml", "regions.toml"):
            (rules / file).write_text((DATA / file).read_text(encoding="utf-8"), encoding="utf-8")
        (rules / "policy.toml").write_text((DATA / "policy.toml").read_text(encoding="utf-8") + IMPATIENT, encoding="utf-8")
        (rules / "closed.toml").write_text((rules / "regions.toml").read_text(encoding="utf-8") + CLOSED, encoding="utf-8")
        self.rules = rules
        self._settings: dict[str, object] = {
            "model": build_tiny_bundle(folder / "tiny"), "policy": rules / "policy.toml", "regions": rules / "regions.toml",
            "roster": rules / "roster.toml", "session_timeout_seconds": 6,
        }  # fmt: skip
        self.wrong_model = build_wrong(folder / "wrong")
        self.workers: dict[str, Process] = {}
        self._ports: dict[str, int] = {}

    def start(self, name: str, *stages: str, **settings: object) -> Process:
        """A worker; returns when its stages do their work. One of that name has ended before."""
        if name not in self._ports:
            self._ports[name] = free_block(self._ports.values())
        given = {**self._settings, "metrics_port": self._ports[name], "instance": name, **settings}
        started = worker(self._address, self.topics.prefix, self._folder / name, stages, **given)
        self._cleanup.push(started)
        self.workers[name] = started
        return started

    def targets(self) -> list[str]:
        """Where those that run, or should, are asked."""
        wanted = {"language": "language", "scoring": "scoring", "wrong": "scoring", "routing": "routing", "cases": "cases"}
        ports = [(port, STAGES.index(wanted[name])) for name, port in self._ports.items()]
        return [f"127.0.0.1:{port + place}" for port, stage in ports for place in (stage, WORKER_PORT)]


def free_block(taken: Collection[int]) -> int:
    """The first of ten ports in a row that nobody listens on, and that is not among `taken`."""
    for first in range(PORTS.start, PORTS.stop, PORTS_PER_INSTANCE):
        if first not in taken and all(_free(port) for port in range(first, first + PORTS_PER_INSTANCE)):
            return first
    raise RuntimeError(f"no {PORTS_PER_INSTANCE} free ports in a row in {PORTS}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
