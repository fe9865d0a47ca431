"""`sluice tail`: what passes on a topic, readable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import confluent_kafka as ck
import typer

from agents.cli.common import Broker, clear_errors, err, settings_for
from agents.cli.lines import FILTERS, dead_letter_json, dead_letter_line, json_line, kept_line, record_line, unreadable_line
from agents.cli.names import ALLOWED, named, require_language, require_market
from agents.cli.parts import Filter
from agents.cli.people_lines import SECRET
from agents.cli.show import line, say, verbatim
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.reader import Entry, Reader, missing, reading
from agents.edge.security import client_config
from pipeline.config import ConfigError
from pipeline.policy.regions import read_regions
from schemas.records import Action, Record
from schemas.topics import DEAD_LETTERS, Topic
from schemas.wire import InvalidRecordError, decoder

NO_POST = (b"@", b"#")
"""How keys of compacted topics begin that are no post's: a stage's positions and counts."""

TopicName = Annotated[str, typer.Argument(metavar="TOPIC", help=f"One of {ALLOWED}; or a full name without prefix.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Whole records, a JSON object a line. Dead letters: headers, key and value in base64.")
]
Language = Annotated[str | None, typer.Option("--language", metavar="TAG", help="Only this language, such as nl.")]
OnlyAction = Annotated[Action | None, typer.Option("--action", help="Only this action (decisions, cases, verdicts, notices).")]
Market = Annotated[str | None, typer.Option("--market", metavar="CC", help="Only this market, such as NL.")]
Post = Annotated[str | None, typer.Option("--post", metavar="ID", help="Only this post.")]
FromStart = Annotated[bool, typer.Option("--from-start", help="Begin with the oldest record that is kept, not with the next one.")]
Count = Annotated[int | None, typer.Option("--count", "-n", min=1, metavar="N", help="End after so many records.")]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for more; or end with what is there now (from the start).")]


@dataclass(frozen=True)
class Shown:
    """How the records of a topic are shown, and which."""

    topic: Topic
    prefix: str
    wanted: dict[Filter, str]
    as_json: bool

    def __call__(self, entry: Entry) -> bool:
        """Shows the record if it is wanted; whether it was."""
        if self.topic.record is None:
            self._dead_letter(entry)
            return True
        if self.topic.compacted and (entry.value is None or (entry.key or b"").startswith(NO_POST)):
            return self._kept(entry)
        try:
            record = decoder(self.topic.record)(entry.value)
        except InvalidRecordError as fault:
            return self._unreadable(entry, fault)
        if not self._fits(record):
            return False
        verbatim(self._json(entry)) if self.as_json else line(record_line(entry, record))
        return True

    def _json(self, entry: Entry) -> str:
        return json_line(entry, secret=self.topic.record in SECRET)

    def _kept(self, entry: Entry) -> bool:
        if self.wanted:
            return False
        verbatim(self._json(entry)) if self.as_json else line(kept_line(entry))
        return True

    def _fits(self, record: Record) -> bool:
        paths = FILTERS[type(record)]
        return all(paths[each](record) == value for each, value in self.wanted.items())

    def _unreadable(self, entry: Entry, fault: InvalidRecordError) -> bool:
        if self.wanted:
            return False
        verbatim(self._json(entry)) if self.as_json else line(unreadable_line(entry, str(fault)))
        return True

    def _dead_letter(self, entry: Entry) -> None:
        verbatim(dead_letter_json(entry)) if self.as_json else line(dead_letter_line(entry, self.prefix))


def tail(  # noqa: PLR0913, PLR0917 - a parameter is an option of the command line
    topic: TopicName,
    broker: Broker = None,
    as_json: AsJson = False,
    language: Language = None,
    action: OnlyAction = None,
    market: Market = None,
    post: Post = None,
    from_start: FromStart = False,
    count: Count = None,
    follow: Follow = True,
) -> None:
    """Show what passes on a topic, a line per record.

    The time (UTC) first, then what matters most; on a terminal a line is cut at its width. In order within a partition, not between
    partitions. Joins no group, so it takes nothing away from workers. Control characters are shown as escapes. What appeals, reports
    and case files say is shown with --json only, reporters' keys never. Ctrl-C ends it.

    \b
    Examples:
      sluice tail decisions --language nl --action remove
      sluice tail review.dutch --from-start
      sluice tail scored --no-follow --json | gzip > scored.jsonl.gz
    """
    given = {Filter.LANGUAGE: language, Filter.ACTION: action.value if action else None, Filter.MARKET: market, Filter.POST: post}
    wanted = {each: value for each, value in given.items() if value is not None}
    with clear_errors():
        if language is not None:
            require_language(language)
        if market is not None:
            require_market(market)
        settings = settings_for(broker)
        topics = named(topic, read_regions(settings.regions))
        _check_filters(topics[0], wanted)
        shown = {settings.topic_prefix + each.name: Shown(each, settings.topic_prefix, wanted, as_json) for each in topics}
        with reading(client_config(settings), lambda said: say(said, err)) as reader:
            starts = _starts(reader, list(shown), ck.OFFSET_BEGINNING if from_start or not follow else ck.OFFSET_END)
            try:
                found = _show(reader.entries(starts, follow=follow, headers=topics == [DEAD_LETTERS]), shown, count)
            except KeyboardInterrupt:
                sys.exit(0)
        if not found:
            say("no records" + (" that fit" if wanted else ""), err)


def _show(entries: Iterator[Entry], shown: dict[str, Shown], count: int | None) -> int:
    """How many were shown."""
    done = 0
    for entry in entries:
        done += shown[entry.topic](entry)
        if done == count:
            break
    return done


def _check_filters(topic: Topic, wanted: dict[Filter, str]) -> None:
    known = FILTERS[topic.record] if topic.record else {}
    for each in wanted:
        if each not in known:
            allowed = ", ".join(f"--{one.value}" for one in known) or "none"
            raise ConfigError(f"command line: --{each.value}: the records of {topic.name} have none; allowed are: {allowed}")


def _starts(reader: Reader, names: list[str], offset: int) -> list[ck.TopicPartition]:
    existing = reader.topics()
    for name in names:
        if name not in existing:
            raise StopWorker(ExitCode.DENIED, missing(name))
    return [ck.TopicPartition(name, number, offset) for name in names for number in range(existing[name])]
