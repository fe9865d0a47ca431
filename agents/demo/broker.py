"""Where the demo runs: an embedded broker, or topics of its own on a real one, which it deletes at the end."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient
from rich.console import Console

from agents.edge.failures import ExitCode, StopWorker
from agents.edge.reader import quiet
from agents.edge.security import client_config
from agents.embedded import EmbeddedBroker
from agents.settings import Settings, load
from agents.topics import create_topics, wanted_topics
from pipeline.flow import STAGES
from pipeline.policy.regions import read_regions

PARTITIONS = 6
"""Per topic on the embedded broker, which keeps 5 MiB of each."""

DELETE_SECONDS = 30.0


@contextlib.contextmanager
def embedded(given: Mapping[str, object]) -> Iterator[Settings]:
    """Settings, those `given` among them, that point to a broker in this process with all topics."""
    settings = load(topic_prefix="", **given)
    wanted = wanted_topics(settings, read_regions(settings.regions))
    with EmbeddedBroker({topic.name: PARTITIONS for topic in wanted}) as broker:
        yield load(broker=broker.address, topic_prefix="", **given)


@contextlib.contextmanager
def real(broker: str, given: Mapping[str, object], console: Console, *, keep: bool) -> Iterator[Settings]:
    """Settings with a prefix that nobody else has, under which all topics are made, and at the end deleted unless they are to be kept."""
    settings = load(broker=broker, topic_prefix=f"demo-{uuid.uuid4().hex[:6]}.", **given)
    made: list[str] = []
    try:
        made += create_topics(settings, wanted_topics(settings, read_regions(settings.regions)))
        console.print(f"{len(made)} topics made on {broker}, all under the prefix {settings.topic_prefix}", highlight=False)
        yield settings
    finally:
        left = made if keep else _delete(settings, made)
        if left:
            pattern = settings.topic_prefix.replace(".", r"\.") + ".*"
            console.print(
                f"{len(left)} topics are still on {broker}; this deletes them:\n"
                f"  kafka-topics.sh --bootstrap-server {broker} --delete --topic '{pattern}'",
                highlight=False,
            )
        elif made:
            console.print(f"the {len(made)} topics under {settings.topic_prefix} were deleted", highlight=False)


def _delete(settings: Settings, names: Sequence[str]) -> list[str]:
    """Returns those that the broker did not delete."""
    admin = AdminClient(quiet(client_config(settings), lambda _: None))  # its futures fail when it goes
    left = []
    for name, future in (admin.delete_topics(list(names), operation_timeout=DELETE_SECONDS) if names else {}).items():
        try:
            future.result(DELETE_SECONDS + 1)
        except (ck.KafkaException, TimeoutError):
            left.append(name)
    return left


def free_ports(host: str, first: int) -> int:
    """The first of as many ports in a row as there are stages, on which nobody listens; 0 (any ports) stays 0."""
    if not first:
        return 0
    family = socket.getaddrinfo(host, first, type=socket.SOCK_STREAM)[0][0]
    for candidate in range(first, first + 500, 10):
        with contextlib.ExitStack() as probes:
            try:
                for port in range(candidate, candidate + len(STAGES)):
                    probe = probes.enter_context(socket.socket(family))
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the stages do: a port just given back is free
                    probe.bind((host, port))
            except OSError:
                continue
        return candidate
    raise StopWorker(ExitCode.CONFIG, f"no free ports on {host} from {first} on; set SLUICE_METRICS_PORT")
