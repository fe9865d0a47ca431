"""Kafka's own jars: found or fetched, and the console producer and consumer in them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBS = ROOT / "build" / "kafka" / "libs"
FETCH = ("mvn", "-q", "-B", "-f", str(ROOT / "deploy" / "kafka" / "pom.xml"), "dependency:copy-dependencies")
ARCHIVE = LIBS.with_name("classes.jsa")
"""Classes as Java wants them in memory, where archive.py has been run (`make kafka`)."""

REMEDY = "install Java 17 or newer and Maven and run `make kafka`, or name a broker in SLUICE_TEST_BROKER"

SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java's second compiler works for minutes before it pays: a broker that has just started spent half a core on it, which every stage and
every latency measured beside it was short of. A broker that lives for weeks should have it."""


def ensure_jars() -> None:
    """Has Maven copy the jars to build/kafka/libs if they are not there. RuntimeError saying what to run if that cannot be done."""
    if shutil.which("java") is None:
        raise RuntimeError(f"the tests' Kafka needs `java`, which is not on the PATH: {REMEDY}")
    if any(LIBS.glob("kafka_*.jar")) and any(LIBS.glob("kafka-tools-*.jar")):
        return
    if shutil.which("mvn") is None:
        raise RuntimeError(f"Kafka's jars are not in build/kafka/libs and `mvn` is not on the PATH: {REMEDY}")
    done = subprocess.run(FETCH, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Kafka's jars: {REMEDY}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def java(main_class: str, *arguments: str, heap_mb: int = 128, options: tuple[str, ...] = ()) -> list[str]:
    """The command line of a class in Kafka's jars. It logs to stderr."""
    # What Java warns of when an archive does not fit, it would say on standard output, among what its tools print.
    archive = (f"-XX:SharedArchiveFile={ARCHIVE}", "-Xlog:disable") if ARCHIVE.exists() else ()
    return ["java", f"-Xmx{heap_mb}m", *SHORT_LIVED, *archive, *options, "-cp", f"{LIBS}/*", main_class, *arguments]


def console_produce(address: str, topic: str, messages: Iterable[tuple[str, str]]) -> None:
    """Java's console producer: (key, value) pairs of text without tabs or line breaks, returned when all are confirmed."""
    command = java(
        "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", address, "--topic", topic,
        "--property", "parse.key=true", "--producer-property", "acks=all", "--producer-property", "enable.idempotence=true",
    )  # fmt: skip
    run(command, "".join(f"{key}\t{value}\n" for key, value in messages))


def console_consume(address: str, topic: str, count: int, timeout: float = 30, properties: Mapping[str, str] | None = None) -> list[str]:
    """Java's console consumer from the start: `count` lines of `key<tab>value`, fewer if none came for `timeout` seconds.

    `properties` are the message formatter's, such as `{"print.headers": "true"}`.
    """
    formatter = {"print.key": "true", "key.separator": "\t", **(properties or {})}
    command = java(
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", address, "--topic", topic, "--from-beginning",
        "--isolation-level", "read_committed", "--max-messages", str(count), "--timeout-ms", str(int(timeout * 1000)),
        *(part for name, value in formatter.items() for part in ("--property", f"{name}={value}")),
    )  # fmt: skip
    return run(command, "").splitlines()


def run(command: list[str], text: str) -> str:
    """The standard output of a Java tool given `text`. RuntimeError with what it said if it failed or logged an error."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    # The console producer ends with 0 when a record was refused; its log says so.
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise RuntimeError(f"{command[-1]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
