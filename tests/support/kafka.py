"""A genuine Kafka: KRaft nodes, started from the jars in build/kafka/libs, or a running one named in SLUICE_TEST_BROKER."""

from __future__ import annotations

import atexit
import base64
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
metadata.log.dir={folder}/metadata
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
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


@dataclass(frozen=True)
class Quorum:
    """The nodes that make one Kafka: each is a broker and a controller. Ports are those of controllers, by the order of nodes."""

    controllers: tuple[int, ...]
    id: str = field(default_factory=lambda: base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))

    @property
    def voters(self) -> str:
        """As `controller.quorum.voters` has them; the first node is number 1."""
        return ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(self.controllers, 1))


class KafkaBroker:
    """A Kafka of one's own on loopback, with its data and its log (`broker.log`) in `directory`. Ends with the process that started it.

    Alone, or the node `number` of `quorum`, with `port` for clients. `options`: of Java.
    """

    def __init__(
        self, directory: Path, quorum: Quorum | None = None, number: int = 1, port: int = 0, options: tuple[str, ...] = ()
    ) -> None:
        self.directory, self._options = directory, ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", *options)
        one, two = free_ports(2)
        self.number, self.quorum, self.port = number, quorum or Quorum((one,)), port or two
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
        self.launch()
        self.await_ready()

    @property
    def controller(self) -> int:
        """The port of this node's controller."""
        return self.quorum.controllers[self.number - 1]

    def launch(self) -> None:
        """The same without waiting: a node of several answers when most of them are there."""
        ensure_jars()
        properties = self.directory / "server.properties"
        if not properties.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            copies = min(3, len(self.quorum.controllers))
            text = PROPERTIES.format(
                node=self.number, voters=self.quorum.voters, folder=self.directory, copies=copies, in_sync=max(1, copies - 1)
            )
            properties.write_text(text + self._listeners(), encoding="utf-8")
            self._format(*self._first_users())
        command = java("kafka.Kafka", str(properties), heap_mb=512, options=self._options)
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", str(TETHER), *command]
        self._process = self._starter.submit(self._spawn, command).result()
        atexit.register(self.kill)

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone. Does nothing if there is none."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            atexit.unregister(self.kill)

    def end(self) -> int:
        """SIGTERM; its exit code when the process is gone. It must run."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(READY_SECONDS)

    def restart(self) -> None:
        """Starts again on the same port and data, killing it first if it runs; returns when it answers."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Ends the broker for good. Its directory stays."""
        self.kill()
        self._starter.shutdown()

    def lose_disk(self) -> None:
        """What it holds of topics is gone, as if its disk had been replaced. It must not run; the metadata of controllers stay."""
        shutil.rmtree(self.directory / "data")
        self._format("--ignore-formatted")

    def _format(self, *options: str) -> None:
        properties = str(self.directory / "server.properties")
        self._run(java("kafka.tools.StorageTool", "format", f"--cluster-id={self.quorum.id}", "-c", properties, *options))

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

    def await_ready(self) -> None:
        """Returns when it lists topics. RuntimeError with its log if it does not."""
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


class KafkaCluster:
    """Several nodes, each with its own data, on loopback. A broker that is killed is the next of them in turn."""

    def __init__(self, directory: Path, nodes: int = 3) -> None:
        ports = free_ports(2 * nodes)
        quorum = Quorum(tuple(ports[:nodes]))
        self.nodes = [
            KafkaBroker(directory / str(number), quorum, number, port) for number, port in enumerate(ports[nodes:], 1)
        ]  # fmt: skip

    @property
    def address(self) -> str:
        """All of them, for clients."""
        return ",".join(node.address for node in self.nodes)

    def __enter__(self) -> Self:
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.stop()


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
