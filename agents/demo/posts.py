"""The demo's posts."""

from __future__ import annotations

import datetime as dt
import gzip
from importlib import resources

import msgspec

from schemas.records import Post
from schemas.wire import decoder


def posts() -> list[Post]:
    """The packaged posts, made as of now: they keep their order, and were all written in the last minutes."""
    packed = resources.files("agents.demo").joinpath("posts.jsonl.gz").read_bytes()
    decode = decoder(Post)
    found = [decode(line) for line in gzip.decompress(packed).splitlines()]
    start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=len(found))
    return [msgspec.structs.replace(post, created_at=start + dt.timedelta(seconds=second)) for second, post in enumerate(found)]
