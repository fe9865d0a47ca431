"""The demo's broker: librdkafka's mock cluster, which the confluent-kafka wheel carries. In this process, in memory, on loopback.

Good for a demo, never a proof of delivery. Where it differs from Kafka:
- a partition keeps its newest 5 MiB as sent (compressed, if the producer compresses), by rd_kafka_mock_partition_init in librdkafka's
  rdkafka_mock.c; older records are dropped without a word;
- timestamps are the producer's, whatever a topic's setting;
- a fetch that finds nothing waits out its full fetch_max_wait;
- the mark that ends a transaction has no checksum (agents/edge/fetched.py);
- one worker per group, and one that joins again waits for up to two session timeouts;
- asking for a topic that does not exist creates it, with 4 partitions;
- no security, and requests of an administrator (create topics, describe settings) time out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Self

RD_KAFKA_PRODUCER = 0  # rd_kafka_type_t in rdkafka.h
ERRSTR_SIZE = 512

_SIGNATURES: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (ctypes.c_void_p, ()),
    "rd_kafka_conf_set": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_new": (ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (ctypes.c_void_p,)),
    "rd_kafka_err2str": (ctypes.c_char_p, (ctypes.c_int,)),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (ctypes.c_void_p,)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (ctypes.c_void_p,)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (ctypes.c_void_p, ctypes.c_int32)),
}


class EmbeddedBroker:
    """A broker with the given topics (name to partition count), from `start` to `stop` or for the length of a `with` block.

    Workers in other processes reach it by `address`. A process forked from this one must not touch it: start workers by spawn or exec.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.address = ""
        self._topics = dict(topics)
        self._library = load_library()
        self._client: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Listens on a free port of 127.0.0.1 and creates the topics. Returns `host:port`. RuntimeError if librdkafka refuses."""
        if self._client is not None:
            raise RuntimeError("the embedded broker is already running")
        library = self._library
        reason = ctypes.create_string_buffer(ERRSTR_SIZE)
        settings = library.rd_kafka_conf_new()
        # The cluster hangs on a client that is never connected itself; librdkafka would warn of that.
        library.rd_kafka_conf_set(settings, b"log_level", b"3", reason, len(reason))
        self._client = library.rd_kafka_new(RD_KAFKA_PRODUCER, settings, reason, len(reason))
        if self._client is None:
            raise RuntimeError(f"the embedded broker did not start: {reason.value.decode(errors='replace')}")
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        if self._cluster is None:
            self.stop()
            raise RuntimeError("the embedded broker did not start: librdkafka could not open a port on 127.0.0.1")
        # By default a group waits 3 s for more members; here it has one.
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for name, partitions in self._topics.items():
            if code := library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1):
                self.stop()
                raise RuntimeError(f"the embedded broker refused topic {name!r}: {library.rd_kafka_err2str(code).decode()}")
        self.address = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self.address

    def stop(self) -> None:
        """Closes the port and forgets everything. Does nothing if it is stopped."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._cluster = None
        if self._client is not None:
            self._library.rd_kafka_destroy(self._client)
            self._client = None
        self.address = ""


def load_library() -> ctypes.CDLL:
    """The librdkafka that confluent_kafka uses. RuntimeError if this build of it has no mock cluster."""
    import confluent_kafka.cimpl

    # Symbols are looked up in the extension module and what it links to, so this is the copy already loaded, whatever the wheel calls it.
    library = ctypes.CDLL(str(confluent_kafka.cimpl.__file__))
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise RuntimeError(
                f"the installed confluent-kafka ({confluent_kafka.libversion()[0]}) has no embedded broker ({name} is missing): "
                "install its wheel from PyPI, or name a broker with --broker"
            ) from error
        function.restype, function.argtypes = result, arguments
    return library
