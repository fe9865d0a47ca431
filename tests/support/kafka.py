"""A genuine Kafka: one KRaft node, started from the jars in build/kafka/libs, or a running one named in SLUICE_TEST_BROKER."""

from __future__ import annotations

import atexit
import base64
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.java import ensure_jars, java

ADDRESS_VARIABLE = "SLUICE_TEST_BROKER"
READY_SECONDS = 60
TETHER = Path(__file__).with_name("tether.py")

# Below the ranges from which Linux (32768 up) and macOS (49152 up) take the ports of outgoing connections: a client that keeps dialling
# a dead broker in such a range ends up connected to itself and holds the broker's port.
PORTS = range(20000, 32000)

# broker.session.timeout.ms: after a SIGKILL the node may register anew only when its old session has run out, which by default takes 9 s.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={logs}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""
LISTENERS = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
"""


class Broker(Protocol):
    """What a test needs of a broker."""

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        ...

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        ...

    def restart(self) -> None:
        """Starts again on the same port and data, killing it first if it runs; returns when it answers."""
        ...


class ExternalBroker:
    """A running broker, named by its address. It cannot be killed: a test that wants that fails."""

    def __init__(self, address: str) -> None:
        self.address = address

    def kill(self) -> None:
        """Not possible: RuntimeError."""
        raise RuntimeError(f"this test kills the broker, which cannot be done to the one in {ADDRESS_VARIABLE}: unset it and run again")

    def restart(self) -> None:
        """Not possible: RuntimeError."""
        self.kill()


class KafkaBroker:
    """A Kafka of one's own on loopback, with its data and its log (`broker.log`) in `directory`. Ends with the process that started it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.controller = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends a tethered process with the *thread* that started it: this one lives as long as the broker object.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="kafka-starter")

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where Kafka logs to."""
        return self.directory / "broker.log"

    @property
    def pid(self) -> int:
        """The running process. RuntimeError if there is none."""
        if self._process is None:
            raise RuntimeError("the broker is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Formats the data directory if it is new, starts Kafka, returns when it lists topics. RuntimeError with its log if it cannot."""
        ensure_jars()
        properties = self.directory / "server.properties"
        if not properties.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            text = PROPERTIES.format(controller=self.controller, logs=self.directory / "data")
            properties.write_text(text + self._listeners(), encoding="utf-8")
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            self._run(java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties), *self._first_users()))
        command = java("kafka.Kafka", str(properties), options=("-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"))
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", str(TETHER), *command]
        self._process = self._starter.submit(self._spawn, command).result()
        atexit.register(self.kill)
        self._await_ready()

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone. Does nothing if there is none."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            atexit.unregister(self.kill)

    def restart(self) -> None:
        """Starts again on the same port and data, killing it first if it runs; returns when it answers."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Ends the broker for good. Its directory stays."""
        self.kill()
        self._starter.shutdown()

    def _client(self) -> dict[str, str]:
        """Settings of a client that may list topics."""
        return {"bootstrap.servers": self.address}

    def _listeners(self) -> str:
        """The settings of `server.properties` that say who may come in and how."""
        return LISTENERS.format(port=self.port, controller=self.controller)

    def _first_users(self) -> tuple[str, ...]:
        """Options of StorageTool for users that are there from the start."""
        return ()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=READY_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's StorageTool failed: {done.stdout}{done.stderr}")

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        # log_level 0: refused connections are what is waited out here.
        admin = AdminClient({**self._client(), "reconnect.backoff.max.ms": 200, "log_level": 0})
        while True:
            if self._process is not None and (code := self._process.poll()) is not None:
                raise RuntimeError(f"Kafka ended with {code} before it was ready:\n{self._tail()}")
            try:
                admin.list_topics(timeout=1)
            except KafkaException:
                if time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"Kafka did not answer within {READY_SECONDS} s:\n{self._tail()}") from None
            else:
                return

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]


def broker_for_tests(directory: Path) -> KafkaBroker | ExternalBroker:
    """The broker in SLUICE_TEST_BROKER if it is set, else a started one of our own in `directory`."""
    if address := os.environ.get(ADDRESS_VARIABLE):
        return ExternalBroker(address)
    broker = KafkaBroker(directory)
    broker.start()
    return broker


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on."""
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise RuntimeError(f"no {count} free ports in {PORTS}")
