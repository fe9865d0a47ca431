"""What becomes of a case whose content is to be erased, one behaviour a test."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cases.facts import Erased, Erasing
from pipeline.cases.rules import Event
from schemas.cases import CaseEventKind, Purpose
from schemas.people import Appellant, CannotJudge, Channel, Erasure, Notice, NoticeKind, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import Action, Automation, Decision, Post, PostKind, ReviewTask, Unassessed
from schemas.topics import CASES, ERASURES, VERDICTS
from tests.pipeline.cases.world import DAY, NOW, World, case_event, only, staffed

ERASED = "what was kept of the post was erased"
REMOVED: dict[str, Any] = {"action": Action.REMOVE, "automation": Automation.FULL}


@pytest.fixture
def world() -> World:
    return World()


def copy(revision: int) -> Post:
    return Post(
        post_id="p", revision=revision, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL", created_at=NOW,
        text="t",
    )  # fmt: skip


def assert_erased(world: World, post_id: str = "p") -> None:
    """No file, nothing that was written and no reporter in what the log keeps."""
    state = world.shard.state(post_id)
    assert state is not None and state.known and state.erased_at is not None and state.task is None
    assert post_id not in world.files
    kept = next(value for key, value in reversed(world.log) if key == post_id)
    assert kept is not None
    for word in (b"text 1", b"key-1", b"quotation"):
        assert word not in kept


def test_of_a_closed_case_the_file_goes_and_the_decision_in_force_stays(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p")
    decided = only(world.verdict("p", "anna", Outcome.REMOVE), Decision)
    before = world.shard.state("p")
    assert world.erase("p") == []
    assert_erased(world)
    after = world.shard.state("p")
    assert before and after and after.standing and after.standing.decision_id == decided.decision_id
    assert (after.revision, after.sequence, after.keep_until) == (1, 1, before.keep_until)
    world.enforce("p")
    after = world.shard.state("p")
    assert after and after.standing and after.standing.unconfirmed_since is None
    world.pass_time(201 * DAY)
    assert len(world.shard) == 0


def test_a_task_is_withdrawn_and_who_reported_is_told(world: World) -> None:
    task = only(world.routed(case_event("p")), ReviewTask)
    world.report("p")
    made = world.erase("p")
    withdrawn, notice = only(made, TaskEvent), only(made, Notice)
    assert (withdrawn.kind, withdrawn.task_id, withdrawn.reason) == (TaskEventKind.WITHDRAWN, task.task_id, ERASED)
    assert (notice.kind, notice.reporter_key, notice.reason, notice.appeal_until) == (NoticeKind.OUTCOME, "key-1", ERASED, None)
    assert_erased(world)
    assert world.shard.balance == 0 and not world.tasks()


@pytest.mark.parametrize("on_appeal", [True, False], ids=["an open appeal", "a named queue"])
def test_what_people_need_the_text_for_is_decided_first(world: World, on_appeal: bool) -> None:
    if on_appeal:
        world.routed(case_event("p", **REMOVED))
        world.appeal("p", statement="it was a quotation")
    else:
        world.routed(case_event("p", label="threat"))
        world.verdict("p", "anna", Outcome.ESCALATE)
    assert world.erase("p") == []
    assert world.facts[-1] == Erased(Erasing.WAITS)
    state = world.shard.state("p")
    assert state and state.task and state.task.purpose is (Purpose.APPEAL if on_appeal else Purpose.QUEUE) and "p" in world.files
    world.restart()
    made = world.verdict("p", "bram", Outcome.REMOVE if on_appeal else Outcome.LIMIT)
    assert_erased(world)
    assert world.facts[-1] == Erased(Erasing.DONE)
    if on_appeal:
        assert only(made, Notice).kind is NoticeKind.OUTCOME
    else:
        assert only(made, Notice).appeal_until is None  # nobody could look at an appeal any more


@pytest.mark.parametrize("by", ["the machine", "a person"])
def test_what_is_restricted_until_people_have_looked_is_looked_at_first(world: World, by: str) -> None:
    if by == "the machine":
        world.routed(case_event("p", action=Action.LIMIT, pending=True, reasons=(), unassessed=(Unassessed.STAGE_ERROR,)))
    else:
        world.routed(case_event("p"))
        world.verdict("p", "dave", Outcome.REMOVE)
    assert world.erase("p") == []
    assert world.facts[-1] == Erased(Erasing.WAITS) and "p" in world.files
    world.restart()
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.RESTORE
    assert_erased(world)
    assert world.facts[-1] == Erased(Erasing.DONE)


def test_it_does_not_wait_where_the_author_has_deleted_what_was_restricted(world: World) -> None:
    world.routed(case_event("p", action=Action.LIMIT, pending=True))
    world.erase("p")
    world.routed(case_event("p", 2, CaseEventKind.DELETED))
    assert_erased(world)


@pytest.mark.parametrize("deleted_first", [False, True])
def test_an_edit_before_people_have_decided_is_a_case_with_every_right(world: World, deleted_first: bool) -> None:
    world.routed(case_event("p", label="threat"))
    world.verdict("p", "anna", Outcome.ESCALATE)
    world.erase("p")
    if deleted_first:
        world.routed(case_event("p", 2, CaseEventKind.DELETED))
    world.routed(case_event("p", 3, CaseEventKind.EDITED, label="threat"))
    assert world.facts.count(Erased(Erasing.OVERTAKEN)) == 1
    assert only(world.verdict("p", "bram", Outcome.REMOVE), Notice).appeal_until is not None
    assert world.files["p"].revision == 3
    only(world.appeal("p"), ReviewTask)


def test_an_edit_under_an_open_appeal_ends_the_wait_of_an_erasure(world: World) -> None:
    world.routed(case_event("p", **REMOVED))
    world.appeal("p")
    world.erase("p")
    world.routed(case_event("p", 2, CaseEventKind.EDITED, **REMOVED))
    world.verdict("p", "anna", Outcome.REMOVE)
    state = world.shard.state("p")
    assert state is not None
    assert (state.erased_at, state.erase_when_closed) == (None, False)
    assert world.read("p") is not None


def test_what_the_machine_finds_after_a_copy_does_not_cancel_it(world: World) -> None:
    world.report("p", post_snapshot=copy(1), language="nl", label="threat")
    world.verdict("p", "anna", Outcome.ESCALATE)
    world.erase("p")
    world.routed(case_event("p"))
    world.verdict("p", "bram", Outcome.ALLOW)
    assert_erased(world)


def test_late_events_meet_the_erasure_and_open_nothing(world: World) -> None:
    event = case_event("p", action=Action.LIMIT, pending=True)
    task = only(world.routed(event), ReviewTask)
    removed = only(world.verdict("p", "anna", Outcome.REMOVE), Decision)
    world.erase("p")
    late = Verdict(verdict_id="l", task_id=task.task_id, post_id="p", revision=1, reviewer="bram", outcome=Outcome.ALLOW, decided_at=NOW)
    assert only(world.send(VERDICTS.name, late), Notice).kind is NoticeKind.VERDICT_STALE
    earlier = event.proposal.decision_id
    for refused in (world.appeal("p", removed.decision_id), world.appeal("p", earlier), world.report("p", post_snapshot=copy(1))):
        assert (only(refused, Notice).kind, only(refused, Notice).reason) == (NoticeKind.REFUSED, ERASED)
        assert len(refused) == 1
    assert only(world.appeal("p", by=Appellant.REPORTER, report_id="r1"), Notice).reason == ERASED
    assert world.routed(event) == [] == world.routed(case_event("p", cause="read again under another policy"))
    assert world.erase("p") == []
    assert world.facts[-1] == Erased(Erasing.NOTHING)
    assert_erased(world)


def test_an_edit_is_a_new_case_and_does_not_loosen_what_a_person_decided(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    world.erase("p")
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW))
    assert only(made, ReviewTask).post.text == "text 2"
    assert (only(made, Decision).action, only(made, Decision).pending) == (Action.REMOVE, True)
    file = world.files["p"]
    assert (file.revision, [each.revision for each in file.decisions]) == (2, [2])
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.RESTORE
    world.erase("p")
    assert_erased(world)


def test_an_edit_that_the_machine_allows_undoes_what_only_the_machine_had_removed(world: World) -> None:
    world.routed(case_event("p", **REMOVED))
    world.erase("p")
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW))
    assert only(made, Decision).action is Action.RESTORE


def test_a_deletion_after_it_changes_nothing_but_the_revision(world: World) -> None:
    world.routed(case_event("p", **REMOVED))
    world.erase("p")
    before = world.shard.state("p")
    assert world.routed(case_event("p", 2, CaseEventKind.DELETED)) == []
    after = world.shard.state("p")
    assert before and after and (after.revision, after.deleted, after.keep_until) == (2, True, before.keep_until)
    assert only(world.report("p", post_snapshot=copy(3)), Notice).reason == ERASED
    assert_erased(world)


def test_a_report_with_a_newer_copy_opens_a_case(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.erase("p")
    made = world.report("p", channel=Channel.USER, post_snapshot=copy(2), language="nl", label="toxic")
    assert only(made, ReviewTask).post.text == "t"
    assert "p" in world.files
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Decision).revision == 2


def test_what_the_machine_finds_on_that_revision_counts_too_even_when_it_comes_later(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.ALLOW)
    world.erase("p")
    world.report("p", post_snapshot=copy(2), language="nl")
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.LIMIT))
    assert only(made, Decision).action is Action.LIMIT
    assert world.files["p"].post.text == "text 2"


def test_a_case_of_a_copy_alone_that_was_erased_does_not_open_when_its_post_comes(world: World) -> None:
    world.report("p", post_snapshot=copy(1), language="nl")
    world.erase("p")
    assert world.routed(case_event("p")) == []
    assert_erased(world)


def test_of_a_post_that_is_not_known_there_is_nothing_to_erase(world: World) -> None:
    assert world.erase("p") == []
    assert len(world.shard) == 0 and world.log == []


def test_what_waits_for_an_unknown_post_is_refused(world: World) -> None:
    world.report("p", explanation="he wrote this")
    assert only(world.erase("p"), Notice).reason == ERASED
    assert len(world.shard) == 0 and world.log[-1] == ("p", None)


def test_the_same_erasure_twice_erases_once(world: World) -> None:
    world.routed(case_event("p"))
    world.erase("p", "e")
    world.routed(case_event("p", 2, CaseEventKind.EDITED))
    assert world.erase("p", "e") == []
    assert "p" in world.files
    world.erase("p", "another")
    assert_erased(world)


def test_what_is_opened_and_erased_in_one_step_leaves_no_file(world: World) -> None:
    wanted = Erasure(erasure_id="e", post_id="p", requested_at=NOW)
    changes = world.shard.step([Event(CASES.name, case_event("p"), NOW), Event(ERASURES.name, wanted, NOW)], world, NOW)
    assert changes.files == {"p": None}
    assert b"text 1" not in (changes.states["p"] or b"")


def test_an_erasure_that_waits_is_done_where_nobody_is_left_who_could_decide() -> None:
    world = staffed({"anna": (["dutch"], ["nl"])})
    world.routed(case_event("p", label="threat", action=Action.LIMIT, pending=True, automation=Automation.PARTIAL))
    world.erase("p")
    state = world.shard.state("p")
    assert state and state.erased_at is None
    world.verdict("p", "anna", Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONTEXT)
    state = world.shard.state("p")
    assert state and state.erased_at
