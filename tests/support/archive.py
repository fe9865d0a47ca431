"""`python -m tests.support.archive`: has Java keep the classes that a broker loads as it wants them in memory, for every start after that.

A broker starts in half the time and CPU then, and so do its tools; the tests start two dozen. What Java does not find fit for use (another
version of it, other jars), it leaves aside. A part of an archive crashes it (Java 17), so it has its name only when it is whole.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from schemas.topics import POSTS_INCOMING
from tests.support.clients import Outgoing, OwnTopics
from tests.support.java import ARCHIVE
from tests.support.kafka import KafkaBroker

ENDED_BY_SIGTERM = 143
"""Java's exit code."""


def main() -> None:
    """A broker that is used a little, then ended in an orderly way."""
    ARCHIVE.unlink(missing_ok=True)
    part = ARCHIVE.with_suffix(".part")
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder), options=(f"-XX:ArchiveClassesAtExit={part}",)) as broker:
        topics = OwnTopics(broker.address, "archive.")
        topics.create(POSTS_INCOMING)
        topics.produce(POSTS_INCOMING, [Outgoing(b"key", b"value")])
        topics.read_all(POSTS_INCOMING)
        code = broker.end()
    if code == ENDED_BY_SIGTERM and part.exists():
        part.replace(ARCHIVE)
    else:
        print(f"Java ended with {code} and has kept no classes: brokers start as slowly as without, and this is tried again each time")


if __name__ == "__main__":
    main()
