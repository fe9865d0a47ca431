"""The topics of `sluice review` on a genuine Kafka; its screen is tested in tests/agents/review."""

from __future__ import annotations

import queue
from pathlib import Path

import confluent_kafka as ck
import pytest

from agents.edge.failures import ExitCode, StopWorker
from agents.review.link import Ears, Link
from agents.review.words import Answer, task_event, verdict
from agents.settings import load
from schemas.people import Outcome, TaskEvent, TaskEventKind
from schemas.records import Record
from schemas.topics import TASK_EVENTS, VERDICTS, review_topic
from schemas.wire import encode
from tests.agents.review.tasks import NOW, event, task
from tests.support.clients import Outgoing, OwnTopics

pytestmark = pytest.mark.kafka

REVIEW = review_topic("dutch")
WAIT_SECONDS = 20.0
CAUGHT_UP = "caught up"


class Listener:
    """Hears what a link says."""

    def __init__(self, link: Link) -> None:
        self._heard: queue.Queue[Record | str | BaseException] = queue.Queue()
        self.thread = link.listen(
            Ears(
                heard=self._records,
                caught_up=lambda: self._heard.put(CAUGHT_UP),
                said=self._heard.put,
                failed=self._heard.put,
            )
        )

    def _records(self, records: list[Record]) -> None:
        for record in records:
            self._heard.put(record)

    def next(self) -> Record | str | BaseException:
        """The next thing. queue.Empty if nothing comes."""
        return self._heard.get(timeout=WAIT_SECONDS)


def write_in_transaction(topics: OwnTopics, name: str, *, commit: bool) -> None:
    """A task as the cases stage writes it."""
    producer = ck.Producer({"bootstrap.servers": topics.address, "transactional.id": topics.prefix + "tasks"})
    producer.init_transactions(WAIT_SECONDS)
    producer.begin_transaction()
    producer.produce(topics.name(REVIEW), encode(task(name)), REVIEW.key_of(task(name)))
    producer.flush(WAIT_SECONDS)
    (producer.commit_transaction if commit else producer.abort_transaction)(WAIT_SECONDS)


@pytest.fixture
def link(topics: OwnTopics, tmp_path: Path) -> Link:
    topics.create(REVIEW, TASK_EVENTS, VERDICTS)
    return Link(load(broker=topics.address, topic_prefix=topics.prefix, data_dir=tmp_path), ["dutch"])


def test_events_come_first_then_tasks_and_only_what_was_committed(topics: OwnTopics, link: Link) -> None:
    write_in_transaction(topics, "aborted", commit=False)
    write_in_transaction(topics, "kept", commit=True)
    topics.produce(REVIEW, [Outgoing(b"x", b"\x1b")])
    topics.produce(TASK_EVENTS, [Outgoing(b"post-over", encode(event(TaskEventKind.WITHDRAWN, "over")))])
    listener = Listener(link)
    first = listener.next()
    assert isinstance(first, TaskEvent)
    said = [listener.next(), listener.next()]
    assert task("kept") in said
    assert any(isinstance(each, str) and "cannot be read" in each for each in said)
    assert listener.next() == CAUGHT_UP
    write_in_transaction(topics, "later", commit=True)
    assert listener.next() == task("later")
    link.close()
    listener.thread.join(WAIT_SECONDS)
    assert not listener.thread.is_alive()


def test_what_a_reviewer_says_lies_where_the_cases_stage_looks_for_it(topics: OwnTopics, link: Link) -> None:
    tasks = [task(f"t{number}") for number in range(20)]
    for one in tasks:
        link.send(task_event(one, TaskEventKind.CLAIMED, "anna", f"claim-{one.task_id}", NOW))
        link.send(verdict(one, Answer(Outcome.ALLOW), None, "anna", f"verdict-{one.task_id}", NOW))
    claims = {message.key: message for message in topics.read_all(TASK_EVENTS)}
    verdicts = {message.key: message for message in topics.read_all(VERDICTS)}
    places = topics.produce(REVIEW, [Outgoing(REVIEW.key_of(one).encode(), encode(one)) for one in tasks])
    for one, (partition, _) in zip(tasks, places, strict=True):
        key = one.post.post_id.encode()
        assert claims[key].partition == verdicts[key].partition == partition
        assert verdicts[key].header("ce_type") == b"sluice.verdict.v1"
        assert claims[key].header("ce_id") == f"claim-{one.task_id}".encode()


def test_a_topic_that_is_missing_is_said(topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(TASK_EVENTS)
    with pytest.raises(StopWorker, match="make it with `sluice topics create`") as stopped:
        Link(load(broker=topics.address, topic_prefix=topics.prefix, data_dir=tmp_path), ["dutch"]).check()
    assert stopped.value.code == ExitCode.DENIED
