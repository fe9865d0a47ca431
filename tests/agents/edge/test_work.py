"""What a stage's records become: outputs, dead letters, stage errors. With a small stage that does what a text tells it to."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from faust.types import TP

from agents.edge import metrics
from agents.edge.counts import Counts, Sent
from agents.edge.envelope import MAX_VALUE_BYTES
from agents.edge.failures import ExitCode, StopWorker
from agents.edge.producer import Message
from agents.edge.work import Restore, Result, Work
from pipeline.stage import Incoming, Output, StageSpec
from schemas.headers import CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, TRACEPARENT
from schemas.records import Language, LanguagePost, Post, Unassessed
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE
from schemas.wire import decoder
from tests.agents.edge.records import PLACE, chunk, record
from tests.schemas.posts import as_json

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = TP("in", 1)
read = decoder(LanguagePost)


class Echo:
    """Posts in, posts with a language out. `fail` fails with the batch it is in, `stop` stops the worker, `grow` is too large, and so is
    what is left of `fail and grow`.

    The language is the number of posts that it was opened with or has handled before.
    """

    def __init__(self, earlier: Iterable[Post]) -> None:
        self.known = [post.post_id for post in earlier]

    def process(self, batch: Sequence[Incoming[Post]], now: dt.datetime) -> list[list[Output]]:
        """One output for each."""
        for item in batch:
            if item.record.text in {"fail", "fail for good", "fail and grow"}:
                raise ZeroDivisionError(f"about {item.record.text} by {item.record.author_id}")
            if item.record.text == "stop":
                raise StopWorker(ExitCode.UNREACHABLE, "a dependency is away")
        return [self._echo(item) for item in batch]

    def fallback(self, item: Incoming[Post], now: dt.datetime) -> list[Output]:
        """Unassessed."""
        if item.record.text == "fail for good":
            raise ZeroDivisionError
        return self._echo(item, (Unassessed.STAGE_ERROR,))

    def _echo(self, item: Incoming[Post], unassessed: tuple[Unassessed, ...] = ()) -> list[Output]:
        tag = str(len(self.known)) if item.record.text not in {"grow", "fail and grow"} else "x" * (MAX_VALUE_BYTES + 1)
        self.known.append(item.record.post_id)
        language = Language(tag=tag, confidence=0.5)
        return [
            Output(POSTS_LANGUAGE, LanguagePost(post=item.record, received_at=item.appended_at, language=language, unassessed=unassessed))
        ]


def no_history(tp: TP, offset: int) -> Iterable[bytes | None]:
    raise AssertionError("a stage without state asked for history")


def work(history: int = 0, restore: Restore = no_history, dead_letter_bytes: int = 1000) -> Work[Post]:
    def start() -> type[Echo]:
        return Echo

    spec: StageSpec[Post] = StageSpec("echo", POSTS_INCOMING, (POSTS_LANGUAGE,), start, 500, history)
    return Work(spec, restore, prefix="x.", dead_letter_bytes=dead_letter_bytes, keep_outputs=True)


def post(post_id: str, text: str = "hello") -> bytes:
    return as_json(post_id=post_id, conversation_id="c", text=text)


def one(value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = (), key: bytes | None = b"k") -> Result:
    """The result of a chunk of one record."""
    made = chunk(value)
    made.records[0] = record(value, headers=headers, key=key)
    return work().handle([made], NOW)[0]


def counted(stage: str, posts: int, result: Result) -> dict[str, float | None]:
    """Posts by result, as the metric of a stage says it once the broker has confirmed them."""
    Counts(stage, "x.", None).confirmed(Sent(posts, Counter(), result.outputs, result.dead, result.stage_errors))
    found = ("ok", "stage_error", "dead_letter")
    return {each: metrics.REGISTRY.get_sample_value("sluice_posts_total", {"stage": stage, "result": each}) for each in found}


def header(message: Message, name: str) -> str | bytes | None:
    return dict(message.headers)[name]


def tags(results: list[Result]) -> list[str]:
    return [read(message.value).language.tag for result in results for message in result.messages]


def test_each_chunk_has_its_outputs_in_order() -> None:
    first, second = work().handle([chunk(post("a"), post("b")), chunk(post("c"), first=2)], NOW)
    assert [[read(message.value).post.post_id for message in result.messages] for result in (first, second)] == [["a", "b"], ["c"]]
    assert [message.topic for message in first.messages] == ["x.posts.language.v1"] * 2
    assert [message.key for message in first.messages] == ["c", "c"]


def test_the_brokers_time_is_when_a_post_was_received() -> None:
    assert read(one(post("a")).messages[0].value).received_at == dt.datetime.fromtimestamp(1_800_000_000, dt.UTC)


def test_outputs_say_what_they_are() -> None:
    message = one(post("a")).messages[0]
    assert header(message, CE_SPECVERSION) == b"1.0"
    assert header(message, CE_TYPE) == b"sluice.language-post.v1"
    assert header(message, CE_SOURCE) == b"sluice/echo"
    assert header(message, CE_ID) == "a:1"
    assert header(message, CE_TIME) == b"2026-11-03T12:00:00+00:00"


@pytest.mark.parametrize(
    ("headers", "passed"),
    [
        ([(TRACEPARENT, TRACE)], TRACE),
        ([(TRACEPARENT, b"no trace"), (TRACEPARENT, TRACE)], TRACE),
        ([(TRACEPARENT, TRACE + b"\n")], None),
        ([(TRACEPARENT, TRACE.upper())], None),
        ([(TRACEPARENT, b"x" * 100_000)], None),
        ([(TRACEPARENT, None)], None),
        ([("other", TRACE)], None),
    ],
)
def test_a_trace_is_passed_on_if_it_is_one(headers: list[tuple[str, bytes | None]], passed: bytes | None) -> None:
    assert dict(one(post("a"), headers).messages[0].headers).get(TRACEPARENT) == passed


# Dead letters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"no post", (), "not_json"),
        (b"{}", (), "invalid"),
        (b"", (), "empty"),
        (None, (), "empty"),
        (post("a"), ((CE_TYPE, b"sluice.post.v2"),), "schema_version"),
        (post("a", "grow"), (), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_handled_is_a_dead_letter(value: bytes | None, headers: tuple[tuple[str, bytes], ...], reason: str) -> None:
    result = one(value, headers)
    (letter,) = result.messages
    assert (letter.topic, letter.key, letter.value) == ("x.moderation.dead-letters.v1", b"k", value or b"")
    assert result.dead == [reason]
    assert result.outputs == []
    about = {
        "topic": b"in",
        "partition": b"0",
        "offset": b"0",
        "stage": b"echo",
        "reason": reason.encode(),
        "null": b"%d" % (value is None),
    }
    assert {name: header(letter, f"sluice_{name}") for name in about} == about


def test_neighbours_of_a_dead_letter_are_unharmed() -> None:
    (result,) = work().handle([chunk(post("a"), b"no post", post("b"))], NOW)
    assert [message.topic for message in result.messages].count("x.posts.language.v1") == 2
    assert result.dead == ["not_json"]


def test_a_large_dead_letter_is_cut_and_the_hash_is_of_the_whole() -> None:
    value = b"x" * 5000
    (letter,) = one(value, key=b"k" * 9000, headers=[("huge", b"h" * 20_000), ("fine", b"1")]).messages
    assert letter.value == value[:1000]
    assert len(letter.key or b"") == 4096
    assert header(letter, "sluice_key_length") == b"9000"
    assert header(letter, "sluice_sha256") == hashlib.sha256(value).hexdigest().encode()
    assert header(letter, "sluice_length") == b"5000"
    assert header(letter, "sluice_headers_dropped") == b"2"  # what comes after the limit was reached goes too
    assert "huge" not in dict(letter.headers)


def test_a_dead_letter_keeps_headers_that_fit_and_takes_none_of_ours() -> None:
    (letter,) = one(b"no post", headers=[("a", b"1"), ("a", None), ("sluice_reason", b"forged")]).messages
    assert [value for name, value in letter.headers if name == "a"] == [b"1", b""]
    assert [value for name, value in letter.headers if name == "sluice_reason"] == [b"not_json"]


def test_a_record_without_a_key_is_buried_without_one() -> None:
    assert one(b"no post", key=None).messages[0].key is None


# Stage errors --------------------------------------------------------------------------------------------------------


def test_a_post_on_which_the_stage_fails_goes_on_unassessed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        first, second = work().handle([chunk(post("a"), post("b", "fail")), chunk(post("c"), first=2)], NOW)
    found = {read(message.value).post.post_id: read(message.value).unassessed for result in (first, second) for message in result.messages}
    assert found == {"a": (), "b": (Unassessed.STAGE_ERROR,), "c": ()}
    assert (first.stage_errors, second.stage_errors) == (1, 0)
    assert "ZeroDivisionError" in caplog.text
    assert "author-1" not in caplog.text  # an exception may quote a post


def test_a_post_that_fails_and_whose_fallback_is_too_large_counts_once() -> None:
    (result,) = work().handle([chunk(post("a"), post("b", "fail and grow"), post("c", "fail"))], NOW)
    assert (result.dead, result.stage_errors) == (["too_large"], 1)
    assert counted("three", 3, result) == {"ok": 1, "stage_error": 1, "dead_letter": 1}


def test_a_post_alone_that_fails_and_whose_fallback_is_too_large_stops_nothing() -> None:
    """Counted twice, it would leave less than none that were well, which a counter refuses."""
    assert counted("alone", 1, one(post("a", "fail and grow"))) == {"ok": 0, "stage_error": 0, "dead_letter": 1}


def test_a_fallback_that_fails_is_a_bug() -> None:
    with pytest.raises(ZeroDivisionError):
        work().handle([chunk(post("a", "fail for good"))], NOW)


@pytest.mark.parametrize("texts", [["stop"], ["fail", "stop"]], ids=["at once", "one by one"])
def test_a_stage_may_stop_the_worker(texts: list[str]) -> None:
    with pytest.raises(StopWorker, match="a dependency is away"):
        work().handle([chunk(*(post(f"p{number}", text) for number, text in enumerate(texts)))], NOW)


# State per partition -------------------------------------------------------------------------------------------------


def test_state_is_opened_per_partition_with_what_came_before() -> None:
    asked: list[tuple[TP, int]] = []

    def restore(tp: TP, offset: int) -> Iterable[bytes | None]:
        asked.append((tp, offset))
        return [post("old"), b"no post", None, post("older")] if tp == PLACE else []

    stateful = work(history=10, restore=restore)
    assert tags(stateful.handle([chunk(post("a"), first=7), chunk(post("b"), first=3, place=OTHER), chunk(post("c"), first=8)], NOW)) == [
        "2",
        "0",
        "3",
    ]
    assert asked == [(PLACE, 7), (OTHER, 3)]
    assert tags(stateful.handle([chunk(post("d"), first=9)], NOW)) == ["4"]
    assert len(asked) == 2


def test_state_is_opened_again_in_a_new_epoch() -> None:
    asked: list[int] = []

    def restore(tp: TP, offset: int) -> Iterable[bytes | None]:
        asked.append(offset)
        return []

    stateful = work(history=10, restore=restore)
    stateful.handle([chunk(post("a"), post("b"), first=5, epoch=1)], NOW)
    assert tags(stateful.handle([chunk(post("a"), first=5, epoch=2)], NOW)) == ["0"]  # what came after offset 5 is not known again
    assert asked == [5, 5]


def test_state_of_a_former_epoch_is_dropped() -> None:
    stateful = work(history=10, restore=lambda tp, offset: [])
    stateful.handle([chunk(post("a"))], NOW)
    stateful.forget(1)
    assert stateful._partitions.keys() == {PLACE}
    stateful.forget(2)
    assert not stateful._partitions
