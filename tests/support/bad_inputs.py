"""The cases in tests/data/bad_inputs: bad and odd records for `posts.incoming.v1`, each with what must come of it."""

from __future__ import annotations

import base64
import enum
import functools
import gzip
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config import ConfigModel, read_toml

FOLDER = Path(__file__).resolve().parent.parent / "data" / "bad_inputs"
BASE_FILE = FOLDER / "base.toml"


class Expected(enum.Enum):
    """What comes of a record: a decision, or a dead letter with the value as its reason."""

    DECISION = "decision"
    EMPTY = "empty"
    NOT_JSON = "not_json"
    INVALID = "invalid"
    SCHEMA_VERSION = "schema_version"


@dataclass(frozen=True)
class BadInput:
    """A record as a producer sends it.

    `post_id` is what a decision on it carries; None where no post can be read. `beyond_json_schema` says why the published JSON Schema
    judges the value otherwise than the decoder, or cannot be asked.
    """

    name: str
    expected: Expected
    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    post_id: str | None
    beyond_json_schema: str | None


class Base64(ConfigModel):
    """Bytes that are no UTF-8."""

    base64: str


class Repeat(ConfigModel):
    """Something many times over."""

    repeat: str | Pieces
    times: Annotated[int, Field(ge=1)]


Piece = str | Base64 | Repeat
Pieces = tuple[Piece, ...]


class Case(ConfigModel):
    """A case as written. The value is `value`, or the post of base.toml with `fields` changed, `raw` JSON put in place of fields, fields
    taken away (`without`), other text around it (`before`, `after`), an `encoding` other than UTF-8, `gzip`, or `cut` to a length.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,100}$")]
    expect: Expected
    tombstone: bool = False
    value: Pieces | None = None
    fields: dict[str, object] = Field(default_factory=dict)
    raw: dict[str, Pieces] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    before: Pieces = ()
    after: Pieces = ()
    encoding: str = "utf-8"
    gzip: bool = False
    cut: int | None = None
    key: Pieces | None = None
    no_key: bool = False
    headers: tuple[tuple[str] | tuple[str, Piece], ...] = ()
    header_times: int = 1
    beyond_json_schema: str | None = None


class CaseFile(ConfigModel):
    """One TOML file."""

    case: tuple[Case, ...]


@functools.cache
def bad_inputs() -> tuple[BadInput, ...]:
    """All cases, in the order of the files' names and of the cases in each."""
    base = tomllib.loads(BASE_FILE.read_text(encoding="utf-8"))
    files = sorted(path for path in FOLDER.glob("*.toml") if path != BASE_FILE)
    return tuple(build(case, base) for path in files for case in read_toml(path, CaseFile).case)


def build(case: Case, base: dict[str, object]) -> BadInput:
    """The record that a case describes."""
    post = {"post_id": f"bad-{case.name}", "conversation_id": f"bad-{case.name}-conversation", **base}
    post |= {name: expanded(value) for name, value in case.fields.items()}
    headers = [(header[0], joined(header[1:]) if len(header) == 2 else None) for header in case.headers]
    return BadInput(
        name=case.name,
        expected=case.expect,
        value=value_of(case, post),
        key=None if case.no_key else joined(case.key) if case.key else str(post["conversation_id"]).encode(),
        headers=tuple(headers) * case.header_times,
        post_id=str(post["post_id"]) if case.expect is Expected.DECISION else None,
        beyond_json_schema=case.beyond_json_schema,
    )


def value_of(case: Case, post: dict[str, object]) -> bytes | None:
    """The bytes of the record's value."""
    if case.tombstone:
        return None
    if case.value is not None:
        return joined(case.value)
    written = {name: json.dumps(value, ensure_ascii=False).encode(case.encoding) for name, value in post.items()}
    written |= {name: joined(pieces) for name, pieces in case.raw.items()}
    if case.encoding != "utf-8":
        value = json.dumps(post, ensure_ascii=False).encode(case.encoding)
    else:
        value = (
            b"{" + b",".join(json.dumps(name).encode() + b":" + text for name, text in written.items() if name not in case.without) + b"}"
        )
    value = joined(case.before) + value + joined(case.after)
    return gzip.compress(value, mtime=0) if case.gzip else value[: case.cut]


def joined(pieces: Pieces) -> bytes:
    """The pieces' bytes, one after the other."""
    return b"".join(piece_bytes(piece) for piece in pieces)


def piece_bytes(piece: Piece) -> bytes:
    if isinstance(piece, Base64):
        return base64.b64decode(piece.base64, validate=True)
    if isinstance(piece, Repeat):
        return (piece.repeat.encode() if isinstance(piece.repeat, str) else joined(piece.repeat)) * piece.times
    return piece.encode()


def expanded(value: object) -> object:
    """A field's value; a table of exactly `repeat` and `times` is a long string."""
    if isinstance(value, dict) and set(value) == {"repeat", "times"}:
        return joined((Repeat.model_validate(value),)).decode()
    return value
