"""Reviewers' verdicts on the broker's topics, as rows for `sluice calibrate`."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from agents.cli.common import err
from agents.cli.rows import RowsOf
from agents.cli.show import counted, say, visible
from agents.edge.reader import Reader, reading
from agents.edge.security import client_config
from agents.settings import Settings
from pipeline.config import ConfigError
from pipeline.policy.policy import read_targets, read_versions
from pipeline.policy.regions import Regions, read_regions
from pipeline.policy.roster import read_roster
from pipeline.scoring.tiers import Tier, read_tiers
from schemas.cases import CaseEvent
from schemas.people import Verdict
from schemas.records import Record
from schemas.topics import CASES, VERDICTS, Topic
from schemas.wire import InvalidRecordError, decoder

if TYPE_CHECKING:
    from pipeline.scoring.evaluation.rows import Limits
    from pipeline.scoring.evaluation.verdicts import Judged

R = TypeVar("R", bound=Record)


class Spoken(NamedTuple):
    """Rows, and what they do not say of a label and language."""

    rows: RowsOf
    limits: dict[tuple[str, str], Limits]


def read_verdicts(settings: Settings, now: dt.datetime) -> Spoken:
    """What moderation.cases.v1 and moderation.verdicts.v1 hold, as rows. Says how many posts are none, and why.

    ConfigError where the policy asks for a prevalence: these rows are of your traffic as it is. And where it bounds the rates of groups:
    verdicts name none, so any band would pass.
    """
    from pipeline.scoring.evaluation.verdicts import Terms, judged

    file, targets = read_targets(settings.policy)
    if targets.prevalence is not None:
        raise ConfigError(
            f"{file}: automation.targets.prevalence: must be left out for --verdicts: they are on posts of your traffic as it is, "
            "and a prevalence is for collections"
        )
    if targets.groups is not None:
        raise ConfigError(
            f"{file}: automation.targets.groups: must be left out for --verdicts: they say of no post which group it is about, "
            "so nothing would bound a group's false positive rate; with groups, only files of labelled rows open a band"
        )
    regions, tiers = read_regions(settings.regions), read_tiers(settings.model)
    terms = Terms(
        roster=read_roster(settings.roster, regions),
        policies={policy.id: policy for policy, _ in read_versions(settings.policy)},
        models={tier.bundle.model_version for tier in tiers.values()},
        labels=tiers[Tier.ACCURATE].bundle.labels,
        before=now - longest(regions),
    )
    with reading(client_config(settings)) as reader:
        events = _records(reader, settings, CASES, decoder(CaseEvent))
        verdicts = _records(reader, settings, VERDICTS, decoder(Verdict))
        found = judged(events, verdicts, terms)
    _tell(found)
    if not found.rows:
        raise ConfigError(f"{VERDICTS.name}: no row, so no evidence: of no post that a rule found people got to see a share of all")
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in found.rows)
    return Spoken(RowsOf(Path(VERDICTS.name), hashlib.sha256(content).hexdigest(), found.rows), found.limits)


def longest(regions: Regions) -> dt.timedelta:
    """The longest service level of any region: then what can wait has been decided, too."""
    return dt.timedelta(hours=max(region.levels.low for region in regions.regions))


def _records(reader: Reader, settings: Settings, topic: Topic, decode: Callable[[bytes | None], R]) -> Iterator[R]:
    """All that the topic holds now, one after the other."""
    unreadable = 0
    for entry in reader.whole(settings.topic_prefix + topic.name):
        try:
            yield decode(entry.value)
        except InvalidRecordError:
            unreadable += 1
    if unreadable:
        say(f"{counted(unreadable, 'record')} of {topic.name} could not be read and are left out", err)


def _tell(found: Judged) -> None:
    every = len(found.rows) + found.left_out.total()
    say(f"{counted(every, 'post')} that a rule found and that people were to see; {counted(len(found.rows), 'row')}. Left out:", err)
    for why, count in found.left_out.most_common():
        say(f"  {count} {visible(why.value)}", err)
    for (label, language), limits in sorted(found.limits.items()):
        if limits.undecided:
            rows = sum(label in row.labels for row in found.rows if row.tag == language)
            say(
                f"{limits.undecided} of {counted(rows, 'row')} of {visible(label)} in {visible(language)} have no verdict of a speaker "
                f"who was shown the whole conversation: they count as not {visible(label)}",
                err,
            )
    for label, language in sorted(found.unseen):
        say(
            f"no rows of {visible(label)} in {visible(language)}: of what the machine restricts alone there, people check nothing, or "
            "nobody knows how much; give [audit] a share of it, and --policy the folder with all versions",
            err,
        )
