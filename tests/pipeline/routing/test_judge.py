"""What the policy makes of a post: a table of cases, and what holds for every post."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.policy.policy import Policy
from pipeline.policy.rules import RuleAction
from pipeline.routing.judge import MACHINE_MAY_ACT_DESPITE, judge, review_share, stratum
from schemas.records import Action, Automation, Media, PostKind, ScoredPost, Unassessed
from tests.pipeline.routing.posts import EVIDENCE, POLICY, house, post, scored, streams

CASES = tomllib.loads((Path(__file__).parent / "cases" / "decisions.toml").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_table(case: dict[str, Any]) -> None:
    judgement = judge(
        scored(
            post(market=case.get("market", "GB"), kind=PostKind(case.get("kind", "created"))),
            tag=case.get("language", "en"),
            alternatives=tuple(case.get("alternatives", ())),
            scores=case.get("scores", {}),
            unassessed=tuple(map(Unassessed, case.get("unassessed", ()))),
            model_version=case.get("model", "tiny@1"),
        ),
        POLICY,
    )
    action, _, pending = case["then"].partition(", ")
    passed_on = action == "passed on"
    assert judgement.action is (Action.ALLOW if passed_on else Action(action))
    assert judgement.pending is bool(pending)
    assert judgement.automation is (Automation.NONE if passed_on else Automation.PARTIAL if pending else Automation.FULL)
    assert [reason.rule for reason in judgement.reasons] == case["rules"]
    if "unassessed_then" in case:
        assert judgement.unassessed == tuple(map(Unassessed, case["unassessed_then"]))
    if "clause" in case:
        assert judgement.grounds and judgement.grounds.clause == case["clause"]
    if "ground" in case:
        assert judgement.grounds and judgement.grounds.ground == case["ground"]
    if judgement.action is Action.ALLOW and not judgement.pending:
        assert judgement.grounds is None


def test_a_reason_says_what_was_measured_against_what() -> None:
    reason = judge(scored(scores={"toxic": 0.625}), POLICY).reasons[0]
    assert (reason.rule, reason.label, reason.probability, reason.threshold) == ("toxic-review", "toxic", 0.625, 0.5)


def test_where_the_machine_acts_the_reason_names_the_threshold_of_its_band() -> None:
    """The rule says 0.7; the evidence opens Indonesian from 0.75 and English from 0.7, so joint they open from 0.75."""
    for tag, others, threshold in (("id", (), 0.75), ("en", (), 0.7), ("en", ("id",), 0.75)):
        judgement = judge(scored(tag=tag, alternatives=others, scores={"threat": 0.8}), POLICY)
        assert (judgement.action, judgement.reasons[0].threshold) == (Action.LIMIT, threshold)


def test_a_share_of_what_is_allowed_without_evidence_goes_to_people() -> None:
    policy = house(unassessed=[{"id": "rest", "reasons": "all", "review_share": 0.1, "action": "allow"}])
    french = [judge(scored(post(f"p{number}"), tag="fr", scores={"toxic": 0.1}), policy) for number in range(2_000)]
    again = [judge(scored(post(f"p{number}"), tag="fr", scores={"toxic": 0.1}), policy) for number in range(2_000)]
    assert french == again
    # The gravest label weighs 40 * 0.1, so the share is 0.104: 208 expected, standard deviation 13.7; four of them.
    assert abs(sum(each.pending for each in french) - 208) < 55
    assert not any(judge(scored(post(f"p{number}"), scores={"toxic": 0.1}), policy).pending for number in range(2_000))


def reached_only(policy: Policy) -> Policy:
    """The same evidence, made of posts that reached a rule."""
    return policy.with_evidence(EVIDENCE.model_copy(update={"reached_only": True}))


@pytest.mark.parametrize(
    ("scores", "then", "unassessed"),
    [
        ({"toxic": 0.96}, (Action.REMOVE, False), ()),  # within an open band: that much is known
        ({"toxic": 0.6}, (Action.ALLOW, True), (Unassessed.NO_CALIBRATION,)),
        ({"toxic": 0.1}, (Action.ALLOW, False), (Unassessed.NO_CALIBRATION,)),
    ],
)
def test_evidence_on_what_reached_a_rule_lets_the_machine_act_and_says_nothing_of_what_it_allows(
    scores: dict[str, float], then: tuple[Action, bool], unassessed: tuple[Unassessed, ...]
) -> None:
    judgement = judge(scored(scores=scores), reached_only(POLICY))
    assert ((judgement.action, judgement.pending), judgement.unassessed) == (then, unassessed)


def test_what_is_allowed_by_evidence_on_what_reached_a_rule_stays_sampled() -> None:
    policy = reached_only(house(unassessed=[{"id": "rest", "reasons": "all", "review_share": 0.1, "action": "allow"}]))
    # As in French above: 208 expected, standard deviation 13.7; four of them.
    assert abs(sum(judge(scored(post(f"p{number}"), scores={"toxic": 0.1}), policy).pending for number in range(2_000)) - 208) < 55


def test_scores_that_the_model_itself_has_not_calibrated_let_it_do_nothing() -> None:
    judgement = judge(scored(scores={"toxic": 0.96}, unassessed=(Unassessed.NO_CALIBRATION,)), reached_only(POLICY))
    assert (judgement.action, judgement.pending) == (Action.ALLOW, True)


def test_a_policy_that_asks_for_no_evidence_leaves_everything_to_people() -> None:
    policy = house(automation=None).with_evidence(None)
    judgement = judge(scored(scores={"toxic": 0.96}), policy)
    assert (judgement.action, judgement.pending, judgement.unassessed) == (Action.ALLOW, True, ())
    assert judge(scored(scores={"toxic": 0.1}), policy).unassessed == ()


@pytest.mark.parametrize(
    ("removes_toxic_at", "toxic", "then"),
    [
        (0.95, 0.96, (Action.REMOVE, False)),  # the band of removals is open from .95
        (0.96, 0.97, (Action.LIMIT, True)),  # and from nowhere above: the machine limits, and people look, who may remove
        (0.96, 0.85, (Action.LIMIT, False)),
    ],
)
def test_a_limit_stays_open_where_the_rule_asks_for_a_removal_that_the_machine_may_not_do(
    removes_toxic_at: float, toxic: float, then: tuple[Action, bool]
) -> None:
    rules = [{**rule.model_dump(), "at_least": removes_toxic_at if rule.id == "toxic-remove" else rule.at_least} for rule in POLICY.rules]
    judgement = judge(scored(scores={"toxic": toxic}), house(rules=rules))
    assert (judgement.action, judgement.pending) == then
    assert judgement.automation is (Automation.PARTIAL if then[1] else Automation.FULL)
    assert judgement.reasons[0].rule == ("toxic-remove" if then[0] is Action.REMOVE else "toxic-limit")
    assert judgement.unassessed == ()


@given(streams)
def test_a_suspicion_that_people_would_see_alone_is_never_closed_by_an_act_for_something_milder(stream: list[ScoredPost]) -> None:
    for one in stream:
        threat = judge(msgspec.structs.replace(one, scores={**one.scores, "toxic": 0.0, "threat": one.scores.get("threat", 0.0)}), POLICY)
        both = judge(msgspec.structs.replace(one, scores={**one.scores, "toxic": 0.99, "threat": one.scores.get("threat", 0.0)}), POLICY)
        if threat.pending and any(reason.label == "threat" for reason in threat.reasons):
            assert both.pending


@given(streams, st.sampled_from(["tiny@1", "tiny@2"]))
def test_the_machine_restricts_alone_only_within_an_open_band_of_every_language(stream: list[ScoredPost], version: str) -> None:
    for one in stream:
        post_by = msgspec.structs.replace(one, model_version=version)
        judgement = judge(post_by, POLICY)
        if judgement.action in {Action.LIMIT, Action.REMOVE} and not judgement.pending and judgement.reasons[0].label:
            reason = judgement.reasons[0]
            for tag in (one.language.tag, *one.language.alternatives):
                band = EVIDENCE.band(version, reason.label or "", tag, RuleAction(judgement.action.value))
                assert band and band.closed is None and (reason.probability or 0) >= band.threshold


@given(streams)
def test_what_was_not_assessed_is_never_removed_by_the_machine(stream: list[ScoredPost]) -> None:
    eager = {"id": "eager", "label": "spam", "action": "remove", "at_least": 0.01}
    policy = house(rules=[*POLICY.rules, eager], labels={**POLICY.labels, "spam": POLICY.labels["toxic"]})
    for one in stream:
        judgement = judge(one, policy)
        if not MACHINE_MAY_ACT_DESPITE.issuperset(one.unassessed):
            assert judgement.action is not Action.REMOVE
        if judgement.action is Action.REMOVE:
            assert max(one.scores.values()) >= 0.01


@pytest.mark.parametrize(
    ("scores", "action", "rules"),
    [
        ({"toxic": 0.1}, Action.LIMIT, ["fault"]),  # nothing was reached, but nobody knows about threats: held
        ({"toxic": 0.96}, Action.LIMIT, ["toxic-remove", "toxic-limit", "toxic-review", "fault"]),  # the machine no longer acts alone
        ({"spam": 0.1}, Action.LIMIT, ["fault"]),
    ],
)
def test_a_label_without_a_score_is_no_zero(scores: dict[str, float], action: Action, rules: list[str]) -> None:
    judgement = judge(msgspec.structs.replace(scored(), scores=scores), POLICY)
    assert (judgement.action, judgement.pending, judgement.unassessed) == (action, True, (Unassessed.STAGE_ERROR,))
    assert [reason.rule for reason in judgement.reasons] == rules


NOT_SAID = [(), (Unassessed.MEDIA,), (Unassessed.TOO_LONG,), (Unassessed.NO_CALIBRATION,)]
SAID = [Unassessed.NO_LANGUAGE, Unassessed.LANGUAGE_UNKNOWN, Unassessed.LANGUAGE_UNSUPPORTED]


@pytest.mark.parametrize("kind", [PostKind.CREATED, PostKind.EDITED])
@pytest.mark.parametrize("unassessed", NOT_SAID)
def test_a_text_without_scores_that_does_not_say_why_was_not_assessed(unassessed: tuple[Unassessed, ...], kind: PostKind) -> None:
    judgement = judge(scored(post(kind=kind), scores={}, unassessed=unassessed), POLICY)
    assert (judgement.action, judgement.pending, judgement.automation) == (Action.LIMIT, True, Automation.PARTIAL)
    assert judgement.unassessed == (*unassessed, Unassessed.STAGE_ERROR)
    assert [reason.rule for reason in judgement.reasons] == ["fault"]


@pytest.mark.parametrize("reason", SAID)
def test_what_says_why_it_has_no_scores_is_no_fault(reason: Unassessed) -> None:
    assert judge(scored(scores={}, unassessed=(reason,)), POLICY).unassessed == (reason,)


def test_without_a_text_there_is_nothing_to_score() -> None:
    picture = post(text=None, media=(Media(type="image/png", url="https://media.example/1"),))
    assert judge(scored(picture, scores={}, unassessed=(Unassessed.MEDIA,)), POLICY).unassessed == (Unassessed.MEDIA,)
    assert judge(scored(picture, scores={}), POLICY).unassessed == (Unassessed.STAGE_ERROR,)


def test_a_label_without_a_rule_needs_no_score() -> None:
    policy = house(labels={**POLICY.labels, "spam": POLICY.labels["toxic"]})
    assert judge(scored(scores={"toxic": 0.1}), policy).unassessed == ()


@given(streams)
def test_whoever_is_restricted_is_told_why(stream: list[ScoredPost]) -> None:
    for one in stream:
        judgement = judge(one, POLICY)
        if judgement.action is not Action.ALLOW:
            assert judgement.grounds is not None and judgement.reasons


def sampled(share: float) -> int:
    policy = house(unassessed=[{"id": "rest", "reasons": "all", "review_share": share, "action": "allow"}])
    posts = (scored(post(f"post-{number}"), unassessed=(Unassessed.MEDIA,)) for number in range(20_000))
    return sum(judge(one, policy).pending for one in posts)


def test_the_share_that_goes_to_people_is_the_policys() -> None:
    # 20,000 draws at 0.05: 1,000 expected, standard deviation 30.8; five of them.
    assert abs(sampled(0.05) - 1_000) < 154
    assert sampled(0.0) == 0
    assert sampled(1.0) == 20_000


def test_who_is_in_a_small_share_is_in_every_larger_one() -> None:
    def chosen(reach: int) -> set[str]:
        policy = house(unassessed=[{"id": "rest", "reasons": "all", "review_share": 0.05, "action": "allow"}])
        posts = [scored(post(f"post-{number}", reach=reach), unassessed=(Unassessed.MEDIA,)) for number in range(2_000)]
        return {one.post.post_id for one in posts if judge(one, policy).pending}

    assert chosen(0) < chosen(1_000)


@pytest.mark.parametrize(
    ("share", "reach", "weight", "raised"),
    [(0.1, 0, 0, 0.1), (0.1, 99, 0, 0.3), (0.1, 0, 50, 0.15), (0.1, 10**9, 100, 0.8), (0.5, 10**9, 0, 1.0), (0.0, 10**9, 100, 0.0)],
)
def test_reach_and_gravity_raise_the_share_within_bounds(share: float, reach: int, weight: float, raised: float) -> None:
    assert review_share(share, post(reach=reach), weight) == pytest.approx(raised)


def test_the_stratum_is_the_likeliest_label_of_the_policy() -> None:
    assert stratum(scored(scores={"toxic": 0.3, "threat": 0.4, "unheard-of": 0.9}), POLICY) == "threat"
    assert stratum(scored(scores={}), POLICY) is None


@pytest.mark.parametrize(
    ("scores", "weight"),
    [
        ({"toxic": 0.6, "threat": 0.1}, 40),  # what fired counts with all its severity
        ({"toxic": 0.6, "threat": 0.4}, 90),
    ],
)
def test_weight_is_the_severity_of_the_gravest_label_that_fired(scores: dict[str, float], weight: float) -> None:
    assert judge(scored(scores=scores), POLICY).weight == weight


def test_a_post_that_only_draws_a_persons_look_weighs_by_its_probabilities() -> None:
    judgement = judge(scored(scores={"toxic": 0.4, "threat": 0.2}, unassessed=(Unassessed.LANGUAGE_UNKNOWN,)), POLICY)
    assert judgement.weight == pytest.approx(18)


def test_the_actions_of_rules_are_actions_of_decisions() -> None:
    assert {action.value for action in RuleAction} - {"review"} <= {action.value for action in Action}


def test_what_was_not_assessed_is_never_held_as_illegal() -> None:
    policy = house(statement={**POLICY.statement.model_dump(), "ground": "law"})
    judgement = judge(scored(unassessed=(Unassessed.STAGE_ERROR,)), policy)
    assert (judgement.action, judgement.grounds and judgement.grounds.ground) == (Action.LIMIT, "terms")
