"""The SIMULATED platform, its authors and users: it carries decisions out and says so, one author appeals, five users report posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from agents.demo.collect import Seen
from agents.demo.rules import LABEL
from pipeline.ids import derived
from pipeline.policy.region import NOTHING_LINGUISTIC, OTHER_LANGUAGE
from pipeline.stage import Output
from schemas.people import Appeal, Appellant, Channel, Enforcement, Report
from schemas.records import Action, Automation, Decision, Post, PostKind, Record
from schemas.topics import APPEALS, ENFORCEMENTS, REPORTS

NOT_SPOKEN = frozenset({NOTHING_LINGUISTIC, OTHER_LANGUAGE})
WAITED_FOR = frozenset({Action.LIMIT, Action.REMOVE, Action.RESTORE})
STATEMENT = "Simulated appeal: please let a person look at this."
REPORTED = "Simulated report."
CHANNELS = ((Channel.USER, Channel.USER, Channel.USER), (Channel.TRUSTED_FLAGGER,), (Channel.USER,))
"""Who reports the first, the second and the third post."""


class Platform:
    """`posts` are what it has published, in order. It remembers what it said: confirmations by decision, reports by id."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = {post.post_id: post for post in posts}
        self.confirmed: dict[str, Enforcement] = {}
        self.appeal: Appeal | None = None
        self.reports: dict[str, Report] = {}

    def hear(self, record: Record, now: dt.datetime) -> list[Output]:
        """A decision that restricts a post, or restores it, is carried out and confirmed."""
        if not isinstance(record, Decision) or record.action not in WAITED_FOR or record.decision_id in self.confirmed:
            return []
        done = Enforcement(decision_id=record.decision_id, post_id=record.post_id, action=record.action, applied_at=now)
        self.confirmed[record.decision_id] = done
        return [Output(ENFORCEMENTS, done)]

    def file_appeal(self, seen: Seen, now: dt.datetime) -> list[Output]:
        """The author of a post that the machine removed, and that nobody is looking at, appeals."""
        if self.appeal is not None or (decision := next(removed_by_machine(seen), None)) is None:
            return []
        self.appeal = Appeal(
            appeal_id=derived("demo-appeal", decision.decision_id),
            decision_id=decision.decision_id,
            post_id=decision.post_id,
            appellant=Appellant.AUTHOR,
            filed_at=now,
            statement=STATEMENT,
        )
        return [Output(APPEALS, self.appeal)]

    def file_reports(self, seen: Seen, now: dt.datetime) -> list[Output]:
        """Two posts that the machine has allowed, the first three times, and one that it has removed."""
        if self.reports:
            return []
        removed = [decision for decision in removed_by_machine(seen) if self.appeal is None or decision.post_id != self.appeal.post_id]
        chosen = [*list(self._allowed(seen))[: len(CHANNELS) - 1], *removed[:1]]
        made = [
            self._report(decision, channel, f"{place}-{number}", now)
            for place, (decision, channels) in enumerate(zip(chosen, CHANNELS, strict=False), 1)
            for number, channel in enumerate(channels, 1)
        ]
        self.reports = {report.report_id: report for report in made}
        return [Output(REPORTS, report) for report in made]

    def _allowed(self, seen: Seen) -> Iterator[Decision]:
        """Of posts that no case is about, and that stand alone: then their copy is the whole conversation."""
        for decision in seen.newest.values():
            post = self._posts[decision.post_id]
            alone = post.parent_id is None and not post.media and post.kind is PostKind.CREATED
            if alone and decision.language == "en" and decision.case_id is None and decision.action is Action.ALLOW:
                yield decision

    def _report(self, decision: Decision, channel: Channel, name: str, now: dt.datetime) -> Report:
        return Report(
            report_id=f"demo-report-{name}",
            post_id=decision.post_id,
            reporter_key=f"demo-reporter-{name}",
            channel=channel,
            reported_at=now,
            label=LABEL,
            explanation=REPORTED,
            language=decision.language if decision.language not in NOT_SPOKEN else None,
            sequence=decision.sequence,
            post_snapshot=self._posts[decision.post_id],
        )


def removed_by_machine(seen: Seen) -> Iterator[Decision]:
    """Decisions in force, on posts that nobody is looking at."""
    for decision in seen.newest.values():
        state = seen.states.get(decision.post_id)
        if decision.action is Action.REMOVE and decision.automation is Automation.FULL and state is not None and state.task is None:
            standing = state.standing
            if standing is not None and standing.decision_id == decision.decision_id:
                yield decision
