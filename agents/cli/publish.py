"""`sluice publish`: posts from a file onto the incoming topic."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from agents.cli.common import INTERRUPTED, Broker, clear_errors, err, on_terminal, settings_for
from agents.cli.faults import explained
from agents.cli.files import STANDARD_INPUT, InputFile, bytes_in, lines_of, opened
from agents.cli.show import counted, say, visible
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Message
from agents.edge.reader import missing, reading
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.settings import Settings
from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, SPECVERSION, event_type
from schemas.records import Post
from schemas.topics import MAX_MESSAGE_BYTES, POSTS_INCOMING
from schemas.wire import InvalidRecordError, Unreadable, decoder

MAX_LINE_BYTES = MAX_MESSAGE_BYTES - 2048
"""Leaves room for key, headers and framing."""

SOURCE = "sluice/publish"
MOST_ERRORS_SHOWN = 20

Rate = Annotated[float | None, typer.Option("--rate", min=0.001, metavar="N", help="Posts per second; without it, as fast as it goes.")]
NoValidate = Annotated[bool, typer.Option("--no-validate", help="Send lines as they are, wrong ones too: they become dead letters.")]

_decode = decoder(Post)


@dataclass
class Progressing:
    """What is counted on the way."""

    sent: int = 0
    faulty: int = 0


def publish(file: InputFile = STANDARD_INPUT, broker: Broker = None, rate: Rate = None, no_validate: NoValidate = False) -> None:
    """Publish posts from a file or standard input.

    Each line is a post in JSON (schemas/json/post.v1.json). It goes to posts.incoming.v1 as it stands, with its conversation as key
    and CloudEvents headers; the command ends when the broker has confirmed all. A line that is no valid post is named and not sent;
    the others are, and the exit code is 1.

    \b
    Examples:
      sluice publish posts.jsonl
      zcat posts.jsonl.gz | sluice publish --rate 100
    """
    counts = Progressing()
    with clear_errors(), opened(file, "posts") as lines:
        settings = settings_for(broker)
        topic = settings.topic_prefix + POSTS_INCOMING.name
        _require(settings, topic)
        sender = Sender(client_config(settings), delivery_timeout_seconds=settings.delivery_timeout_seconds)
        started = time.monotonic()
        try:
            for message in _messages(lines, topic, counts, lenient=no_validate):
                _pace(sender, rate, counts.sent, started)
                sender.send(message)
                counts.sent += 1
            sender.flush()
        except StopWorker as error:
            raise StopWorker(error.code, f"{error}; {sender.confirmed} of {counts.sent} posts sent were confirmed") from error
        except KeyboardInterrupt:
            sender.flush()
            _report(sender, started)
            raise typer.Exit(INTERRUPTED) from None
    _report(sender, started)
    if counts.faulty:
        say(f"{counted(counts.faulty, 'line')} not sent", err)
        raise typer.Exit(1)


def _report(sender: Sender, started: float) -> None:
    seconds = time.monotonic() - started
    say(f"{counted(sender.confirmed, 'post')} confirmed in {seconds:.1f} s ({sender.confirmed / seconds:.0f} posts/s)")


def _require(settings: Settings, topic: str) -> None:
    with reading(client_config(settings)) as reader:
        if topic not in reader.topics():
            raise StopWorker(ExitCode.DENIED, missing(topic))


def _messages(lines: BinaryIO, topic: str, counts: Progressing, *, lenient: bool) -> Iterator[Message]:
    """A message per line; faults are shown and counted. Blank lines have none."""
    with _bar(bytes_in(lines), typed=lines.isatty()) as advance:
        for number, raw in enumerate(lines_of(lines), 1):
            value = raw.strip()
            if value:
                try:
                    yield _message(topic, value)
                except InvalidRecordError as fault:
                    if lenient and fault.reason != Unreadable.TOO_LARGE:
                        yield Message(topic, _key_of(value), value, [])
                    else:
                        _complain(number, fault, counts)
            advance(len(raw), counts.sent)


def _message(topic: str, value: bytes) -> Message:
    """The line as it is, with key and headers made from the post in it. InvalidRecordError if there is none."""
    if len(value) > MAX_LINE_BYTES:
        raise InvalidRecordError(Unreadable.TOO_LARGE, f"has {len(value)} bytes; at most {MAX_LINE_BYTES} are allowed")
    post = _decode(value)
    marks = {
        CE_SPECVERSION: SPECVERSION,
        CE_ID: POSTS_INCOMING.id_of(post),
        CE_TYPE: event_type(POSTS_INCOMING),
        CE_SOURCE: SOURCE,
        CE_TIME: dt.datetime.now(dt.UTC).isoformat(),
    }
    return Message(topic, POSTS_INCOMING.key_of(post), value, list(marks.items()))


def _key_of(value: bytes) -> str | None:
    """The conversation of what is no valid post, if it names one: it then lands beside its neighbours."""
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        return None
    key = content.get("conversation_id") if isinstance(content, dict) else None
    return key.encode(errors="replace").decode() if isinstance(key, str) else None


def _complain(number: int, fault: InvalidRecordError, counts: Progressing) -> None:
    counts.faulty += 1
    if counts.faulty <= MOST_ERRORS_SHOWN:
        say(f"line {number}: {visible(explained(fault))}", err)
    elif counts.faulty == MOST_ERRORS_SHOWN + 1:
        say("more faulty lines are counted, not shown", err)


def _pace(sender: Sender, rate: float | None, sent: int, started: float) -> None:
    """Waits until the next post is due, taking confirmations meanwhile."""
    while rate and (left := started + sent / rate - time.monotonic()) > 0:
        sender.wait(left)


@contextmanager
def _bar(total: int | None, *, typed: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, if that is a terminal and nobody types posts on it.

    The function is told how many bytes were read, and posts sent so far.
    """
    columns = (BarColumn(), TaskProgressColumn(show_speed=False), TextColumn("{task.fields[sent]} posts"), TimeElapsedColumn())
    hidden = not on_terminal(err) or typed
    with Progress(*columns, console=err, disable=hidden, transient=True) as progress:
        task = progress.add_task("", total=total, sent=0)
        yield lambda size, sent: progress.update(task, advance=size, sent=sent)
