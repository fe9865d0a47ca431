"""Every case of tests/data/bad_inputs at the level of headers and decoding; the flow over a genuine Kafka has them too."""

from __future__ import annotations

import pytest

from schemas.headers import event_type_check
from schemas.records import Post
from schemas.topics import MAX_MESSAGE_BYTES, POSTS_INCOMING
from schemas.wire import InvalidRecordError, decoder, encode
from tests.support.bad_inputs import BadInput, Expected, bad_inputs

RECORD_OVERHEAD = 1024
decode = decoder(Post)


def cases(*expected: Expected) -> list[object]:
    return [pytest.param(case, id=case.name) for case in bad_inputs() if case.expected in expected]


def read(case: BadInput) -> Post:
    event_type_check(POSTS_INCOMING)(case.headers)
    return decode(case.value)


@pytest.mark.parametrize("case", cases(Expected.DECISION))
def test_an_odd_post_is_read_and_can_be_passed_on(case: BadInput) -> None:
    post = read(case)
    assert post.post_id == case.post_id
    assert decode(encode(post)) == post


@pytest.mark.parametrize("case", cases(Expected.EMPTY, Expected.NOT_JSON, Expected.INVALID, Expected.SCHEMA_VERSION))
def test_a_bad_record_is_refused_with_its_reason(case: BadInput) -> None:
    with pytest.raises(InvalidRecordError) as refused:
        read(case)
    assert refused.value.reason == case.expected.value
    assert str(refused.value)


def test_every_case_fits_into_a_record_and_has_a_name_of_its_own() -> None:
    names = [case.name for case in bad_inputs()]
    assert len(names) == len(set(names)) >= 200
    for case in bad_inputs():
        headers = sum(len(name.encode()) + len(value or b"") + 8 for name, value in case.headers)
        assert len(case.value or b"") + len(case.key or b"") + headers + RECORD_OVERHEAD <= MAX_MESSAGE_BYTES, case.name


def test_the_largest_post_still_fits_into_a_record_when_it_is_written_anew() -> None:
    largest = next(case for case in bad_inputs() if case.name == "largest-post")
    written = encode(read(largest))
    assert 800_000 < len(written) < MAX_MESSAGE_BYTES - 200_000
