"""Lines of what people, their tools and the platform say, and of the cases that come of it. No text of theirs, and no reporter's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from agents.cli.parts import Filter, Part, action, revised, tags, why
from agents.cli.show import counted, minute, moment, visible
from schemas.cases import CaseEvent, CaseFile, CaseState
from schemas.people import Appeal, Enforcement, Erasure, Notice, Outcome, Report, TaskEvent, Verdict
from schemas.records import Record

SECRET = frozenset({Report, Notice, CaseState})
"""What carries reporters' keys, by which somebody could be found who must not be."""

HIDDEN = "hidden"
_KEY = "reporter_key"

OUTCOME_STYLES = {
    Outcome.ALLOW: "bold green",
    Outcome.LIMIT: "bold yellow",
    Outcome.REMOVE: "bold red",
    Outcome.ESCALATE: "bold magenta",
    Outcome.CANNOT_JUDGE: "bold",
}


def without_keys(value: bytes) -> bytes:
    """A JSON document without reporters' keys, also where it holds others as strings. msgspec.DecodeError if it is none."""
    return msgspec.json.encode(_hidden(msgspec.json.decode(value)))


def _hidden(value: object) -> object:
    if isinstance(value, dict):
        return {name: HIDDEN if name == _KEY else _hidden(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    if isinstance(value, str) and _KEY in value:  # an event that waits in a case's state
        try:
            return without_keys(value.encode()).decode()
        except msgspec.DecodeError:
            return HIDDEN
    return value


def _case_event(event: CaseEvent) -> list[Part]:
    proposal = event.proposal
    return [
        (f"{event.kind.value:7}", "bold"),
        tags(event.language),
        (event.post.market, "cyan"),
        revised(event.post.post_id, event.post.revision),
        (f"weight {event.weight:.0f}", ""),
        ("audit" if event.audit else "", "magenta"),
        action(proposal.action),
        ("pending" if proposal.pending else "", "yellow"),
        *why(proposal.reasons, proposal.unassessed),
    ]


def _task_event(event: TaskEvent) -> list[Part]:
    to = f"to {visible(event.region)}" if event.region else ""
    return [
        (f"{event.kind.value:9}", "bold"),
        (event.post_id, ""),
        (f"task {event.task_id}", "dim"),
        (f"by {event.reviewer}" if event.reviewer else "", "cyan"),
        (to, "cyan"),
        (f"as {event.next_task_id}" if event.next_task_id else "", "dim"),
        (visible(event.reason or ""), ""),
    ]


def _verdict(verdict: Verdict) -> list[Part]:
    return [
        (f"{verdict.outcome.value:12}", OUTCOME_STYLES[verdict.outcome]),
        revised(verdict.post_id, verdict.revision),
        (verdict.cannot_judge.value if verdict.cannot_judge else visible(verdict.label or ""), "magenta"),
        (f"by {verdict.reviewer}", "cyan"),
        (f"saw {visible(verdict.language_seen)}" if verdict.language_seen else "", "cyan"),
        ("" if verdict.context_digest else "context not shown", "yellow"),
        (verdict.tool or "unnamed tool", "dim"),
        (f"task {verdict.task_id}", "dim"),
    ]


def _appeal(appeal: Appeal) -> list[Part]:
    return [
        (f"{appeal.appellant.value:8}", "bold"),
        (appeal.post_id, ""),
        (f"against {appeal.decision_id}", ""),
        (f"appeal {appeal.appeal_id}", "dim"),
        (_length(appeal.statement), "dim"),
    ]


def _report(report: Report) -> list[Part]:
    return [
        (f"{report.channel.value:15}", "bold"),
        (report.post_id, ""),
        (visible(report.label or ""), "magenta"),
        (f"report {report.report_id}", "dim"),
        (_length(report.explanation), "dim"),
        ("with a copy of the post" if report.post_snapshot else "", "dim"),
    ]


def _length(text: str) -> str:
    return counted(len(text), "character") if text else ""


def _enforcement(enforcement: Enforcement) -> list[Part]:
    return [
        action(enforcement.action),
        (enforcement.post_id, ""),
        (f"decision {enforcement.decision_id}", ""),
        (f"applied {moment(enforcement.applied_at)}", "green"),
    ]


def _erasure(erasure: Erasure) -> list[Part]:
    return [("erase", "bold red"), (erasure.post_id, ""), (f"request {erasure.erasure_id}", "dim"), (visible(erasure.reason or ""), "")]


def _case_state(state: CaseState) -> list[Part]:
    task = state.task
    return [
        (f"open in {visible(task.region)} for {task.purpose.value}" if task else "closed", "bold" if task else "dim"),
        (f"due {minute(task.due_at)}" if task else "", ""),
        tags(state.language) if state.language else ("", ""),
        (state.market, "cyan"),
        revised(state.post_id, state.revision),
        action(state.standing.action) if state.standing else ("", ""),
        (counted(len(state.reporters), "report") if state.reporters else "", "magenta"),
        ("appeal" if state.appeal else "", "magenta"),
        ("enforcement overdue" if state.standing and state.standing.overdue else "", "bold red"),
        ("deleted" if state.deleted else "", "dim"),
        ("erased" if state.erased_at else "to be erased" if state.erase_when_closed else "", "bold red"),
    ]


def _case_file(file: CaseFile) -> list[Part]:
    return [
        tags(file.language),
        (file.post.market, "cyan"),
        revised(file.post_id, file.revision),
        action(file.decisions[-1].action) if file.decisions else ("", ""),
        *why(file.reasons, file.unassessed),
        (counted(len(file.decisions), "decision"), "dim"),
        (f"{counted(len(file.context.thread), 'post')} of context", "dim"),
    ]


def _notice(notice: Notice) -> list[Part]:
    about = f"about {notice.about}" if notice.about else ""
    return [
        (f"{notice.kind.value:15}", "bold"),
        (f"to {notice.reviewer or notice.to.value}", "cyan"),
        revised(notice.post_id, notice.revision),
        action(notice.action) if notice.action else ("", ""),
        (visible(notice.clause or ""), "magenta"),
        (about, "dim"),
        (visible(notice.reason or ""), ""),
    ]


PARTS: Mapping[type[Record], Callable[[Any], list[Part]]] = {
    CaseEvent: _case_event,
    TaskEvent: _task_event,
    Verdict: _verdict,
    Appeal: _appeal,
    Report: _report,
    Enforcement: _enforcement,
    Erasure: _erasure,
    CaseState: _case_state,
    CaseFile: _case_file,
    Notice: _notice,
}

_BY_POST = {Filter.POST: attrgetter("post_id")}
FILTERS: Mapping[type[Record], Mapping[Filter, Callable[[Any], str | None]]] = {
    CaseEvent: {
        Filter.POST: attrgetter("post.post_id"),
        Filter.MARKET: attrgetter("post.market"),
        Filter.LANGUAGE: attrgetter("language.tag"),
        Filter.ACTION: attrgetter("proposal.action.value"),
    },
    TaskEvent: _BY_POST,
    Verdict: {**_BY_POST, Filter.ACTION: attrgetter("outcome.value")},
    Appeal: _BY_POST,
    Report: _BY_POST,
    Enforcement: {**_BY_POST, Filter.ACTION: attrgetter("action.value")},
    Erasure: _BY_POST,
    CaseState: {
        **_BY_POST,
        Filter.MARKET: attrgetter("market"),
        Filter.LANGUAGE: lambda state: state.language.tag if state.language else None,
    },
    CaseFile: {**_BY_POST, Filter.MARKET: attrgetter("post.market"), Filter.LANGUAGE: attrgetter("language.tag")},
    Notice: {**_BY_POST, Filter.ACTION: lambda notice: notice.action.value if notice.action else None},
}
