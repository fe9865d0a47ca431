"""One Kafka with TLS, passwords and an authorizer for all tests here; each module has topics and users of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.support.secure_kafka import Installation, SecureKafka

REGIONS = ("english", "dutch")
"""As in the data of these tests."""

PARTITIONS = 2


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """Never the one in SLUICE_TEST_BROKER: users and rights are made on it."""
    with SecureKafka(tmp_path_factory.mktemp("secure-kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def installation(secure_kafka: SecureKafka) -> Installation:
    """Every topic, and a user for every role."""
    return Installation(secure_kafka, f"s{secrets.token_hex(4)}.", REGIONS, PARTITIONS)
