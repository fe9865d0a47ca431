"""The AsyncAPI 3.0 document: topics as channels, records as messages with key and headers, an operation per role and topic."""

from __future__ import annotations

import functools
from typing import Any, get_type_hints

import msgspec

from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, SPECVERSION, TRACEPARENT, event_type
from schemas.topics import REGION_PATTERN, Topic

Json = dict[str, Any]

KAFKA_BINDING = "0.5.0"
DEAD_LETTER = "DeadLetter"
LIST_SETTINGS = frozenset({"cleanup.policy"})
NUMBER_SETTINGS = frozenset({"retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes"})
"""What the Kafka binding 0.5.0 knows of a topic's settings; the others go into an extension."""

TEXT: Json = {"type": "string"}


def document(topics: tuple[Topic, ...], schemas: dict[str, Json]) -> Json:
    """The whole document. `schemas` are the records by name, referring to each other under `#/components/schemas/`."""
    messages = {message_name(topic): message(topic) for topic in topics}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sluice",
            "version": "1.0.0",
            "description": "Posts in, decisions and review tasks out. Addresses stand under the prefix that the settings give. "
            "An operation is tagged with the role that performs it.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel_name(topic): channel(topic) for topic in topics},
        "operations": {name: body for topic in topics for name, body in operations(topic).items()},
        "components": {"messages": messages, "schemas": schemas},
    }


def channel_name(topic: Topic) -> str:
    """`posts.incoming.v1` as `postsIncomingV1`."""
    words = topic.name.replace(".{region}", "").replace("-", ".").split(".")
    return words[0] + "".join(word.capitalize() for word in words[1:])


def message_name(topic: Topic) -> str:
    """The record's type, or that of a dead letter."""
    return topic.record.__name__ if topic.record else DEAD_LETTER


def channel(topic: Topic) -> Json:
    """A topic with its settings on the broker."""
    body: Json = {
        "address": topic.name,
        "title": topic.title,
        "messages": {message_name(topic): {"$ref": f"#/components/messages/{message_name(topic)}"}},
        "bindings": {"kafka": kafka_channel(topic)},
    }
    if "{region}" in topic.name:
        body["parameters"] = {"region": {"description": f"A review region: {REGION_PATTERN.pattern}"}}
    return body


def kafka_channel(topic: Topic) -> Json:
    """The Kafka binding of a channel: partitions, retention, cleanup."""
    known: Json = {}
    other: Json = {}
    for name, value in topic.config.items():
        if name in LIST_SETTINGS:
            known[name] = value.split(",")
        elif name in NUMBER_SETTINGS:
            known[name] = int(value)
        else:
            other[name] = value
    return {"partitions": topic.partitions, "topicConfiguration": known, "x-topic-settings": other, "bindingVersion": KAFKA_BINDING}


def message(topic: Topic) -> Json:
    """A record with its headers and its key; for dead letters the original bytes."""
    if topic.record is None:
        return {
            "name": DEAD_LETTER,
            "title": topic.title,
            "contentType": "application/octet-stream",
            "payload": {**TEXT, "description": "The record as it came in, byte for byte, cut over a limit; the key is the original's, too"},
        }
    return {
        "name": event_type(topic),
        "title": topic.title,
        "contentType": "application/json",
        "headers": headers(topic),
        "payload": {"$ref": f"#/components/schemas/{topic.record.__name__}"},
        "bindings": {"kafka": {"key": key_schema(topic), "bindingVersion": KAFKA_BINDING}},
    }


def headers(topic: Topic) -> Json:
    """CloudEvents 1.0, binary mode, and W3C Trace Context. A producer may leave them out; what is there must be right."""
    return {
        "type": "object",
        "properties": {
            CE_SPECVERSION: {"const": SPECVERSION},
            CE_ID: {**TEXT, "minLength": 1, "description": identity(topic)},
            CE_TYPE: {**TEXT, "description": f"`{event_type(topic)}`; another type or major version of ours goes to the dead letters"},
            CE_SOURCE: {**TEXT, "format": "uri-reference", "minLength": 1},
            CE_TIME: {**TEXT, "format": "date-time"},
            TRACEPARENT: {**TEXT, "description": "W3C Trace Context; carried through every topic"},
        },
    }


def identity(topic: Topic) -> str:
    """What the event's id is made of."""
    return (
        "The record's " + " and ".join(f"`{path}`" for path in topic.identity) + (", joined by a colon" if len(topic.identity) > 1 else "")
    )


def key_schema(topic: Topic) -> Json:
    """The schema of the field that is the key, e.g. of `post.conversation_id`."""
    path = (topic.key or "").split(".")
    field: Any = functools.reduce(lambda owner, name: get_type_hints(owner, include_extras=True)[name], path, topic.record)
    return {**msgspec.json.schema(field), "description": f"The record's `{topic.key}`"}


def operations(topic: Topic) -> dict[str, Json]:
    """Who writes (`send`) and who reads (`receive`), by operation id."""
    roles = [(role, "send") for role in topic.written_by] + [(role, "receive") for role in topic.read_by]
    return {operation_id(role, action, topic): operation(role, action, topic) for role, action in roles}


def operation_id(role: str, action: str, topic: Topic) -> str:
    """`review tools` that receive from `moderation.review.{region}.v1`: `reviewToolsReceiveModerationReviewV1`."""
    first, *rest = role.split()
    name = channel_name(topic)
    return first + "".join(word.capitalize() for word in rest) + action.capitalize() + name[0].upper() + name[1:]


def operation(role: str, action: str, topic: Topic) -> Json:
    """What a role does with a topic."""
    reference = f"#/channels/{channel_name(topic)}"
    return {
        "action": action,
        "title": f"{role}: {action} {topic.name}",
        "channel": {"$ref": reference},
        "messages": [{"$ref": f"{reference}/messages/{message_name(topic)}"}],
        "tags": [{"name": role}],
    }
