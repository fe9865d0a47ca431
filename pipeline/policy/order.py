"""Rules of which the first that fits counts: is there a post that gets as far as each of them?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

Names = Mapping[str, frozenset[str]]
"""What a rule is for, by its key: `languages`, `markets` and so on. An empty set means all."""

ANYTHING_ELSE = ""
"""Stands for every language or market that no rule names."""


class Unreached(NamedTuple):
    """A rule, by its place, before which others take all posts (`parts` empty), or all of what it names, as `languages nl`."""

    place: int
    parts: tuple[str, ...]


Alike = Mapping[str, Sequence[frozenset[str]]]
"""Of each key the values, those together that the same rules name: as many languages and markets as a policy likes are few of these."""


def unreached(rules: Sequence[Names], known: Names) -> Iterator[Unreached]:
    """`known`: of keys with a closed set of values, all of them."""
    alike = {key: _alike(key, rules, known.get(key)) for key in (rules[0] if rules else ())}
    for place, rule in enumerate(rules):
        left = _left(rule, rules[:place], alike)
        parts = [f"{key} {value}" for key in alike for value in sorted(rule[key] - left[key])]
        if not any(left.values()):
            yield Unreached(place, ())
        elif parts:
            yield Unreached(place, tuple(parts))


def _alike(key: str, rules: Sequence[Names], known: frozenset[str] | None) -> list[frozenset[str]]:
    found: dict[tuple[bool, ...], set[str]] = {}
    for value in known or {ANYTHING_ELSE}.union(*(rule[key] for rule in rules)):
        found.setdefault(tuple(value in rule[key] for rule in rules), set()).add(value)
    return [frozenset(values) for values in found.values()]


def _left(rule: Names, before: Sequence[Names], alike: Alike) -> dict[str, set[str]]:
    """Of each key the values with which a post gets to `rule`."""
    left: dict[str, set[str]] = {key: set() for key in alike}
    for posts in itertools.product(*([each for each in alike[key] if not rule[key] or each <= rule[key]] for key in alike)):
        values = dict(zip(alike, posts, strict=True))
        if not any(all(not other[key] or each <= other[key] for key, each in values.items()) for other in before):
            for key, each in values.items():
                left[key] |= each
    return left
