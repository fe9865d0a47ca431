"""Fixtures for tests on a genuine Kafka: one broker for the whole run, topics of its own for each test. And how hypothesis runs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.clients import OwnTopics
from tests.support.kafka import Broker, KafkaBroker, broker_for_tests

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

LONGEST = (
    *("integration/test_chaos", "integration/test_stops", "integration/test_three_brokers", "integration/test_owners"),
    *("integration/security/test_stages", "integration/security/test_secrets", "integration/test_broker", "integration/test_privacy"),
    *("integration/test_lost_inputs", "integration/security/test_matrix", "integration/test_rebalance"),
    *("pipeline/scoring/training/test_train", "ops/test_rules", "agents/review/test_screen", "agents/edge/test_supervisor"),
    *("pipeline/scoring/test_default_bundle", "pipeline/scoring/training/test_teacher", "pipeline/scoring/evaluation/test_bands"),
)
"""Files of tests that take ten seconds and more. They begin first, so that at the end no process works alone."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Within a file the order stays."""
    places = {config.rootpath / "tests" / f"{name}.py": place for place, name in enumerate(LONGEST)}
    if gone := [path.name for path in places if not path.exists()]:
        raise pytest.UsageError(f"tests/conftest.py: LONGEST names what is no file any more: {', '.join(gone)}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A genuine Kafka, shared by the tests: its own process, or the one in SLUICE_TEST_BROKER. A test that kills it restarts it."""
    broker = broker_for_tests(tmp_path_factory.mktemp("kafka"))
    yield broker
    if isinstance(broker, KafkaBroker):
        broker.stop()


@pytest.fixture
def prefix() -> str:
    """Before the names of a test's topics and groups, so that tests can share a broker."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def topics(kafka: Broker, prefix: str) -> Iterator[OwnTopics]:
    """Creates, fills and reads topics under the test's prefix; deletes them afterwards."""
    own = OwnTopics(kafka.address, prefix)
    yield own
    own.delete()
