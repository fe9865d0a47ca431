"""Records to bytes and back: JSON by msgspec, which validates types and limits while it decodes."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from schemas.records import Record

R = TypeVar("R", bound=Record)

# JavaScript writes half an emoji so when it cuts a text. Refusing it would let an author keep a post from being moderated.
# The first alternative takes escaped backslashes and whole pairs, so that only halves are left for the second.
LONE_SURROGATE = re.compile(rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _whole_or_replaced(match: re.Match[bytes]) -> bytes:
    return match[1] or rb"\ufffd"


_encoder = msgspec.json.Encoder()


class Unreadable(enum.StrEnum):
    """Why a record became a dead letter."""

    EMPTY = "empty"  # no value
    NOT_JSON = "not_json"
    INVALID = "invalid"  # a field is missing, of another type, or outside its limits
    SCHEMA_VERSION = "schema_version"  # it says itself that it is another kind or version
    TOO_LARGE = "too_large"  # what a stage makes of it fits into no record
    WRONG_PARTITION = "wrong_partition"  # it lies where its key does not belong, again


class InvalidRecordError(ValueError):
    """Bytes that are no record of the wanted type. The message says where and why."""

    def __init__(self, reason: Unreadable, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encode(record: Record) -> bytes:
    """UTF-8 JSON; fields at their default are left out."""
    return _encoder.encode(record)


def decoder(record_type: type[R]) -> Callable[[bytes | None], R]:
    """A function from bytes to `record_type`. It raises InvalidRecordError with reason EMPTY, NOT_JSON or INVALID.

    Halves of surrogate pairs, which JSON cannot mean, are read as U+FFFD.
    """
    decode_json = msgspec.json.Decoder(record_type).decode

    def decode(value: bytes | None) -> R:
        if not value:
            raise InvalidRecordError(Unreadable.EMPTY, "the record has no value")
        try:
            return decode_json(value)
        except msgspec.ValidationError as error:
            raise InvalidRecordError(Unreadable.INVALID, str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            repaired = LONE_SURROGATE.sub(_whole_or_replaced, value)
            if repaired != value:
                return decode(repaired)
            raise InvalidRecordError(Unreadable.NOT_JSON, f"not JSON: {error}") from error

    return decode
