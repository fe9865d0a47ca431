"""Each alert has a page that somebody can follow at three in the morning, with the rights that they have then."""

from __future__ import annotations

import re

import pytest

from agents.cli.names import named
from agents.rights import names_of
from agents.settings import Settings
from deploy.ops.runbooks import ON_CALL, REMARKS, ROLES, STAGE
from pipeline.policy.regions import read_regions
from schemas.rights import Kind, Operation, roles, stages
from schemas.topics import DEAD_LETTERS, TOPICS
from tests.ops.made import ALERTS
from tests.ops.runbooks import FOLDER, Command, commands
from tests.support.java import ROOT

SETTINGS = Settings.model_construct()
REGIONS = read_regions(SETTINGS.regions)
NAMES = names_of(SETTINGS, REGIONS)
KNOWN = {role.name: role for role in roles(NAMES)}
COMMANDS = list(commands())
HEADINGS = ["What it means", "What users feel", "First three commands", "What to do", "How to undo"]
PAGES = {alert.runbook for alert in ALERTS}


def test_there_is_a_page_for_each_alert_and_none_besides() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*PAGES, "README"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_says_what_is_needed(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.M) == HEADINGS
    assert all(f"`{alert.alert}`" in text for alert in ALERTS if alert.runbook == page)
    commands = re.search(r"## First three commands\n\n```sh\n(.*?)```", text, re.S)
    assert commands
    lines = commands[1].strip().split("\n")
    assert len(lines) == 3
    assert all(line.startswith("sluice ") and " # " in line for line in lines)


def test_every_command_has_a_role_and_every_role_is_one() -> None:
    assert {command.kind for command in COMMANDS} == ROLES.keys()
    assert set(ROLES.values()) == REMARKS.keys()
    regions = [region.name for region in REGIONS.regions]
    meant = {name.replace("REGION", region).replace(STAGE, stage) for name in REMARKS if name for region in regions for stage in stages()}
    assert meant <= KNOWN.keys()


def read_by(command: Command) -> set[str]:
    """Full names of the topics whose records a command of whoever is on call shows."""
    if command.kind == "tail" and len(command.words) > 1:
        return {topic.name for topic in named(command.words[1], REGIONS)}
    return {DEAD_LETTERS.name} if command.kind.startswith("dead-letters") else set()


def test_who_is_on_call_may_read_what_the_commands_show_and_nothing_else() -> None:
    shown = {name for command in COMMANDS if ROLES[command.kind] == ON_CALL for name in read_by(command)}
    regions = {name for entry in TOPICS if "{" in entry.name for name in NAMES.topics(entry)}
    if shown & regions:  # a page names one region, and an alert may be of any
        shown |= regions
    readable = {right.name for right in KNOWN[ON_CALL].rights if (right.operation, right.kind) == (Operation.READ, Kind.TOPIC)}
    assert readable == shown


def test_who_is_on_call_sees_all_that_the_doctor_looks_at() -> None:
    """As an operator does; only that they make no topics."""
    looks = {right for right in KNOWN["operator"].rights if right.operation is not Operation.CREATE}
    assert looks <= set(KNOWN[ON_CALL].rights)


def test_operations_leads_there() -> None:
    assert "runbooks/README.md" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
