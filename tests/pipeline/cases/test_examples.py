"""What becomes of a post, one behaviour a test."""

from __future__ import annotations

import pytest

from schemas.cases import CaseEventKind
from schemas.people import Appellant, Channel, Notice, NoticeKind, Outcome, TaskEvent, TaskEventKind, Verdict
from schemas.records import Action, Automation, Decision, Post, PostKind, ReviewTask
from schemas.topics import VERDICTS
from tests.pipeline.cases.world import DAY, HOUR, NOW, World, case_event, only, rules


@pytest.fixture
def world() -> World:
    return World()


def test_what_people_must_see_goes_to_those_who_speak_the_language(world: World) -> None:
    task = only(world.routed(case_event("p")), ReviewTask)
    assert (task.region, task.out_of_language, task.labels, task.attempt) == ("dutch", False, ("toxic",), 1)


def test_a_speaker_with_the_conversation_decides(world: World) -> None:
    world.routed(case_event("p"))
    made = world.verdict("p", "anna", Outcome.REMOVE)
    decision = only(made, Decision)
    assert (decision.action, decision.automation, decision.sequence, decision.pending) == (Action.REMOVE, Automation.NONE, 1, False)
    assert decision.clause and decision.cause.startswith("verdict:")
    notice = only(made, Notice)
    assert (notice.kind, notice.decision_id, notice.appeal_until) == (NoticeKind.RESTRICTED, decision.decision_id, NOW + 190 * DAY)
    assert world.files["p"].decisions[-1] == decision


@pytest.mark.parametrize(
    ("reviewer", "shown", "complete"), [("dave", True, True), ("anna", False, True), ("anna", True, False)],
    ids=["no speaker", "not shown the conversation", "conversation incomplete"],
)  # fmt: skip
def test_otherwise_an_adverse_verdict_only_limits_until_a_speaker_confirms(
    world: World, reviewer: str, shown: bool, complete: bool
) -> None:
    world.routed(case_event("p", complete=complete))
    made = world.verdict("p", reviewer, Outcome.REMOVE, shown=shown)
    decision = only(made, Decision)
    assert (decision.action, decision.pending) == (Action.LIMIT, True)
    assert reviewer in only(made, ReviewTask).barred_reviewers
    confirmed = only(world.verdict("p", "bram", Outcome.REMOVE), Decision)
    assert confirmed.action is (Action.REMOVE if complete else Action.LIMIT)
    assert not confirmed.pending


def test_what_is_self_evident_needs_no_speaker(world: World) -> None:
    world.routed(case_event("p", label="spam"))
    assert only(world.verdict("p", "dave", Outcome.REMOVE, shown=False), Decision).action is Action.REMOVE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reviewer": "nobody"}, "not on the roster"),
        ({"reviewer": "cleo", "label": "nonsense"}, "the policy has no such label"),
        ({"reviewer": "anna", "revision": 2}, "of another revision of the post"),
        ({"reviewer": "anna", "outcome": Outcome.ESCALATE}, "the policy names no queue for the label"),
    ],
)  # fmt: skip
def test_a_verdict_that_may_not_be_given_is_answered_and_changes_nothing(world: World, changes: dict[str, object], reason: str) -> None:
    world.routed(case_event("p"))
    before = world.shard.state("p")
    given = {"outcome": Outcome.REMOVE, "reviewer": "anna"} | changes
    notice = only(world.verdict("p", **given), Notice)  # type: ignore[arg-type]
    assert (notice.kind, notice.reason) == (NoticeKind.VERDICT_REFUSED, reason)
    after = world.shard.state("p")
    assert before and after and after.task == before.task and after.standing == before.standing


def test_a_verdict_on_a_task_that_is_no_longer_open_is_answered_and_changes_nothing(world: World) -> None:
    task = only(world.routed(case_event("p")), ReviewTask)
    world.verdict("p", "anna", Outcome.ALLOW)
    late = Verdict(
        verdict_id="late", task_id=task.task_id, post_id="p", revision=1, reviewer="bram", outcome=Outcome.REMOVE, decided_at=NOW
    )
    made = world.send(VERDICTS.name, late)
    assert only(made, Notice).kind is NoticeKind.VERDICT_STALE
    assert len(made) == 1


