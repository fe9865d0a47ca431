"""Ids that follow from what they name, so that a replay gives the same ones."""

from __future__ import annotations

import hashlib

import msgspec


def derived(*parts: str | int) -> str:
    """The first 32 hexadecimal digits of the SHA-256 of the JSON array of `parts`.

    JSON without blanks, UTF-8. As an array, no two different lists are written the same.
    """
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def decision_id(post_id: str, revision: int, sequence: int, cause: str) -> str:
    """Of a decision."""
    return derived(post_id, revision, sequence, cause)


def case_id(post_id: str) -> str:
    """Of all that ever happens to a post."""
    return derived("case", post_id)


def draw(purpose: str, key: str) -> float:
    """A number in [0, 1) that stays with `key`: the first 53 bits of a SHA-256, so that it is exact in a float."""
    digest = hashlib.sha256(f"{purpose}:{key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
