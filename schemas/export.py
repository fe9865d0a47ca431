"""Contracts for people and tools outside, made from the records and the table of topics: `python -m schemas.export` writes them.

JSON Schema (2020-12) per record in schemas/json/, one AsyncAPI 3.0 document, and docs/topics.md.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas import asyncapi
from schemas.headers import NAMESPACE, event_type
from schemas.records import MAX_TEXT_BYTES, Post
from schemas.topics import DAY_MS, TOPICS, Topic

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m schemas.export"

JSONSchema = dict[str, Any]

NEEDS_CONTENT: JSONSchema = {
    "anyOf": [
        {"properties": {"kind": {"const": "deleted"}}},
        {"properties": {"text": {"type": "string"}}, "required": ["text"]},
        {"properties": {"media": {"minItems": 1}}, "required": ["media"]},
    ]
}
"""`Post.__post_init__` as a schema: what is not deleted has text or media."""


def documents() -> dict[Path, str]:
    """Every generated file: its path from the repository's root, and its content."""
    files = {Path("schemas/json") / schema_file(topic): as_json(json_schema(topic)) for topic in TOPICS if topic.record}
    files[Path("schemas/asyncapi.json")] = as_json(asyncapi.document(TOPICS, components()))
    files[Path("docs/topics.md")] = topics_page(TOPICS)
    return files


def schema_file(topic: Topic) -> str:
    """`language-post.v1.json`."""
    return f"{event_type(topic).removeprefix(NAMESPACE)}.json"


def json_schema(topic: Topic) -> JSONSchema:
    """The schema of a topic's record, complete in itself."""
    schema = msgspec.json.schema(topic.record)
    complete(schema["$defs"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:" + event_type(topic).replace(".", ":"),
        **schema,
    }


def components() -> dict[str, JSONSchema]:
    """The schemas of all records by name, referring to each other as parts of an AsyncAPI document."""
    records = [topic.record for topic in TOPICS if topic.record]
    _, schemas = msgspec.json.schema_components(records, ref_template="#/components/schemas/{name}")
    complete(schemas)
    return schemas


def complete(definitions: dict[str, JSONSchema]) -> None:
    """Adds what msgspec cannot know: the limits that `Post` checks itself. Descriptions lose the indentation of the source."""
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = unwrap(definition["description"])
    post = definitions.get(Post.__name__)
    if post:
        text = next(kind for kind in post["properties"]["text"]["anyOf"] if kind["type"] == "string")
        text["maxLength"] = MAX_TEXT_BYTES
        text["description"] = f"At most {MAX_TEXT_BYTES} bytes of UTF-8; maxLength counts characters, so it is the weaker limit"
        post.update(NEEDS_CONTENT)


def unwrap(docstring: str) -> str:
    """A docstring with a line per paragraph."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def as_json(document: JSONSchema) -> str:
    """Readable, and the same on every run."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def topics_page(topics: tuple[Topic, ...]) -> str:
    """docs/topics.md."""
    head = (
        f"# Topics\n\nMade from `schemas/topics.py` by `{COMMAND}`; do not edit.\n\n"
        "Names stand under the prefix that the settings give. Values are JSON in UTF-8: [JSON Schemas](../schemas/json), "
        "[AsyncAPI](../schemas/asyncapi.json).\n"
        "The key is the named field of the record, as UTF-8; producers must use the partitioner of Kafka's Java client "
        "(in librdkafka `partitioner=murmur2_random`).\n\n"
        "| topic | holds | key | record | partitions | kept | written by | read by |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(f"| {' | '.join(topic_row(topic))} |\n" for topic in topics)


def topic_row(topic: Topic) -> tuple[str, ...]:
    """The cells of a topic, in the order of the page's head."""
    return (
        f"`{topic.name}`",
        topic.title,
        f"`{topic.key}`" if topic.key else "as it came in",
        f"[{topic.record.__name__}](../schemas/json/{schema_file(topic)})" if topic.record else "any bytes",
        str(topic.partitions),
        kept(topic),
        ", ".join(topic.written_by),
        ", ".join(topic.read_by),
    )


def kept(topic: Topic) -> str:
    """For how long its records are kept."""
    days = f"{topic.retention_ms // DAY_MS} d"
    return f"the newest of each key until its tombstone, which stays {days}" if topic.compacted else days


def main() -> None:
    """Writes every generated file."""
    for path, content in documents().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
