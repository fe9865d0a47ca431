"""Rights made from the table of topics: what must hold of them whatever the table says."""

from __future__ import annotations

import pytest

from schemas.rights import OUTSIDE, Kind, Names, Operation, Right, Role, roles, stages
from schemas.topics import (
    APPEALS,
    CASE_FILES,
    CASE_STATE,
    CASES,
    DEAD_LETTERS,
    DECISIONS,
    NOTICES,
    POSTS_INCOMING,
    REPORTS,
    TOPICS,
    VERDICTS,
    review_topic,
)

NAMES = Names("prod.", "sluice", ("dutch", "dutch-2"))
ROLES = {role.name: role for role in roles(NAMES)}


def full(name: str) -> str:
    return f"prod.{name}"


def readers(topic: str) -> set[str]:
    return {role.name for role in ROLES.values() if role.may(Operation.READ, topic)}


def writers(topic: str) -> set[str]:
    return {role.name for role in ROLES.values() if role.may(Operation.WRITE, topic)}


def test_every_party_in_the_table_is_a_stage_or_known() -> None:
    assert stages() == ("language", "scoring", "routing", "cases")
    for topic in TOPICS:
        assert {*topic.written_by, *topic.read_by} <= {*stages(), *OUTSIDE}


def test_only_who_reads_a_review_topic_by_the_table_may_and_of_the_tools_only_its_regions() -> None:
    assert readers(full(review_topic("dutch").name)) == {"review-dutch", "on-call"}
    assert readers(full(review_topic("dutch-2").name)) == {"review-dutch-2", "on-call"}
    assert writers(full(review_topic("dutch").name)) == {"cases"}


def test_no_group_of_one_region_belongs_to_another_whose_name_begins_alike() -> None:
    (dutch,) = (right for right in ROLES["review-dutch"].rights if right.kind is Kind.GROUP)
    assert not NAMES.of("review.dutch-2.tool").startswith(dutch.name)
    assert NAMES.of("review.dutch.tool").startswith(dutch.name)


def test_decisions_are_written_by_those_of_the_table_alone() -> None:
    assert writers(full(DECISIONS.name)) == {"routing", "cases"}
    assert readers(full(DECISIONS.name)) == {"platform", "on-call"}
    assert readers(full(VERDICTS.name)) == {"cases", "evidence", "on-call", "repair"}
    assert writers(full(POSTS_INCOMING.name)) == {"producer", "repair"}


def test_who_creates_topics_and_who_measures_reads_no_record_but_dead_letters() -> None:
    read = {role: [right.name for right in ROLES[role].rights if right.operation is Operation.READ] for role in ("operator", "monitor")}
    assert read == {"operator": [full(DEAD_LETTERS.name)], "monitor": []}


def test_who_makes_evidence_reads_what_opens_cases_and_verdicts_and_no_more() -> None:
    assert set(ROLES["evidence"].rights) == {Right(Operation.READ, Kind.TOPIC, full(topic.name)) for topic in (CASES, VERDICTS)}


def test_who_is_on_call_changes_nothing_and_does_not_learn_who_reported_or_appealed() -> None:
    operations = {right.operation for right in ROLES["on-call"].rights}
    assert operations == {Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS}
    for topic in (REPORTS, APPEALS, NOTICES, CASE_STATE, CASE_FILES, CASES):
        assert "on-call" not in readers(full(topic.name))


@pytest.mark.parametrize("stage", stages())
def test_a_stage_has_its_own_group_and_no_other_right_than_to_read_and_write(stage: str) -> None:
    rights = ROLES[stage].rights
    assert [right for right in rights if right.kind is Kind.GROUP] == [Right(Operation.READ, Kind.GROUP, f"prod.sluice.{stage}")]
    assert {right.operation for right in rights} == {Operation.READ, Operation.WRITE}
    assert full(DEAD_LETTERS.name) in {right.name for right in rights if right.operation is Operation.WRITE}


def test_transactions_are_those_of_the_stage_of_cases_alone() -> None:
    found = {role.name: right for role in ROLES.values() for right in role.rights if right.kind is Kind.TRANSACTIONAL_ID}
    assert found == {"cases": Right(Operation.WRITE, Kind.TRANSACTIONAL_ID, "prod.sluice.cases.", prefixed=True)}


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)
def test_no_right_stands_twice(role: Role) -> None:
    assert len(set(role.rights)) == len(role.rights)
