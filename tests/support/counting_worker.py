"""A worker of the cases stage with the counting machine, and the notices that it makes: one for each event that it has counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from schemas.people import Notice
from schemas.topics import CASE_FILES, CASE_INPUTS, CASE_STATE, DEAD_LETTERS, NOTICES
from schemas.wire import decoder
from tests.support.clients import Message, OwnTopics
from tests.support.workers import Process, process

ALL = (*CASE_INPUTS, CASE_STATE, CASE_FILES, NOTICES, DEAD_LETTERS)
SESSION_SECONDS = 6
notice_of = decoder(Notice)


def counting_worker(topics: OwnTopics, folder: Path, name: str = "one", **settings: object) -> Process:
    """Starts the worker `name`; again, as the same instance."""
    given = {"session_timeout_seconds": SESSION_SECONDS, **settings}
    return process(["-m", "tests.support.counting_process", name], topics.address, topics.prefix, folder / name, given)


def notices(topics: OwnTopics, *until: str) -> Counter[str]:
    """Ids of the committed notices, how often each; when those of `until` are there."""
    return Counter(notice_of(message.value).notice_id for message in topics.read_all(NOTICES, _noted(*until) if until else None))


def _noted(*wanted: str) -> Callable[[list[Message]], bool]:
    return lambda messages: {notice_of(message.value).notice_id for message in messages} >= set(wanted)
