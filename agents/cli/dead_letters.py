"""`sluice dead-letters list | show | requeue`. docs/dead-letters.md explains them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import confluent_kafka as ck
import typer
from rich.text import Text

from agents.cli.common import Broker, clear_errors, err, settings_for
from agents.cli.names import require_stage, short
from agents.cli.show import counted, line, minute, say, size, table, visible
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.letters import Letter, Place, marked, obstacle
from agents.edge.reader import Entry, Reader, missing, reading
from agents.edge.requeue import Ledger, put_back, read_ledger
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.settings import Settings
from pipeline.config import ConfigError
from pipeline.flow import STAGES
from schemas.topics import DEAD_LETTERS, TOPICS
from schemas.wire import Unreadable

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What could not be read: look at it, and put it back once the cause is mended."
)

TEXT_SHOWN = 4000
BYTES_SHOWN = 512
BYTES_A_LINE = 16

OnlyReason = Annotated[Unreadable | None, typer.Option("--reason", help="Only letters with this reason.")]
OnlyStage = Annotated[str | None, typer.Option("--stage", metavar="STAGE", help=f"Only letters of this stage: {', '.join(STAGES)}.")]
All = Annotated[bool, typer.Option("--all", help="Every letter.")]
Places = Annotated[list[str] | None, typer.Argument(metavar="P:O", help="Letters by partition and offset, as `list` shows them.")]
OnePlace = Annotated[str, typer.Argument(metavar="P:O", help="Partition and offset, as `list` shows them.")]


@contextmanager
def _topic(broker: str | None, stage: str | None = None) -> Iterator[tuple[Settings, Reader, str]]:
    """Settings, a reader, and the full name of the topic, which exists; `stage` must be one if it is given."""
    with clear_errors():
        if stage is not None:
            require_stage(stage)
        settings = settings_for(broker)
        name = settings.topic_prefix + DEAD_LETTERS.name
        with reading(client_config(settings)) as reader:
            if name not in reader.topics():
                raise StopWorker(ExitCode.DENIED, missing(name))
            yield settings, reader, name


@app.command("list")
def list_(broker: Broker = None, reason: OnlyReason = None, stage: OnlyStage = None) -> None:
    """List the dead letters, oldest first.

    `letter` is partition and offset on the topic of dead letters; `from` is where the record came from; `state` says whether it waits
    or was put back already.
    """
    with _topic(broker, stage) as (settings, reader, name):
        ledger = read_ledger(reader.whole(name, headers=True))
        chosen = [found for found in ledger.letters if _fits(found, reason, stage)]
        if chosen:
            columns = ("letter", "when", "stage", "reason", "state", "tries", "size", "from")
            table(columns, [_row(found, ledger, settings.topic_prefix) for found in chosen])
    waiting = sum(found.place not in ledger.requeued for found in chosen)
    say(f"{counted(len(chosen), 'dead letter')}, {waiting} not put back", err)


@app.command()
def show(place: OnePlace, broker: Broker = None) -> None:
    """Show one dead letter: headers, key and value.

    Control characters are shown as escapes, binary as a hex dump.
    """
    with _topic(broker) as (_settings, reader, name):
        wanted = _place(place)
        entry = _entry_at(reader, name, wanted)
    if (letter := marked(entry)) is not None:
        say(f"{wanted} is no dead letter but the mark that {letter} was put back", err)
        raise typer.Exit(1)
    _detail("letter", str(wanted))
    _detail("when", entry.time.isoformat())
    for header, value in entry.headers:
        _detail(header, "(null)" if value is None else _printable(value))
    _detail("key", "(none)" if entry.key is None else _printable(entry.key))
    _value(entry.value or b"")


@app.command()
def requeue(
    places: Places = None, broker: Broker = None, reason: OnlyReason = None, stage: OnlyStage = None, everything: All = False
) -> None:
    """Put dead letters back on the topic they came from.

    Original bytes, key and headers, with the header sluice_tries one higher.

    Refused, each with a sentence, and the others go on: one that was cut, one that was put back three times, one put back already.
    After the broker has confirmed a record, a mark is written beside its letter on the topic of dead letters; a letter with a mark is
    never put back again. Killed between the two, the next call puts some records back once more: they get the same decision id.

    Exit code 1 if any of the letters was refused or does not exist.
    """
    chosen_by = (bool(places), reason is not None or stage is not None, everything)
    with _topic(broker, stage) as (settings, reader, name):
        if sum(chosen_by) != 1:
            raise ConfigError("command line: say which letters, in one way: P:O..., or --reason and/or --stage, or --all")
        named = {_place(each) for each in places or []}
        ledger = read_ledger(reader.whole(name, headers=True))
        chosen = [found for found in ledger.letters if (found.place in named if named else _fits(found, reason, stage))]
        absent = named - {found.place for found in chosen}
        for place in sorted(absent):
            say(f"{place} is no dead letter, or is no longer kept", err)
        sources = {settings.topic_prefix + topic.name for topic in TOPICS if set(STAGES) & set(topic.read_by)}
        allowed, refused = _sorted_out(chosen, sources, ledger, explicit=bool(named))
        _put_back(settings, reader, name, allowed)
    if refused or absent:
        raise typer.Exit(1)


def _sorted_out(chosen: list[Letter], sources: set[str], ledger: Ledger, *, explicit: bool) -> tuple[list[Letter], int]:
    """Those that may go back, and how many were refused. Those already put back are no news unless they were named one by one."""
    allowed: list[Letter] = []
    refused = 0
    for found in chosen:
        if found.place in ledger.requeued and not explicit:
            continue
        if why := obstacle(found, sources, ledger.requeued):
            refused += 1
            say(f"{found.place} {visible(why)}", err)
        else:
            allowed.append(found)
    return allowed, refused


def _put_back(settings: Settings, reader: Reader, name: str, allowed: list[Letter]) -> None:
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number

    sender = Sender(client_config(settings), delivery_timeout_seconds=settings.delivery_timeout_seconds)
    try:
        put_back(reader, sender, name, {found.place for found in allowed}, count)
    except StopWorker as error:
        raise StopWorker(error.code, f"{error}; {done} of {len(allowed)} letters were put back and marked") from error
    for source, number in sorted(Counter(found.topic for found in allowed).items()):
        say(f"{number} put back on {source}")
    if not allowed:
        say("nothing was put back")


def _fits(found: Letter, reason: Unreadable | None, stage: str | None) -> bool:
    return (reason is None or found.reason == reason) and (stage is None or found.stage == stage)


def _row(found: Letter, ledger: Ledger, prefix: str) -> tuple[str | Text, ...]:
    state = Text("put back", "green") if found.place in ledger.requeued else Text("waits" if found.whole else "waits, cut", "yellow")
    source = f"{short(found.topic, prefix)}[{found.partition}]@{found.offset}"
    head, tail = (str(found.place), minute(found.time), found.stage, found.reason), (str(found.tries), size(found.length), source)
    return *(visible(each) for each in head), state, *(visible(each) for each in tail)


def _place(text: str) -> Place:
    try:
        return Place.parse(text)
    except ValueError as error:
        raise ConfigError(f"command line: {error}") from error


def _entry_at(reader: Reader, topic: str, place: Place) -> Entry:
    span = reader.spans(topic).get(place.partition)
    if span and span.low <= place.offset < span.high:
        for entry in reader.entries([ck.TopicPartition(topic, place.partition, place.offset)], headers=True):
            if entry.offset == place.offset:
                return entry
            break
    kept = f"that partition holds offsets {span.low} to {span.high - 1}" if span and span.high > span.low else "that partition is empty"
    raise ConfigError(f"command line: there is no {place} on {topic}: {kept if span else 'there is no such partition'}")


def _detail(name: str, value: str) -> None:
    say(Text.assemble((f"{visible(name)}: ", "bold"), value))


def _printable(value: bytes) -> str:
    try:
        return visible(value.decode())
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def _value(value: bytes) -> None:
    """Text as text; anything else as the first bytes in hexadecimal, with what is printable beside them."""
    try:
        content = value.decode()
    except UnicodeDecodeError:
        _detail("value", f"binary, {size(len(value))}")
        for at in range(0, min(len(value), BYTES_SHOWN), BYTES_A_LINE):
            row = value[at : at + BYTES_A_LINE]
            line(f"{at:06x}  {row.hex(' '):{BYTES_A_LINE * 3 - 1}}  {''.join(chr(each) if 32 <= each < 127 else '.' for each in row)}")
        _rest(len(value) - BYTES_SHOWN, "bytes")
        return
    _detail("value", visible(content[:TEXT_SHOWN]) or "(empty)")
    _rest(len(content) - TEXT_SHOWN, "characters")


def _rest(left: int, unit: str) -> None:
    if left > 0:
        say(f"({left} more {unit}; `sluice tail dead-letters --from-start --no-follow --json` has all of them)", err)
