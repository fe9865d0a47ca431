"""Kafka's security settings in the words of both clients."""

from __future__ import annotations

import ssl
from typing import Any

import faust
from faust.types.auth import CredentialsT

from agents.settings import Settings
from pipeline.config import ConfigError


def client_config(settings: Settings) -> dict[str, Any]:
    """Address and security for every confluent-kafka client. Raises ConfigError when a file cannot be read."""
    config: dict[str, Any] = {"bootstrap.servers": settings.broker, "security.protocol": settings.security_protocol}
    if settings.security_protocol.startswith("SASL"):
        config |= {"sasl.mechanism": settings.sasl_mechanism, "sasl.username": settings.sasl_username, "sasl.password": _password(settings)}
    if "SSL" in settings.security_protocol:
        _ssl_context(settings)  # says more clearly than librdkafka which file cannot be used, and at the start
        files = {
            "ssl.ca.location": settings.ssl_ca_file,
            "ssl.certificate.location": settings.ssl_certificate_file,
            "ssl.key.location": settings.ssl_key_file,
        }
        config |= {name: str(path) for name, path in files.items() if path}
    return config


def faust_credentials(settings: Settings) -> CredentialsT | None:
    """The same for Faust. None where nothing is needed."""
    context = _ssl_context(settings) if "SSL" in settings.security_protocol else None
    if settings.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.sasl_username, password=_password(settings), mechanism=settings.sasl_mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context=context) if context else None


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file)
        if settings.ssl_certificate_file:
            context.load_cert_chain(settings.ssl_certificate_file, settings.ssl_key_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"ssl_ca_file, ssl_certificate_file or ssl_key_file: cannot be used: {error}") from error
    return context


def _password(settings: Settings) -> str:
    if settings.sasl_password:
        return settings.sasl_password.get_secret_value()
    assert settings.sasl_password_file  # noqa: S101 - Settings has checked it
    try:
        return settings.sasl_password_file.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise ConfigError(f"sasl_password_file: {settings.sasl_password_file}: cannot be read: {error.strerror}") from error