def test_tools_are_told_that_a_decided_task_is_over(world: World) -> None:
    for post, outcome in (("p", Outcome.ALLOW), ("q", Outcome.REMOVE)):
        task = only(world.routed(case_event(post)), ReviewTask)
        told = only(world.verdict(post, "anna", outcome), TaskEvent)
        assert (told.kind, told.task_id, told.reason) == (TaskEventKind.WITHDRAWN, task.task_id, "decided")
    assert not world.tasks()


def test_the_machine_does_not_loosen_what_a_person_decided(world: World) -> None:
    world.routed(case_event("p"))
    world.verdict("p", "anna", Outcome.REMOVE)
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW))
    decision = only(made, Decision)
    assert (decision.revision, decision.sequence, decision.action, decision.pending) == (2, 1, Action.REMOVE, True)
    assert only(made, ReviewTask).post.revision == 2
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Decision).action is Action.RESTORE


def test_an_edit_of_a_post_that_nobody_asked_about_is_decided_and_leaves_no_trace(world: World) -> None:
    made = world.routed(case_event("p", 2, CaseEventKind.EDITED, action=Action.ALLOW))
    decision = only(made, Decision)
    assert (decision.revision, decision.sequence, decision.action, decision.automation) == (2, 1, Action.ALLOW, Automation.FULL)
    assert len(world.shard) == 0 and not world.files


