"""Input as lines: all of them, the first without a byte-order mark."""

from __future__ import annotations

import codecs
import io

import pytest

from agents.cli.files import lines_of
from agents.cli.publish import Progressing, _messages


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", [b"a\n", b"b\n"]),
        (codecs.BOM_UTF8 + b"a\nb", [b"a\n", b"b"]),
        (b"a\n" + codecs.BOM_UTF8, [b"a\n", codecs.BOM_UTF8]),
        (codecs.BOM_UTF8, [b""]),
        (b"", []),
    ],
)
def test_lines(content: bytes, lines: list[bytes]) -> None:
    assert list(lines_of(io.BytesIO(content))) == lines


def test_a_byte_order_mark_costs_no_post() -> None:
    post = b'{"post_id": "p", "revision": 1, "kind": "created", "conversation_id": "c", "author_id": "a", "market": "NL", '
    post += b'"created_at": "2026-11-01T10:00:00Z", "text": "x"}'
    counts = Progressing()
    (message,) = _messages(io.BytesIO(codecs.BOM_UTF8 + post), "posts", counts, lenient=False)
    assert (message.value, counts.faulty) == (post, 0)
