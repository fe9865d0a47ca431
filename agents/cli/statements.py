"""`sluice statements export`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import confluent_kafka as ck
import typer

from agents.cli.common import Broker, clear_errors, err, settings_for
from agents.cli.show import counted, say, visible
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.reader import Entry, Reader, Span, reading
from agents.edge.security import client_config
from agents.outbox import Outbox, outbox
from pipeline.config import ConfigError
from pipeline.statements.record import MAX_STATEMENTS, Request, StatementOfReasons, Visibility
from pipeline.statements.statement import Scope, statement_of
from schemas.records import Decision
from schemas.topics import DECISIONS
from schemas.wire import InvalidRecordError, decoder, encode

STEM, SUFFIX = "statements", ".json"
DEMOTED = "demoted"
NAMES = {each.name.lower().replace("_", "-"): each for each in Visibility if each is not Visibility.REMOVED}

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Statements of reasons for the DSA transparency database.")

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files and for the record of what was exported.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Begin with decisions from this time on (RFC 3339), not where it ended last.")
]
Where = Annotated[Scope, typer.Option("--scope", help="Where decisions take effect: in the whole EEA, or in the post's market alone.")]
LimitIs = Annotated[str, typer.Option("--limit-is", metavar="WHAT", help=f"What `limit` does to a post: {', '.join(NAMES)}.")]

_decision = decoder(Decision)
_request = decoder(Request)


@app.callback()
def _group() -> None:
    """Statements of reasons for the DSA transparency database."""


@app.command()
def export(out: Out, broker: Broker = None, begin: From = None, scope: Where = Scope.EEA, limit_is: LimitIs = DEMOTED) -> None:
    """Write the statements of reasons that are not yet written.

    Reads moderation.decisions.v1 up to its end and writes a file for each 100 decisions that restrict a post: the body of a request
    to the transparency database (docs/statements.md). Run it again, after a crash too, and it goes on: none is written twice,
    none is left out. Exit code 1 if a record could not be read.

    \b
    Examples:
      sluice statements export --out /var/lib/sluice/statements
    """
    with clear_errors():
        settings = settings_for(broker)
        topic = settings.topic_prefix + DECISIONS.name
        since, visibility = _time(begin), _visibility(limit_is)
        with outbox(out, STEM, SUFFIX) as box, reading(client_config(settings)) as reader:
            starts = _starts(reader, topic, box, since)
            run = Export(box, topic, scope, visibility)
            for entry in reader.entries([ck.TopicPartition(topic, number, offset) for number, offset in starts.items()]):
                run.add(entry)
            run.end({number: offset for (_, number), offset in reader.ends.items()})
    say(f"{counted(run.written, 'statement')} in {counted(run.files, 'file')}; {run.repeated} were written before")
    if run.unreadable:
        raise typer.Exit(1)


@dataclass
class Export:
    """Statements on their way into files."""

    box: Outbox
    topic: str
    scope: Scope
    limit_is: Visibility
    files: int = 0
    written: int = 0
    repeated: int = 0
    unreadable: int = 0
    _batch: list[StatementOfReasons] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _positions: dict[int, int] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Takes a record of the topic; writes a file when a hundred statements are together."""
        self._positions[entry.partition] = entry.offset + 1
        decision = self._read(entry)
        statement = statement_of(decision, self.scope, self.limit_is) if decision else None
        if decision is None or statement is None:
            return
        ids = {statement.puid, _place(decision)}
        if any(each in self._ids or self.box.has(each) for each in ids):
            self.repeated += 1
            return
        self._batch.append(statement)
        self._ids |= ids
        if len(self._batch) == MAX_STATEMENTS:
            self._write()

    def end(self, ends: Mapping[int, int]) -> None:
        """Writes what is left, and remembers that every partition was read to its end.

        Behind a last record lies the mark of its transaction: left out, it would be missed when all is deleted for its age.
        """
        self._positions.update(ends)
        if self._batch:
            self._write()
        else:
            self.box.read_to(self.topic, self._positions)

    def _read(self, entry: Entry) -> Decision | None:
        try:
            return _decision(entry.value)
        except InvalidRecordError as fault:
            self.unreadable += 1
            say(f"{entry.topic}[{entry.partition}]@{entry.offset} cannot be read and is left out: {visible(str(fault))}", err)
            return None

    def _write(self) -> None:
        content = encode(Request(statements=tuple(self._batch)))
        _request(content)  # what the database would refuse is a fault of ours and must not be remembered as written
        self.box.write(content, self._ids, self.topic, self._positions)
        self.files += 1
        self.written += len(self._batch)
        self._batch.clear()
        self._ids.clear()


def _place(decision: Decision) -> str:
    """What no two statements may share, whatever their ids: of two decisions under it consumers leave one out. The blanks tell it from a
    `puid`.
    """
    return f"{decision.post_id} {decision.revision} {decision.sequence}"


def _starts(reader: Reader, topic: str, box: Outbox, since: dt.datetime | None) -> dict[int, int]:
    """Where to begin in each partition. Raises StopWorker if decisions are gone that were not yet exported."""
    spans = reader.spans(topic)
    if since is not None:
        return reader.since(topic, since)
    known = box.positions(topic)
    for number, offset in known.items():
        span = spans.get(number)
        if span is None or not span.low <= offset <= span.high:
            raise StopWorker(ExitCode.LOST, _gone(f"{topic}[{number}]", offset, span))
    return {number: known.get(number, span.low) for number, span in spans.items()}


def _gone(place: str, offset: int, span: Span | None) -> str:
    remedy = "`--from` begins with a time instead, and what was exported is still not written again"
    if span is None or offset > span.high:
        return f"{place}: exported up to offset {offset}, which does not exist: was the topic made anew? {remedy}"
    return f"{place}: {span.low - offset} records from offset {offset} on were deleted before they were exported; {remedy}"


def _time(given: str | None) -> dt.datetime | None:
    if given is None:
        return None
    try:
        time = dt.datetime.fromisoformat(given)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigError(f"command line: --from: a time with its offset from UTC is allowed, such as 2026-11-01T10:00:00Z (got {given!r})")
    return time


def _visibility(given: str) -> Visibility:
    if given not in NAMES:
        raise ConfigError(f"command line: --limit-is: {', '.join(NAMES)} are allowed (got {given!r})")
    return NAMES[given]
