"""What a post can make of itself at most: whatever is written of it fits into a message, else the stage would stop on it for ever."""

from __future__ import annotations

from msgspec.structs import replace

from agents.edge.envelope import MAX_VALUE_BYTES
from pipeline.cases.decisions import MAX_DECISIONS
from pipeline.cases.reports import MAX_HEARD, MAX_REPORTERS
from pipeline.cases.waiting import MAX_WAITING
from pipeline.policy.policy import MAX_CONTEXT_BYTES, MAX_CONTEXT_POSTS
from pipeline.routing.context import Conversations
from schemas.cases import CaseEvent, CaseEventKind
from schemas.people import MAX_STATEMENT, Appellant, Channel, Outcome
from schemas.records import MAX_HIGHLIGHTS, Action, Context, Highlight, Media, Reason, ReviewTask
from schemas.wire import encode
from tests.pipeline.cases.world import World, case_event, only
from tests.pipeline.routing.posts import post

WORST = "\x01"  # takes six bytes in JSON: no text grows more
REASONS = tuple(Reason(rule="r" * 64, label="toxic", probability=0.123456789, threshold=0.123456789) for _ in range(21))


def largest(revision: int, kind: CaseEventKind) -> CaseEvent:
    media = tuple(Media(type=WORST * 100, url=WORST * 2048) for _ in range(32))
    conversations = Conversations(64_000_000)
    for number in range(MAX_CONTEXT_POSTS):
        conversations.add(post(f"{number:0200}", text=WORST * 65536, media=media))
    own = post("p" * 200, text=WORST * 65536, media=media, parent_id=f"{MAX_CONTEXT_POSTS - 1:0200}")
    context: Context = conversations.snapshot(own, MAX_CONTEXT_POSTS, MAX_CONTEXT_BYTES).context
    event = case_event("p" * 200, revision, kind, reasons=REASONS, cause="c" * 300)
    shown = replace(event.post, text=WORST * 65536, media=media, parent_id=own.parent_id)
    words = tuple(Highlight(start=65_500 + number, end=65_536, label="l" * 32, drop=0.123456789) for number in range(MAX_HIGHLIGHTS))
    return replace(event, post=shown, context=context, highlights=words, highlighted_by="m" * 129)


def test_the_largest_task_and_case_file_fit_into_a_message() -> None:
    world, post_id = World(), "p" * 200
    world.routed(largest(1, CaseEventKind.OPENED))
    for revision in range(2, MAX_DECISIONS + 3):
        world.routed(largest(revision, CaseEventKind.EDITED))
    world.verdict(post_id, "anna", Outcome.REMOVE)
    task = only(world.appeal(post_id, statement=WORST * MAX_STATEMENT), ReviewTask)
    file = world.files[post_id]
    assert len(file.decisions) == MAX_DECISIONS
    assert max(len(encode(task)), len(encode(file))) < MAX_VALUE_BYTES


def test_the_largest_state_fits_into_a_message() -> None:
    world, post_id = World(), "p" * 200
    world.routed(case_event(post_id))
    world.verdict(post_id, "anna", Outcome.ALLOW)
    for number in range(MAX_HEARD):
        world.report(post_id, f"{number:k>200}", report_id=f"{number:r>200}")
    for number in range(MAX_HEARD):
        world.appeal(post_id, by=Appellant.REPORTER, report_id=f"{number:r>200}", appeal_id=f"{number:a>200}")
    for number in range(MAX_REPORTERS):
        world.report(post_id, f"{number:f>200}", Channel.TRUSTED_FLAGGER, report_id=f"{number:t>200}")
    newer = post(post_id, revision=2)
    for number in range(MAX_WAITING):
        world.report(post_id, f"{number:w>200}", report_id=f"{number:x>200}", explanation="\0" * MAX_STATEMENT, post_snapshot=newer)
    state = world.shard.state(post_id)
    assert state and sum(each.appeal_id is not None for each in state.reporters) == MAX_HEARD - 1
    assert len(state.reporters) == MAX_HEARD + MAX_REPORTERS and state.waiting
    assert len(encode(state)) < MAX_VALUE_BYTES


def test_the_largest_case_file_with_the_statements_of_two_appeals_fits_into_a_message() -> None:
    world, post_id = World(), "p" * 200
    world.routed(largest(1, CaseEventKind.OPENED))
    for revision in range(2, MAX_DECISIONS + 2):
        world.routed(largest(revision, CaseEventKind.EDITED))
    world.report(post_id, report_id="r")
    world.verdict(post_id, "anna", Outcome.ALLOW)
    world.appeal(post_id, by=Appellant.REPORTER, report_id="r", statement=WORST * MAX_STATEMENT)
    edit = largest(MAX_DECISIONS + 2, CaseEventKind.EDITED)
    world.routed(replace(edit, proposal=replace(edit.proposal, action=Action.REMOVE)))
    task = only(world.appeal(post_id, statement=WORST * MAX_STATEMENT), ReviewTask)
    file = world.files[post_id]
    assert file.statement and len(file.statement) > 2 * MAX_STATEMENT
    assert max(len(encode(task)), len(encode(file))) < MAX_VALUE_BYTES
