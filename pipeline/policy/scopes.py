"""Languages and markets that a file names and no post will ever have: what is said of them would hold for nothing, in silence."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from importlib import resources

from pipeline.language.languages import LANGUAGES, OTHER, UNDETERMINED
from pipeline.policy.policy import Policy
from pipeline.policy.region import carried
from pipeline.policy.regions import Regions
from pipeline.policy.roster import Roster
from pipeline.policy.rules import ScopedRule

IDENTIFIED = frozenset({*LANGUAGES, UNDETERMINED, OTHER})
"""All that the language stage says of a post."""

BESIDE_ISO = frozenset({"XK"})
"""Kosovo, of the codes that ISO leaves to users: platforms, the EU and Unicode's CLDR use it."""

_MEANT = {"UK": "GB", "EL": "GR"}
"""What else is used for a country, and its code."""


@functools.cache
def markets() -> frozenset[str]:
    """ISO 3166-1 as the time zone database lists it, and BESIDE_ISO."""
    table = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return BESIDE_ISO.union(line.split("\t")[0] for line in table.splitlines() if not line.startswith("#"))


def of_rules(policy: Policy) -> Iterator[str]:
    """A sentence for each language and market of a rule of any kind that no post has."""
    audits = policy.audit.rules if policy.audit else ()
    for kind, rules in (("rule", policy.rules), ("audit rule", audits), ("unassessed rule", policy.unassessed)):
        for rule in rules:
            yield from _of_rule(f"{policy.id}: {kind} {rule.id!r}", rule)


def of_no_post(language: str) -> str | None:
    """That no post has `language`, and which it has instead; None where posts do."""
    if language in IDENTIFIED:
        return None
    meant = carried(language)
    return "no post has that language" + (f": it has {meant!r}" if meant in LANGUAGES else "")


def _of_rule(who: str, rule: ScopedRule) -> Iterator[str]:
    for language in sorted(rule.languages):
        if never := of_no_post(language):
            yield f"{who} is for {language!r}, and {never}"
    yield from _markets(f"{who} is for", rule.markets)


def of_regions(regions: Regions) -> Iterator[str]:
    """A sentence for each language and market of a region, and each market of a data rule, that no post has."""
    for region in regions.regions:
        yield from _spoken(f"region {region.name!r} speaks", region.languages)
        yield from _markets(f"region {region.name!r} serves", region.markets)
    for rule in regions.data:
        yield from _markets("`data` has a rule for", rule.markets)


def of_roster(roster: Roster) -> Iterator[str]:
    """A sentence for each language that people of the roster speak and no post has."""
    languages = dict.fromkeys(language for reviewer in roster.reviewers for language in reviewer.languages)
    yield from _spoken("on the roster somebody speaks", languages)


def _spoken(who: str, languages: Iterable[str]) -> Iterator[str]:
    for language in languages:
        if (meant := carried(language)) != language:
            yield f"{who} {language!r}, and no post has that language: it has {meant!r}"
        elif language not in LANGUAGES:
            yield f"{who} {language!r}, which the language stage does not know: a post has it only after a reviewer or a report names it"


def _markets(who: str, named: Iterable[str]) -> Iterator[str]:
    for market in sorted(set(named) - markets()):
        meant = f" (it is {_MEANT[market]})" if market in _MEANT else ""
        yield f"{who} the market {market!r}, which is no country of ISO 3166-1{meant}"
