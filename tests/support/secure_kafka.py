"""A genuine Kafka that lets nobody in without TLS and a password, and nobody do what was not allowed: StandardAuthorizer, SCRAM-SHA-512."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs forget some of these
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from schemas.rights import Kind, Names, Operation, Right, roles
from schemas.topics import REVIEW, TOPICS, Topic, review_topic
from tests.support.clients import OwnTopics
from tests.support.kafka import KafkaBroker, free_ports

KAFKA, ADMIN = "kafka", "admin"
"""Users that may do everything: the broker itself, by its certificate, and the one that sets the others up."""

ADMIN_SECONDS = 30
PASSWORD_BYTES = 18

# Clients come in by CLIENTS; CERTIFICATES is for the broker itself, and for clients with a certificate in place of a password.
SECURE_LISTENERS = """\
listeners=CLIENTS://127.0.0.1:{port},CERTIFICATES://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port},CERTIFICATES://127.0.0.1:{mutual}
listener.security.protocol.map=CLIENTS:SASL_SSL,CERTIFICATES:SSL,CONTROLLER:SSL
inter.broker.listener.name=CERTIFICATES
sasl.enabled.mechanisms=SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.location={folder}/kafka.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/authority.pem
ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/$1/,DEFAULT
listener.name.certificates.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{kafka};User:{admin}
"""

OPERATIONS = {
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
    Operation.DESCRIBE: AclOperation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS: AclOperation.DESCRIBE_CONFIGS,
    Operation.CREATE: AclOperation.CREATE,
}
KINDS = {Kind.TOPIC: ResourceType.TOPIC, Kind.GROUP: ResourceType.GROUP, Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID}


class SecureKafka(KafkaBroker):
    """Its certificates lie in `directory` too. `settings(user)` are what a program needs to come in as that user."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.mutual = next(port for port in free_ports(3) if port not in {self.port, self.controller})
        self.passwords = {ADMIN: secrets.token_urlsafe(PASSWORD_BYTES)}
        self._authority = trustme.CA()
        directory.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(self.authority)
        self._write_certificate(self.directory / "kafka.pem", KAFKA)

    @property
    def authority(self) -> Path:
        """PEM file of the authority that has signed the broker's certificate."""
        return self.directory / "authority.pem"

    @cached_property
    def admin(self) -> AdminClient:
        """May do everything."""
        return AdminClient(self.client(ADMIN))

    def add_user(self, name: str) -> None:
        """A user with a password that nobody else has, and no rights."""
        self.passwords[name] = secrets.token_urlsafe(PASSWORD_BYTES)
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, info, self.passwords[name].encode())
        for done in self.admin.alter_user_scram_credentials([change]).values():
            done.result(ADMIN_SECONDS)

    def allow(self, user: str, rights: Iterable[Right]) -> None:
        """Gives rights."""
        for done in self.admin.create_acls([binding(user, right) for right in rights]).values():
            done.result(ADMIN_SECONDS)

    def take(self, user: str, right: Right) -> None:
        """Takes a right away."""
        for done in self.admin.delete_acls([_filter(binding(user, right))]).values():
            assert done.result(ADMIN_SECONDS), f"{user} had no {right}"

    def rights(self, user: str) -> list[AclBinding]:
        """What the broker lets a user do."""
        anything: Any = None
        everything = AclBindingFilter(
            ResourceType.ANY, anything, ResourcePatternType.ANY, f"User:{user}", anything, AclOperation.ANY, AclPermissionType.ANY
        )
        return list(self.admin.describe_acls(everything).result(ADMIN_SECONDS))

    def settings(self, user: str) -> dict[str, str]:
        """By their names in agents.settings; the password is in a file."""
        file = self.directory / f"{user}.password"
        file.write_text(self.passwords[user] + "\n", encoding="utf-8")
        return {
            "security_protocol": "SASL_SSL",
            "sasl_username": user,
            "sasl_password_file": str(file),
            "ssl_ca_file": str(self.authority),
        }

    def certificate_settings(self, user: str) -> dict[str, str]:
        """The same with a certificate in place of the password, for the broker at `127.0.0.1:<mutual>`."""
        file = self.directory / f"{user}.pem"
        self._write_certificate(file, user)
        return {
            "security_protocol": "SSL",
            "ssl_ca_file": str(self.authority),
            "ssl_certificate_file": str(file),
            "ssl_key_file": str(file),
        }

    def client(self, user: str) -> dict[str, Any]:
        """The same for confluent-kafka."""
        return {
            "bootstrap.servers": self.address,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.passwords[user],
            "ssl.ca.location": str(self.authority),
        }

    def _client(self) -> dict[str, str]:
        return self.client(ADMIN)

    def _listeners(self) -> str:
        return SECURE_LISTENERS.format(
            port=self.port, mutual=self.mutual, controller=self.controller, folder=self.directory, kafka=KAFKA, admin=ADMIN
        )

    def _first_users(self) -> tuple[str, ...]:
        return "--add-scram", f"SCRAM-SHA-512=[name={ADMIN},password={self.passwords[ADMIN]}]"

    def _write_certificate(self, file: Path, user: str) -> None:
        """Key and certificate in one file; the key as PKCS #8, since Java reads no other PEM."""
        issued = self._authority.issue_cert("127.0.0.1", common_name=user)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), *(each.bytes() for each in issued.cert_chain_pems)]
        file.write_bytes(b"".join(parts))


