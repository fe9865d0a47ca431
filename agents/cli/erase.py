"""`sluice erase`: asks the cases stage to erase what it keeps of posts."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from agents.cli.common import INTERRUPTED, Broker, clear_errors, err, settings_for
from agents.cli.show import counted, minute, say, visible
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Message
from agents.edge.reader import Reader, missing, reading
from agents.edge.security import client_config
from agents.edge.sender import Sender
from agents.settings import Settings
from pipeline.config import ConfigError
from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, SPECVERSION, event_type
from schemas.people import Erasure, Words
from schemas.records import ID_FORM, Id, Post
from schemas.topics import DAY_MS, ERASURES, POSTS_INCOMING, TOPICS
from schemas.wire import InvalidRecordError, decoder, encode

SOURCE = "sluice/erase"
LONGEST_DAYS = max(topic.retention_ms for topic in TOPICS if not topic.compacted) // DAY_MS

PostIds = Annotated[list[str] | None, typer.Argument(metavar="POST_ID", help="Posts, by their ids.", show_default=False)]
Author = Annotated[str | None, typer.Option("--author", metavar="ID", help="Posts of this author that posts.incoming.v1 holds.")]
Why = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Kept with the request for 30 days; put no name in it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_post = decoder(Post)


def erase(posts: PostIds = None, author: Author = None, reason: Why = None, yes: Yes = False, broker: Broker = None) -> None:
    """Erase what cases keep of posts: text, conversation, reporters' keys.

    Writes a request per post to moderation.erasures.v1. The cases stage erases at once, and withdraws what people were to look at; under
    an open appeal or in a named queue it erases when people have decided. There is no way back: nobody can appeal afterwards. Topics
    that are kept by time hold their records until it is over (docs/privacy.md).

    Exit code 1 if there is no post to erase, or the question is answered with no.

    \b
    Examples:
      sluice erase post-17 post-18 --reason "request 2026-114"
      sluice erase --author author-9 --yes
    """
    with clear_errors():
        named = [_allowed("POST_ID", each, Id, ID_FORM) for each in posts or []]
        if not named and author is None:
            raise ConfigError("command line: say which posts: POST_ID..., or --author, or both")
        if author is not None:
            _allowed("--author", author, Id, ID_FORM)
        if reason is not None:
            _allowed("--reason", reason, Words, "at most 200 characters")
        settings = settings_for(broker)
        with reading(client_config(settings)) as reader:
            _require(reader, settings, author)
            found = _posts_of(reader, settings, author) if author is not None else []
        chosen = list(dict.fromkeys((*named, *found)))
        if not chosen:
            say("nothing to erase", err)
            raise typer.Exit(1)
        if not yes:
            _ask(len(chosen))
        _send(settings, [_erasure(post_id, reason) for post_id in chosen])
    say(f"{counted(len(chosen), 'request')} confirmed: cases erase at once, or when an open appeal or a named queue has been decided")
    say(
        f"not erased: what topics kept by time hold, for up to {LONGEST_DAYS} days; these posts where they stand in the conversation of "
        "another post's case; a case that opens later"
    )


def _allowed(name: str, value: str, kind: object, form: str) -> str:
    """The value. ConfigError if it is none of that kind."""
    try:
        checked: str = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"command line: {name}: must be {form} (got {visible(value)!r})") from error
    return checked


def _require(reader: Reader, settings: Settings, author: str | None) -> None:
    existing = reader.topics()
    for topic in (ERASURES, *((POSTS_INCOMING,) if author is not None else ())):
        name = settings.topic_prefix + topic.name
        if name not in existing:
            raise StopWorker(ExitCode.DENIED, missing(name))


def _posts_of(reader: Reader, settings: Settings, author: str) -> list[str]:
    """Ids of the author's posts that the incoming topic holds now. Says what it cannot know."""
    found: dict[str, None] = {}
    oldest: dt.datetime | None = None
    unreadable = 0
    for entry in reader.whole(settings.topic_prefix + POSTS_INCOMING.name):
        oldest = entry.time if oldest is None else min(oldest, entry.time)
        try:
            post = _post(entry.value)
        except InvalidRecordError:
            unreadable += 1
            continue
        if post.author_id == author:
            found[post.post_id] = None
    since = f"from {minute(oldest)} on" if oldest else "and it is empty"
    say(f"{counted(len(found), 'post')} by {author} on {POSTS_INCOMING.name}, {since}; name older ones by id: the platform knows them", err)
    if unreadable:
        say(f"{counted(unreadable, 'record')} there could not be read: no cases come of them, but dead letters", err)
    return list(found)


def _ask(number: int) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigError("command line: --yes: needed where nobody can be asked, since there is no way back")
    if not typer.confirm(f"Erase what cases keep of {counted(number, 'post')}? There is no way back.", err=True):
        raise typer.Exit(1)


def _erasure(post_id: str, reason: str | None) -> Erasure:
    return Erasure(erasure_id=uuid.uuid4().hex, post_id=post_id, requested_at=dt.datetime.now(dt.UTC), reason=reason)


def _send(settings: Settings, erasures: Iterable[Erasure]) -> None:
    """Returns when the broker has all of them. To ask again for one that it has already does no harm."""
    sender = Sender(client_config(settings), delivery_timeout_seconds=settings.delivery_timeout_seconds)
    topic = settings.topic_prefix + ERASURES.name
    try:
        for erasure in erasures:
            sender.send(Message(topic, ERASURES.key_of(erasure), encode(erasure), list(_headers(erasure).items())))
        sender.flush()
    except StopWorker as error:
        raise StopWorker(error.code, f"{error}; {counted(sender.confirmed, 'request')} confirmed: run it again") from error
    except KeyboardInterrupt:
        sender.flush()
        say(f"{counted(sender.confirmed, 'request')} confirmed, not all: run it again", err)
        raise typer.Exit(INTERRUPTED) from None


def _headers(erasure: Erasure) -> dict[str, str | bytes | None]:
    return {
        CE_SPECVERSION: SPECVERSION,
        CE_ID: ERASURES.id_of(erasure),
        CE_TYPE: event_type(ERASURES),
        CE_SOURCE: SOURCE,
        CE_TIME: erasure.requested_at.isoformat(),
    }
