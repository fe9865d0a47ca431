"""Records to bytes and back: JSON by msgspec, which validates types and limits while it decodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from schemas.records import Record

R = TypeVar("R", bound=Record)

_encoder = msgspec.json.Encoder()


class InvalidRecordError(ValueError):
    """Bytes that are no record of the wanted type. `reason` is one of a closed set (for a metric), the message says where and why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encode(record: Record) -> bytes:
    """UTF-8 JSON; fields at their default are left out."""
    return _encoder.encode(record)


def decoder(record_type: type[R]) -> Callable[[bytes | None], R]:
    """A function from bytes to `record_type`. It raises InvalidRecordError with reason `empty`, `not_json` or `invalid`."""
    decode_json = msgspec.json.Decoder(record_type).decode

    def decode(value: bytes | None) -> R:
        if not value:
            raise InvalidRecordError("empty", "the record has no value")
        try:
            return decode_json(value)
        except msgspec.ValidationError as error:
            raise InvalidRecordError("invalid", str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRecordError("not_json", f"not JSON: {error}") from error

    return decode
