"""What a restriction rests on, and what led to it."""

from __future__ import annotations

from pipeline.cases.draft import Draft
from pipeline.policy.policy import SourceType
from pipeline.policy.rules import Ground
from schemas.people import Channel
from schemas.records import Decision


def _in_force(draft: Draft) -> Decision | None:
    """The decision in force, as far as it is still in the file."""
    standing = draft.state.standing
    return next((each for each in draft.decisions if standing and each.decision_id == standing.decision_id), None)


def same_rule(draft: Draft, label: str | None) -> bool:
    """Whether a restriction under `label` rests on what the standing one rests on, as far as that is still in the file."""
    known = _in_force(draft)
    return label is None or known is None or (known.ground, known.clause, known.category) == grounds(draft, label)


def told_grounds(draft: Draft) -> tuple[str | None, str | None, str | None]:
    """Ground, clause and category of the restriction in force, for those who ask about it; of none, none."""
    if not draft.restricted:
        return None, None, None
    known = _in_force(draft)
    return (known.ground, known.clause, known.category) if known else grounds(draft, draft.state.floor_label)


def grounds(draft: Draft, label: str | None) -> tuple[str | None, str | None, str | None]:
    """Ground, clause and category of a restriction under `label`; of a restriction without one, those that the machine's decision had."""
    known = draft.policy.labels.get(label or "")
    if known is None:
        first = next((each for each in draft.decisions if each.clause), None)
        return (first.ground, first.clause, first.category) if first else (draft.policy.statement.ground.value, None, None)
    return (known.ground or draft.policy.statement.ground).value, known.clause, known.category.value


def source_type(draft: Draft, label: str | None) -> SourceType:
    """What led to the decision, in the words of the DSA transparency database (2025): the gravest channel among the reports that wait for
    an answer, and those whose outcome is appealed against.

    A user's report of what the law forbids is a notice under article 16.
    """
    appealed = draft.state.appeal.report_id if draft.state.appeal else None
    waiting = [each for each in draft.state.reporters if not each.answered or each.appeal_id or each.report_id == appealed]
    channels = {reporter.channel for reporter in waiting}
    if Channel.TRUSTED_FLAGGER in channels:
        return SourceType.TRUSTED_FLAGGER
    if Channel.AUTHORITY in channels:
        return SourceType.OTHER_NOTIFICATION
    if Channel.USER in channels:
        ground = grounds(draft, label)[0]
        return SourceType.ARTICLE_16 if ground == Ground.LAW.value else SourceType.OTHER_NOTIFICATION
    return draft.policy.statement.source_type
