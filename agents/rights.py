"""Access rights as an administrator hands them to Kafka: commands, Strimzi's resources, and the table of docs/security.md."""

from __future__ import annotations

import enum
import itertools
import json
import shlex
from collections.abc import Iterable, Iterator

from agents.settings import Settings
from pipeline.policy.regions import Regions
from schemas.rights import Kind, Names, Operation, Right, Role

STRIMZI_KINDS = {Kind.TOPIC: "topic", Kind.GROUP: "group", Kind.TRANSACTIONAL_ID: "transactionalId"}
PREFIXED = "*"
"""Behind a name in the table: all that begin with it."""


class Format(enum.Enum):
    """How rights are written."""

    TABLE = "table"
    KAFKA_ACLS = "kafka-acls"
    STRIMZI = "strimzi"


def names_of(settings: Settings, regions: Regions) -> Names:
    """What this installation calls its topics and groups."""
    return Names(settings.topic_prefix, settings.group, tuple(region.name for region in regions.regions))


def kafka_acls(roles: Iterable[Role], principal_prefix: str, broker: str) -> Iterator[str]:
    """A `kafka-acls.sh` command per role and kind of right. Kafka takes a right that it has already without a word."""
    for role in roles:
        yield f"# {role.name}: {role.title.replace('`', '')}"
        for (operation, kind, prefixed), rights in _alike(role.rights):
            words = ["--bootstrap-server", broker, "--command-config", "admin.properties", "--add"]
            words += ["--allow-principal", f"User:{principal_prefix}{role.name}", "--operation", operation.value]
            words += ["--resource-pattern-type", "prefixed"] if prefixed else []
            option = "--" + kind.value.replace(" ", "-")
            yield shlex.join(["kafka-acls.sh", *words, *(word for right in rights for word in (option, right.name))])


def _alike(rights: Iterable[Right]) -> Iterator[tuple[tuple[Operation, Kind, bool], list[Right]]]:
    """Rights that differ in the name alone, together."""

    def likeness(right: Right) -> tuple[Operation, Kind, bool]:
        return right.operation, right.kind, right.prefixed

    order = {each: place for place, each in enumerate(dict.fromkeys(map(likeness, rights)))}
    for shared, group in itertools.groupby(sorted(rights, key=lambda right: order[likeness(right)]), likeness):
        yield shared, list(group)


def strimzi_users(roles: Iterable[Role], principal_prefix: str, cluster: str) -> str:
    """A KafkaUser per role, for the cluster of that name, with a password that Strimzi makes."""
    return "".join(_strimzi_user(role, principal_prefix, cluster) for role in roles)


def _strimzi_user(role: Role, principal_prefix: str, cluster: str) -> str:
    lines = [
        "---",
        f"# {role.title.replace('`', '')}",
        "apiVersion: kafka.strimzi.io/v1",
        "kind: KafkaUser",
        "metadata:",
        f"  name: {principal_prefix}{role.name}",
        "  labels:",
        f"    strimzi.io/cluster: {cluster}",
        "spec:",
        "  authentication:",
        "    type: scram-sha-512",
        "  authorization:",
        "    type: simple",
        "    acls:",
    ]
    for (kind, name, prefixed), operations in _by_resource(role.rights).items():
        resource = {"type": STRIMZI_KINDS[kind], "name": name, "patternType": "prefix" if prefixed else "literal"}
        lines.append(f"      - resource: {json.dumps(resource)}")
        lines.append(f"        operations: [{', '.join(operation.value for operation in operations)}]")
    return "\n".join(lines) + "\n"


def _by_resource(rights: Iterable[Right]) -> dict[tuple[Kind, str, bool], list[Operation]]:
    found: dict[tuple[Kind, str, bool], list[Operation]] = {}
    for right in rights:
        found.setdefault((right.kind, right.name, right.prefixed), []).append(right.operation)
    return found


def rows(roles: Iterable[Role]) -> Iterator[tuple[str, str, str, str]]:
    """Role, operation, kind and names, a row for each of which they differ."""
    for role in roles:
        for (operation, kind, prefixed), rights in _alike(role.rights):
            yield role.name, operation.value, kind.value, ", ".join(right.name + PREFIXED * prefixed for right in rights)
