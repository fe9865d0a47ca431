"""What holds for whole streams: replays, batches, restarts."""

from __future__ import annotations

import datetime as dt

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.policy.policy import PolicySet
from pipeline.routing.stage import RoutingStage
from pipeline.stage import Incoming, Output
from schemas.cases import CaseEvent
from schemas.records import Action, Context, Decision, PostKind, ScoredPost, Unassessed
from tests.pipeline.routing.posts import NOW, POLICIES, POLICY, conversations, post, scored, stage, streams


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
    before = RoutingStage(POLICIES, 1_000_000, []).process(incoming(posts), NOW)
    after = RoutingStage(PolicySet([POLICY, newer]), 1_000_000, []).process(incoming(posts), NOW)
    assert [list(map(identity, each)) for each in after[:position]] == [list(map(identity, each)) for each in before[:position]]
    for outputs in after[position:]:
        decision = decided(outputs)
        assert decision.policy_version == "house@8"
        assert decision.pending or not any(reason.label for reason in decision.reasons)


def identity(output: Output) -> tuple[object, ...]:
    """What a replay must give again."""
    record = output.record
    if isinstance(record, Decision):
        return record.decision_id, record.action, record.pending, record.reasons
    assert isinstance(record, CaseEvent)
    return record.event_id, record.kind, record.context, record.weight, record.audit


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


@given(conversations(), st.data())
def test_a_restart_with_a_part_of_the_history_claims_no_more_than_it_has(stream: list[ScoredPost], data: st.DataObject) -> None:
    """Nothing that is decided changes, and a conversation counts as complete only with all that the whole history shows of its chain."""
    position = data.draw(st.integers(0, len(stream)))
    read_again = data.draw(st.integers(0, position))
    whole = routed(stream)[position:]
    partial = routed(stream[position:], earlier=stream[position - read_again : position])
    for place, (before, after) in enumerate(zip(whole, partial, strict=True), position):
        assert list(map(outcome, after)) == list(map(outcome, before))
        chain = answered(stream[: place + 1])
        for known, found in zip(contexts(before), contexts(after), strict=True):
            if found.complete:
                assert known.complete
                assert chain_of(found, chain) == chain_of(known, chain)
                assert chain <= {shown.post_id for shown in found.thread}


def outcome(output: Output) -> tuple[object, ...]:
    """What does not depend on the conversation."""
    record = output.record
    if isinstance(record, Decision):
        return identity(output)
    assert isinstance(record, CaseEvent)
    return record.event_id, record.kind, record.weight, record.audit, record.proposal


def contexts(outputs: list[Output]) -> list[Context]:
    return [output.record.context for output in outputs if isinstance(output.record, CaseEvent)]


def answered(stream: list[ScoredPost]) -> set[str]:
    """The ids that the last post answers, up to one that is not in the stream, by the last word on each."""
    said: dict[str, str | None] = {}
    for one in stream:
        said[one.post.post_id] = one.post.parent_id or said.get(one.post.post_id)
    chain: set[str] = set()
    at = said[stream[-1].post.post_id]
    while at is not None and at not in chain | {stream[-1].post.post_id}:
        chain.add(at)
        at = said.get(at)
    return chain


def chain_of(context: Context, chain: set[str]) -> list[tuple[object, ...]]:
    return sorted((shown.post_id, shown.kind.value, shown.text) for shown in context.thread if shown.post_id in chain)


@given(streams)
def test_a_batch_that_is_tried_again_decides_the_same(stream: list[ScoredPost]) -> None:
    twice = stage()
    first_revisions = list({one.post.post_id: one for one in reversed(stream)}.values())[::-1]
    assert twice.process(incoming(first_revisions), NOW) == twice.process(incoming(first_revisions), NOW)


@given(streams)
def test_what_people_may_have_to_look_at_opens_a_case(stream: list[ScoredPost]) -> None:
    for one, outputs in zip(stream, routed(stream), strict=True):
        decisions = [output.record for output in outputs if isinstance(output.record, Decision)]
        cases = [output.record for output in outputs if isinstance(output.record, CaseEvent)]
        created = one.post.kind is PostKind.CREATED and one.post.revision == 1
        edited = not created and one.post.kind is not PostKind.DELETED
        assert len(decisions) == (not edited), "an edit is only proposed"
        proposal = decided(outputs)
        assert bool(cases) is (proposal.pending or proposal.action in {Action.LIMIT, Action.REMOVE} or not created)
        assert all(case.proposal == proposal and case.event_id == proposal.decision_id for case in cases)


def decided(outputs: list[Output]) -> Decision:
    """What the machine decides or proposes."""
    first = outputs[0].record
    found = first.proposal if isinstance(first, CaseEvent) else first
    assert isinstance(found, Decision)
    return found


@given(streams)
def test_a_fallback_keeps_what_is_known_and_acts_on_nothing_alone(stream: list[ScoredPost]) -> None:
    for item in incoming(stream):
        decision = decided(stage().fallback(item, NOW))
        deleted = item.record.post.kind.value == "deleted"
        assert deleted or decision.unassessed[-1:] == (Unassessed.STAGE_ERROR,) or Unassessed.STAGE_ERROR in item.record.unassessed
        assert decision.pending is not deleted


def test_a_post_is_shown_with_the_conversation_from_before_the_restart() -> None:
    (outputs,) = routed([scored(post("b", parent_id="a"), scores={"toxic": 0.6})], earlier=[scored(post("a"))])
    case = outputs[1].record
    assert isinstance(case, CaseEvent)
    assert [shown.text for shown in case.context.thread] == ["text of a"]
    assert case.context.complete


def test_an_edit_is_judged_again() -> None:
    edit = post("a", revision=2, kind=PostKind.EDITED)
    outputs = routed([scored(post("a"), scores={"toxic": 0.6}), scored(edit, scores={"toxic": 0.97})])
    first, second = (decided(each) for each in outputs)
    assert [(each.revision, each.action.value) for each in (first, second)] == [(1, "allow"), (2, "remove")]
    assert first.decision_id != second.decision_id
