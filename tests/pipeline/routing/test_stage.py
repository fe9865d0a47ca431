"""What holds for whole streams: replays, batches, restarts."""

from __future__ import annotations

import datetime as dt

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.policy.policy import PolicySet
from pipeline.routing.stage import RoutingStage
from pipeline.stage import Incoming, Output
from schemas.records import Decision, ReviewTask, ScoredPost, Unassessed
from tests.pipeline.routing.posts import NOW, POLICIES, POLICY, REGIONS, post, scored, stage, streams


def incoming(stream: list[ScoredPost]) -> list[Incoming[ScoredPost]]:
    return [Incoming(one, one.received_at) for one in stream]


def routed(stream: list[ScoredPost], earlier: list[ScoredPost] | None = None, now: dt.datetime = NOW) -> list[list[Output]]:
    return stage(earlier).process(incoming(stream), now)


@given(streams)
def test_a_replay_decides_the_same_with_the_same_ids(stream: list[ScoredPost]) -> None:
    assert routed(stream) == routed(stream)


@given(streams)
def test_the_time_of_a_replay_decides_nothing(stream: list[ScoredPost]) -> None:
    later = routed(stream, now=NOW + dt.timedelta(days=3))
    for first, again in zip(routed(stream), later, strict=True):
        assert [(one.topic.name, identity(one)) for one in first] == [(one.topic.name, identity(one)) for one in again]


@given(streams, st.integers(0, 25))
def test_new_evidence_changes_nothing_that_was_received_before_it(stream: list[ScoredPost], position: int) -> None:
    """As a version beside the old one, in force from a later time. Posts received since have another policy, and so other ids."""
    since = NOW + dt.timedelta(hours=1)
    newer = POLICY.model_copy(update={"version": "8", "effective_from": since}).with_evidence(None)
    posts = [one if place < position else msgspec.structs.replace(one, received_at=since) for place, one in enumerate(stream)]
    before = RoutingStage(POLICIES, REGIONS, 1_000_000, []).process(incoming(posts), NOW)
    after = RoutingStage(PolicySet([POLICY, newer]), REGIONS, 1_000_000, []).process(incoming(posts), NOW)
    assert [list(map(identity, each)) for each in after[:position]] == [list(map(identity, each)) for each in before[:position]]
    for outputs in after[position:]:
        decision = outputs[0].record
        assert isinstance(decision, Decision)
        assert decision.policy_version == "house@8"
        assert decision.pending or not any(reason.label for reason in decision.reasons)


def identity(output: Output) -> tuple[object, ...]:
    if isinstance(output.record, Decision):
        decision = output.record
        return decision.decision_id, decision.action, decision.pending, decision.reasons, decision.task_id
    assert isinstance(output.record, ReviewTask)
    return output.record.task_id, output.record.context, output.record.due_at, output.record.priority


@given(streams, st.data())
def test_how_posts_are_batched_changes_nothing(stream: list[ScoredPost], data: st.DataObject) -> None:
    one_by_one = stage()
    whole = routed(stream)
    done: list[list[Output]] = []
    while len(done) < len(stream):
        size = data.draw(st.integers(1, len(stream) - len(done)))
        done += one_by_one.process(incoming(stream[len(done) : len(done) + size]), NOW)
    assert done == whole


@given(streams, st.data())
def test_a_restart_with_its_history_goes_on_where_it_was(stream: list[ScoredPost], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(stream)))
    assert routed(stream[position:], earlier=stream[:position]) == routed(stream)[position:]


@given(streams)
def test_a_batch_that_is_tried_again_decides_the_same(stream: list[ScoredPost]) -> None:
    twice = stage()
    first_revisions = list({one.post.post_id: one for one in reversed(stream)}.values())[::-1]
    assert twice.process(incoming(first_revisions), NOW) == twice.process(incoming(first_revisions), NOW)


@given(streams)
def test_a_task_goes_with_its_decision(stream: list[ScoredPost]) -> None:
    for outputs in routed(stream):
        decision, *tasks = (output.record for output in outputs)
        assert isinstance(decision, Decision)
        assert decision.pending is bool(tasks)
        for output, task in zip(outputs[1:], tasks, strict=True):
            assert isinstance(task, ReviewTask)
            assert (task.decision_id, task.task_id, task.region) == (decision.decision_id, decision.task_id, decision.region)
            assert output.topic.name == f"moderation.review.{task.region}.v1"


@given(streams)
def test_a_fallback_keeps_what_is_known_and_acts_on_nothing_alone(stream: list[ScoredPost]) -> None:
    for item in incoming(stream):
        decision = stage().fallback(item, NOW)[0].record
        assert isinstance(decision, Decision)
        deleted = item.record.post.kind.value == "deleted"
        assert deleted or decision.unassessed[-1:] == (Unassessed.STAGE_ERROR,) or Unassessed.STAGE_ERROR in item.record.unassessed
        assert decision.pending is not deleted


def test_a_post_is_shown_with_the_conversation_from_before_the_restart() -> None:
    (outputs,) = routed([scored(post("b", parent_id="a"), scores={"toxic": 0.6})], earlier=[scored(post("a"))])
    task = outputs[1].record
    assert isinstance(task, ReviewTask)
    assert [shown.text for shown in task.context.thread] == ["text of a"]
    assert task.context.complete


def test_an_edit_is_judged_again() -> None:
    first, edit = routed([scored(post("a"), scores={"toxic": 0.6}), scored(post("a", revision=2), scores={"toxic": 0.97})])
    kinds = [
        (outputs[0].record.revision, outputs[0].record.action.value) for outputs in (first, edit) if isinstance(outputs[0].record, Decision)
    ]
    assert kinds == [(1, "allow"), (2, "remove")]
    assert identity(first[0])[0] != identity(edit[0])[0]
