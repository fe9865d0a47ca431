"""The published contracts: fresh, valid, and of one mind with the decoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing.jsonschema import EMPTY_REGISTRY

from schemas import export
from schemas.records import Post
from schemas.topics import POSTS_INCOMING, REVIEW, TOPICS
from schemas.wire import InvalidRecordError, decoder
from tests.support.bad_inputs import BadInput, Expected, bad_inputs

RECORD_TOPICS = [topic for topic in TOPICS if topic.record]
decode = decoder(Post)


def unreadable(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.fixture(scope="module")
def post_validator() -> Draft202012Validator:
    return Draft202012Validator(export.json_schema(POSTS_INCOMING), registry=EMPTY_REGISTRY)


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(export.documents()[Path("schemas/asyncapi.json")])
    return document


@pytest.mark.parametrize("path", export.documents(), ids=str)
def test_the_committed_file_is_what_the_records_and_topics_say(path: Path) -> None:
    committed = (export.ROOT / path).read_text(encoding="utf-8")
    assert committed == export.documents()[path], f"{path} is stale: run `{export.COMMAND}`"


def test_no_schema_is_left_of_a_record_that_is_gone() -> None:
    committed = {path.relative_to(export.ROOT) for path in (export.ROOT / "schemas/json").iterdir()}
    assert committed == {path for path in export.documents() if path.parent.name == "json"}, f"run `{export.COMMAND}` and delete the rest"


@pytest.mark.parametrize("topic", RECORD_TOPICS, ids=lambda topic: topic.name)
def test_a_json_schema_obeys_its_metaschema(topic: Any) -> None:
    Draft202012Validator.check_schema(export.json_schema(topic))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name)
        for case in bad_inputs()
        if case.expected in {Expected.DECISION, Expected.INVALID} and not case.beyond_json_schema
    ],
)
def test_json_schema_and_decoder_agree(case: BadInput, post_validator: Draft202012Validator) -> None:
    value = json.loads((case.value or b"").decode(), parse_constant=unreadable)
    assert post_validator.is_valid(value) == (case.expected is Expected.DECISION)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in bad_inputs() if case.beyond_json_schema])
def test_what_is_said_to_be_beyond_json_schema_is(case: BadInput, post_validator: Draft202012Validator) -> None:
    try:
        value = json.loads((case.value or b"").decode(), parse_constant=unreadable)
    except (ValueError, RecursionError):
        return
    assert post_validator.is_valid(value) != (case.expected is Expected.DECISION)


def test_the_schema_says_that_a_post_needs_text_or_media(post_validator: Draft202012Validator) -> None:
    post = json.loads(next(case for case in bad_inputs() if case.name == "required-fields-only").value or b"")
    del post["text"]
    with pytest.raises(InvalidRecordError):
        decode(json.dumps(post).encode())
    assert not post_validator.is_valid(post)
    assert post_validator.is_valid({**post, "kind": "deleted"})
    assert post_validator.is_valid({**post, "media": [{"type": "image/png", "url": "https://example.org/1.png"}]})


def test_every_topic_is_a_channel_with_its_settings(asyncapi: dict[str, Any]) -> None:
    channels = {channel["address"]: channel for channel in asyncapi["channels"].values()}
    assert set(channels) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        binding = channels[topic.name]["bindings"]["kafka"]
        assert binding["partitions"] == topic.partitions
        assert binding["topicConfiguration"]["delete.retention.ms" if topic.compacted else "retention.ms"] == topic.retention_ms
        assert binding["topicConfiguration"]["cleanup.policy"] == ["compact" if topic.compacted else "delete"]


def test_every_role_has_its_operations(asyncapi: dict[str, Any]) -> None:
    done = {(body["tags"][0]["name"], body["action"], body["title"].rpartition(" ")[2]) for body in asyncapi["operations"].values()}
    written = {(role, "send", topic.name) for topic in TOPICS for role in topic.written_by}
    read = {(role, "receive", topic.name) for topic in TOPICS for role in topic.read_by}
    assert done == written | read


def test_the_key_of_a_nested_field_has_the_schema_of_that_field(asyncapi: dict[str, Any]) -> None:
    assert REVIEW.key == "post.post_id"
    key = asyncapi["components"]["messages"]["ReviewTask"]["bindings"]["kafka"]["key"]
    assert key["maxLength"] == 200
    assert key["pattern"].startswith("^[A-Za-z0-9._:-]")


def test_every_reference_of_the_asyncapi_document_leads_somewhere(asyncapi: dict[str, Any]) -> None:
    references = list(find_references(asyncapi))
    assert len(references) > 50
    for reference in references:
        target: Any = asyncapi
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def find_references(node: Any) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from find_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from find_references(value)