def test_an_appeal_goes_to_another_person_and_undoes_the_decision(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    made = world.appeal("p", statement="it was a quotation")
    task = only(made, ReviewTask)
    assert task.statement == "it was a quotation"
    made = world.verdict("p", "anna", Outcome.ALLOW)
    decision = only(made, Decision)
    removed = world.files["p"].decisions[0]
    assert (decision.action, decision.supersedes) == (Action.RESTORE, removed.decision_id)
    kinds = {(notice.kind, notice.to.value) for notice in made if isinstance(notice, Notice)}
    assert kinds == {(NoticeKind.RESTORED, "author"), (NoticeKind.OUTCOME, "author")}


def test_who_decided_does_not_decide_the_appeal_and_a_decision_is_appealed_against_once(world: World) -> None:
    world.routed(case_event("p"))
    removed = only(world.verdict("p", "anna", Outcome.REMOVE), Decision)
    task = only(world.appeal("p"), ReviewTask)
    assert task.barred_reviewers == ("anna",)
    assert only(world.verdict("p", "anna", Outcome.ALLOW), Notice).kind is NoticeKind.VERDICT_REFUSED
    made = world.verdict("p", "bram", Outcome.REMOVE)
    assert not [record for record in made if isinstance(record, Decision)]
    assert only(made, Notice).reason == "another person has looked and came to the same decision"
    again = only(world.appeal("p", removed.decision_id), Notice)
    assert (again.kind, again.reason) == (NoticeKind.REFUSED, "this decision is or was appealed against already")


def test_an_appeal_is_possible_for_six_months(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.pass_time(191 * DAY)
    assert only(world.appeal("p"), Notice).reason == "the time for appeals is over"


def test_what_the_platform_does_not_confirm_in_time_is_counted_until_it_does(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.pass_time(2 * HOUR)
    assert world.shard.overdue == {"p"}
    world.enforce("p")
    assert not world.shard.overdue


def test_many_reports_are_one_case_and_remove_nothing(world: World) -> None:
    snapshot = Post(
        post_id="p", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="NL", created_at=NOW, text="t"
    )
    for number in range(150):
        world.report("p", f"key-{number}", post_snapshot=snapshot, language="nl", label="toxic")
    assert len(world.tasks()) == 1
    assert not world.decisions("p")
    made = world.verdict("p", "anna", Outcome.ALLOW)
    outcomes = [record for record in made if isinstance(record, Notice)]
    assert len(outcomes) == 100
    assert {notice.kind for notice in outcomes} == {NoticeKind.OUTCOME}
    assert len({notice.reporter_key for notice in outcomes}) == 100


def test_a_trusted_flagger_s_report_raises_the_priority(world: World) -> None:
    first = only(world.routed(case_event("p")), ReviewTask)
    second = only(world.report("p", "flagger", Channel.TRUSTED_FLAGGER), ReviewTask)
    assert second.priority == first.priority + 10


def test_a_reporter_may_appeal_where_nothing_was_done(world: World) -> None:
    world.routed(case_event("p"))
    world.report("p", report_id="r")
    world.verdict("p", "anna", Outcome.ALLOW)
    task = only(world.appeal("p", by=Appellant.REPORTER, report_id="r"), ReviewTask)
    assert task.barred_reviewers == ("anna",)
    made = world.verdict("p", "bram", Outcome.REMOVE)
    assert only(made, Decision).action is Action.REMOVE
    assert {notice.to.value for notice in made if isinstance(notice, Notice)} == {"author", "reporter"}


def test_a_report_on_an_unknown_post_waits_a_day_and_is_answered(world: World) -> None:
    assert not world.report("p")
    refused = only(world.pass_time(2 * DAY), Notice)
    assert (refused.kind, refused.reporter_key) == (NoticeKind.REFUSED, "key-1")
    assert len(world.shard) == 0


def test_a_report_that_is_faster_than_its_post_waits_for_it(world: World) -> None:
    world.report("p")
    made = world.routed(case_event("p"))
    assert [notice.kind for notice in made if isinstance(notice, Notice)] == [NoticeKind.RECEIPT]


def test_the_audit_looks_like_any_other_task_and_a_differing_verdict_corrects_the_machine(world: World) -> None:
    audit = only(world.routed(case_event("p", audit=True)), ReviewTask)
    review = only(world.routed(case_event("q")), ReviewTask)
    assert {field for field in audit.__struct_fields__ if (getattr(audit, field) is None) != (getattr(review, field) is None)} == set()
    assert audit.labels == review.labels
    assert only(world.verdict("p", "anna", Outcome.REMOVE), Decision).action is Action.REMOVE
    assert world.shard.audits == {("nl", "toxic"): (1, 1)}
    world.restart()
    assert world.shard.audits == {("nl", "toxic"): (1, 1)}


def test_an_audit_that_agrees_changes_nothing(world: World) -> None:
    world.routed(case_event("p", audit=True))
    assert [type(record) for record in world.verdict("p", "anna", Outcome.ALLOW)] == [TaskEvent]  # that it is over, and nothing else
    assert world.shard.audits == {("nl", "toxic"): (1, 0)}


def test_closing_the_only_region_of_a_language_moves_a_thousand_open_cases_and_loses_none() -> None:
    regions = {
        "regions": [
            {"name": "dutch", "languages": ["nl"], "markets": ["NL"], "closed_since": NOW + DAY},
            {"name": "english", "languages": ["en"], "markets": ["GB"], "default": True},
        ]
    }
    world = World(rules(regions))
    for number in range(1000):
        world.routed(case_event(f"p{number}"))
    assert {task.region for task in world.tasks().values()} == {"dutch"}
    world.pass_time(DAY)
    tasks = world.tasks().values()
    assert len({task.post.post_id for task in tasks}) == len(tasks) == 1000
    assert {(task.region, task.out_of_language) for task in tasks} == {("english", True)}


def test_case_files_end_after_the_window_for_appeals(world: World) -> None:
    world.routed(case_event("p", action=Action.REMOVE, automation=Automation.FULL))
    world.pass_time(199 * DAY)
    assert "p" in world.files
    world.pass_time(2 * DAY)
    assert not world.files and len(world.shard) == 0
    assert world.log[-1] == ("p", None)


def test_regions_know_their_open_tasks_after_a_restart(world: World) -> None:
    for number in range(3):
        world.routed(case_event(f"p{number}"))
    world.verdict("p1", "anna", Outcome.ALLOW)
    before = {region: set(posts) for region, posts in world.shard.open.items() if posts}
    world.restart()
    assert {region: set(posts) for region, posts in world.shard.open.items() if posts} == before == {"dutch": {"p0", "p2"}}
