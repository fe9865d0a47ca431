"""The worked example of docs/policy.md is true: routing and cases do what it says, by the policy and the regions that come along."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from agents.settings import load
from pipeline.cases.rules import Rules
from pipeline.policy.policy import read_policies
from pipeline.policy.regions import read_regions
from pipeline.policy.roster import read_roster
from pipeline.routing.context import alone
from pipeline.routing.decide import Sight, decide
from pipeline.routing.highlights import unexplained
from pipeline.scoring.bundle import read_bundle
from schemas.cases import CaseEvent
from schemas.records import Action, Automation, Decision, Language, Media, Post, PostKind, ReviewTask, ScoredPost, Unassessed
from tests.pipeline.cases.world import NOW, World, only

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLE = " ".join(PAGE.split("## A worked example")[1].split("\n## ")[0].split())

POST = Post(
    post_id="p", revision=1, kind=PostKind.CREATED, conversation_id="c", author_id="author-1", market="BE", created_at=NOW, text="text",
    media=(Media(type="image/png", url="https://media.example/1"),), reach=800,
)  # fmt: skip


def decided(tag: str, *unassessed: Unassessed) -> tuple[Decision, ReviewTask]:
    """What routing decides on the post in that language, and the task that the cases stage makes of it at once."""
    settings = load()
    policies, regions = read_policies(settings.policy), read_regions(settings.regions)
    rules = Rules(policies, regions, read_roster(settings.roster, regions))
    bundle = read_bundle(settings.model)
    scored = ScoredPost(
        post=POST, received_at=NOW, language=Language(tag=tag, confidence=0.98), model_version=bundle.model_version,
        scores=dict.fromkeys(bundle.labels, 0.1) | {"toxic": 0.96, "insult": 0.86, "hate": 0.31}, unassessed=unassessed,
    )  # fmt: skip
    decision, event = (output.record for output in decide(scored, policies.policies[-1], Sight(lambda: alone(POST), unexplained), NOW))
    assert isinstance(decision, Decision)
    assert isinstance(event, CaseEvent)
    task = only(World(rules).routed(event), ReviewTask)
    return decision, task


def test_the_decision_is_that_of_the_worked_example() -> None:
    decision, _ = decided("nl", Unassessed.MEDIA)
    reached = [(reason.rule, reason.threshold) for reason in decision.reasons if reason.label]
    assert reached == [("insult-limit", 0.85), ("insult-review", 0.75), ("toxic-limit", 0.95), ("toxic-review-from-95", 0.95)]
    assert all(f"`{rule}` ({threshold:.2f}" in EXAMPLE for rule, threshold in reached)
    assert f"reasons are {', '.join(f'`{reason.rule}`' for reason in decision.reasons[:-1])} and `{decision.reasons[-1].rule}`" in EXAMPLE
    assert (decision.action, decision.pending, decision.automation) == (Action.ALLOW, True, Automation.PARTIAL)
    assert decision.unassessed == (Unassessed.MEDIA, Unassessed.NO_CALIBRATION)
    assert f'its clause is "{decision.clause}"' in EXAMPLE


def test_a_rule_that_is_not_reached_is_the_one_for_the_language() -> None:
    rule = read_policies(load().policy).policies[-1].rules_for("nl", "BE")["hate"][0]
    assert f"`{rule.id}` ({rule.at_least:.2f}) is not" in EXAMPLE


def test_the_task_is_that_of_the_worked_example() -> None:
    _, task = decided("nl", Unassessed.MEDIA)
    assert (task.region, task.out_of_language) == ("dutch", False)
    said = re.search(r"0\.5 \* 55 \+ 3 \* log10\(801\) = (\d+)", EXAMPLE)
    assert said and int(said[1]) == task.priority
    hours = re.search(r"due in (\d+) hours", EXAMPLE)
    assert hours and dt.timedelta(hours=int(hours[1])) == task.due_at - task.created_at


def test_in_afrikaans_it_goes_to_the_market() -> None:
    decision, task = decided("af", Unassessed.MEDIA, Unassessed.LANGUAGE_UNSUPPORTED)
    assert (decision.action, decision.pending) == (Action.ALLOW, True)
    assert (task.region, task.out_of_language) == ("dutch", True)
