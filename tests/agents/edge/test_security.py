"""The same security settings for both Kafka clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.edge.security import client_config, faust_credentials
from agents.settings import load
from pipeline.config import ConfigError

AUTHORITY = Path(__file__).parents[2] / "data" / "tls" / "authority.pem"
"""A certificate authority that nobody has the key of."""


def test_plaintext_needs_nothing() -> None:
    settings = load(broker="k:9092")
    assert client_config(settings) == {"bootstrap.servers": "k:9092", "security.protocol": "PLAINTEXT"}
    assert faust_credentials(settings) is None


def test_a_password_file_counts_without_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pass\n\n", encoding="utf-8")
    settings = load(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password_file=file)
    assert client_config(settings)["sasl.password"] == "pass\n"
    credentials: Any = faust_credentials(settings)
    assert (credentials.username, credentials.password, credentials.mechanism.value) == ("u", "pass\n", "SCRAM-SHA-512")


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = load(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password_file=tmp_path / "none")
    with pytest.raises(ConfigError, match=r"sasl_password_file: .*none: cannot be read: No such file"):
        client_config(settings)


def test_tls_with_a_password() -> None:
    settings = load(
        security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_username="u", sasl_password=SecretStr("secret"), ssl_ca_file=AUTHORITY
    )
    config = client_config(settings)
    assert config["sasl.mechanism"] == "PLAIN"
    assert config["sasl.password"] == "secret"
    assert config["ssl.ca.location"] == str(AUTHORITY)
    assert "ssl.key.location" not in config
    credentials: Any = faust_credentials(settings)
    context = credentials.ssl_context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_certificate_that_is_none_is_a_setting_to_change(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate", encoding="utf-8")
    for configured in (faust_credentials, client_config):
        for path in (file, tmp_path / "none"):
            with pytest.raises(ConfigError, match="ssl_ca_file, ssl_certificate_file or ssl_key_file: cannot be used"):
                configured(load(security_protocol="SSL", ssl_ca_file=path))
