"""Records for the inputs of the cases stage, as little of each as there can be."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from schemas.cases import CaseEvent, CaseEventKind
from schemas.people import Channel, Enforcement, Outcome, Report, Verdict
from schemas.records import Action, Record
from schemas.topics import CASES, ENFORCEMENTS, REPORTS, VERDICTS, Topic
from schemas.wire import encode
from tests.pipeline.cases.world import case_event
from tests.support.clients import Outgoing, OwnTopics

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)


class Input(NamedTuple):
    """A record and where it goes."""

    topic: Topic
    record: Record


def opened(post_id: str) -> Input:
    """A post for people."""
    return Input(CASES, case_event(post_id))


def deleted(post_id: str) -> Input:
    """By its author."""
    event: CaseEvent = case_event(post_id, 2, CaseEventKind.DELETED)
    return Input(CASES, event)


def verdict(post_id: str, name: str) -> Input:
    """To allow."""
    made = Verdict(verdict_id=name, task_id="t", post_id=post_id, revision=1, reviewer="anna", outcome=Outcome.ALLOW, decided_at=NOW)
    return Input(VERDICTS, made)


def report(post_id: str, name: str = "r") -> Input:
    """By a user."""
    return Input(REPORTS, Report(report_id=name, post_id=post_id, reporter_key="k", channel=Channel.USER, reported_at=NOW))


def enforced(post_id: str, name: str = "d") -> Input:
    """A decision was carried out."""
    return Input(ENFORCEMENTS, Enforcement(decision_id=name, post_id=post_id, action=Action.LIMIT, applied_at=NOW))


def outgoing(found: Input) -> Outgoing:
    """As it should be sent."""
    return Outgoing(found.topic.key_of(found.record).encode(), encode(found.record))


def send(topics: OwnTopics, *inputs: Input) -> None:
    """One topic after the other, each in order."""
    for topic in dict.fromkeys(found.topic.name for found in inputs):
        of_topic = [found for found in inputs if found.topic.name == topic]
        topics.produce(of_topic[0].topic, [outgoing(found) for found in of_topic])