class Installation:
    """Topics under a prefix, and a user per role with the role's rights on them and no other. A user's name is `<prefix><role>`."""

    def __init__(self, kafka: SecureKafka, prefix: str, regions: Sequence[str], partitions: int) -> None:
        self.kafka = kafka
        self.names = Names(prefix, "sluice", tuple(regions))
        self.topics = OwnTopics(kafka.address, prefix, kafka.client(ADMIN))
        entries = [each for entry in TOPICS for each in (map(review_topic, regions) if entry is REVIEW else [entry])]
        self.topics.create(*entries, partitions={entry.name: partitions for entry in entries})
        self.roles = {role.name: role for role in roles(self.names)}
        for role in self.roles.values():
            kafka.add_user(self.user(role.name))
            kafka.allow(self.user(role.name), role.rights)

    def user(self, role: str) -> str:
        """The user that has a role."""
        return self.names.topic_prefix + role

    def client(self, role: str) -> dict[str, Any]:
        """Settings of confluent-kafka."""
        return self.kafka.client(self.user(role))

    def settings(self, role: str) -> dict[str, object]:
        """Settings of a program, by their names in agents.settings."""
        return {"broker": self.kafka.address, "topic_prefix": self.names.topic_prefix, **self.kafka.settings(self.user(role))}

    def right(self, role: str, operation: Operation, kind: Kind = Kind.TOPIC, topic: Topic | None = None) -> Right:
        """The one right of a role that is of this kind, or on this topic."""
        name = topic and self.topics.name(topic)
        (found,) = (
            right for right in self.roles[role].rights
            if (right.operation, right.kind) == (operation, kind) and name in (None, right.name)
        )  # fmt: skip
        return found

    @contextmanager
    def without(self, role: str, *rights: Right) -> Iterator[None]:
        """For the length of a `with` block a role lacks rights."""
        for right in rights:
            self.kafka.take(self.user(role), right)
        try:
            yield
        finally:
            self.kafka.allow(self.user(role), rights)


def binding(user: str, right: Right) -> AclBinding:
    """A right as confluent-kafka has it."""
    pattern = ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL
    operation, kind = OPERATIONS[right.operation], KINDS[right.kind]
    return AclBinding(kind, right.name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def _filter(wanted: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        wanted.restype,
        wanted.name,
        wanted.resource_pattern_type,
        wanted.principal,
        wanted.host,
        wanted.operation,
        wanted.permission_type,
    )
