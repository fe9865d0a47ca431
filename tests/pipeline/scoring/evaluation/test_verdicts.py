"""Which verdicts become labelled rows, and that the rows say of a rule what all posts that it found would say."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from pipeline.ids import draw
from pipeline.policy.people import Audit
from pipeline.policy.policy import Policy
from pipeline.policy.roster import Roster
from pipeline.scoring.evaluation.rows import LabelledRow, Limits
from pipeline.scoring.evaluation.verdicts import Judged, LeftOut, Terms, judged
from schemas.cases import CaseEvent, CaseEventKind
from schemas.people import CannotJudge, Outcome, Verdict
from schemas.records import Action, Automation, Reason, Unassessed
from tests.pipeline.cases.world import DAY, NOW, POLICY, ROSTER, case_event

AUDIT = Audit.model_validate({"seed": "s", "rules": [{"id": "a", "share": 0.25}]})
AUDITED = Policy.model_validate({**POLICY.model_dump(), "audit": AUDIT})
TERMS = Terms(
    roster=Roster.model_validate(
        {
            "reviewers": [
                *(reviewer.model_dump() for reviewer in ROSTER.reviewers),
                {"id": "simulated-nl-1", "regions": ["dutch"], "languages": ["nl"]},
            ]
        }
    ),
    policies={AUDITED.id: AUDITED},
    models={"tiny@1"},
    labels=("toxic", "threat", "spam"),
    before=NOW + DAY,
)


def said(event: CaseEvent, outcome: Outcome = Outcome.REMOVE, **changes: Any) -> Verdict:
    """By somebody who speaks the language and was shown the conversation, unless changed."""
    fields: dict[str, Any] = {
        "verdict_id": "v", "task_id": "t", "post_id": event.post.post_id, "revision": event.post.revision, "reviewer": "anna",
        "outcome": outcome, "decided_at": NOW, "context_digest": event.context.digest,
    }  # fmt: skip
    return Verdict(**(fields | changes))


def suspected(post_id: str = "p", *reached: tuple[str, float, float], **changes: Any) -> CaseEvent:
    """A Dutch post that rules have found: label, probability, threshold of each."""
    reasons = tuple(Reason(rule="r", label=label, probability=p, threshold=t) for label, p, t in reached or (("toxic", 0.9, 0.8),))
    return written(case_event(post_id, reasons=reasons, **changes), own_text(post_id))


def own_text(post_id: str) -> str:
    """One that is no copy of another post's, whatever their ids."""
    return f"text {hashlib.sha256(post_id.encode()).hexdigest()}"


def written(event: CaseEvent, text: str) -> CaseEvent:
    """With another text."""
    return replace(event, post=replace(event.post, text=text))


def acted(post_id: str, probability: float, *, audit: bool = True) -> CaseEvent:
    """The machine has limited it alone."""
    reasons = (Reason(rule="limit", label="toxic", probability=probability, threshold=0.9),)
    event = case_event(
        post_id, audit=audit, action=Action.LIMIT, automation=Automation.FULL,
        reasons=(*reasons, Reason(rule="look", label="toxic", probability=probability, threshold=0.6)),
    )  # fmt: skip
    return written(event, own_text(post_id))


def found(events: Sequence[CaseEvent], verdicts: Sequence[Verdict], **changes: Any) -> Judged:
    return judged(events, verdicts, TERMS._replace(**changes))


def labels(outcome: Judged) -> list[dict[str, int | None]]:
    return [dict(row.labels) for row in outcome.rows]


TOXIC = ("toxic", "nl")


def undecided(outcome: Judged) -> bool:
    """Whether its one post counts as decided by nobody, and as what the label does not say."""
    return labels(outcome) == [{"toxic": 0}] and outcome.limits == {TOXIC: Limits(0.8, undecided=1)} and not outcome.left_out


def precision(outcome: Judged, label: str = "toxic", threshold: float = 0.0) -> float:
    """Of the rows from a threshold on."""
    here = [row.labels[label] or 0 for row in outcome.rows if label in row.labels and (row.scores or {})[label] >= threshold]
    return sum(here) / len(here)


def test_without_a_label_a_verdict_under_an_act_of_the_machine_means_the_gravest_suspicion() -> None:
    """Its task names that first, whatever the machine has acted for."""
    reasons = (
        Reason(rule="remove", label="toxic", probability=0.99, threshold=0.95),
        Reason(rule="look", label="threat", probability=0.5, threshold=0.3),
    )
    event = case_event("p", action=Action.REMOVE, pending=True, automation=Automation.PARTIAL, reasons=reasons)
    assert labels(found([event], [said(event)])) == [{"toxic": 0, "threat": 1}]
    assert labels(found([event], [said(event, label="toxic")])) == [{"toxic": 1, "threat": 0}]


def test_a_row_has_the_scores_that_the_rule_saw_and_no_text() -> None:
    event = suspected()
    (row,) = found([event], [said(event)]).rows
    scores = {"toxic": 0.9, "threat": 0.0, "spam": 0.0}
    assert row == LabelledRow(language="nl", labels={"toxic": 1}, scores=scores, model_version="tiny@1", source="verdicts of reviewers")


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ([{"outcome": Outcome.LIMIT}], [1, 0]),  # without a label: the first, which is the gravest
        ([{"outcome": Outcome.REMOVE, "label": "toxic"}], [0, 1]),
        ([{"outcome": Outcome.REMOVE, "label": "spam"}], [0, 0]),  # restricted, and not for what was suspected
        ([{"outcome": Outcome.ALLOW}], [0, 0]),
        ([{"outcome": Outcome.REMOVE}, {"outcome": Outcome.ALLOW, "reviewer": "bram"}], [0, 0]),
        ([{"outcome": Outcome.REMOVE}, {"outcome": Outcome.LIMIT, "reviewer": "bram"}], [1, 0]),
        ([{"outcome": Outcome.REMOVE}, {"outcome": Outcome.ALLOW, "reviewer": "dave"}], [1, 0]),  # does not speak Dutch
        # Whoever names another label puts it first, whether the verdict counts or not: nobody says which one was meant.
        ([{"outcome": Outcome.ESCALATE, "label": "toxic"}, {"outcome": Outcome.LIMIT, "reviewer": "bram"}], [0, 0]),
        ([{"outcome": Outcome.LIMIT, "label": "spam", "reviewer": "dave"}, {"outcome": Outcome.REMOVE}], [0, 0]),
        ([{"outcome": Outcome.LIMIT, "label": "threat", "reviewer": "dave"}, {"outcome": Outcome.REMOVE}], [1, 0]),
    ],
)
def test_a_label_holds_if_all_who_could_judge_name_it(given: list[dict[str, Any]], holds: list[int]) -> None:
    event = suspected("p", ("threat", 0.9, 0.8), ("toxic", 0.7, 0.6))
    assert labels(found([event], [said(event, **each) for each in given])) == [{"threat": holds[0], "toxic": holds[1]}]


@pytest.mark.parametrize("outcome", [Outcome.ALLOW, Outcome.REMOVE])
@pytest.mark.parametrize("changes", [{"reviewer": "dave"}, {"reviewer": "nobody"}, {"reviewer": "simulated-nl-1"}, {"revision": 2}])
def test_whatever_the_outcome_a_verdict_needs_the_language_and_the_revision(outcome: Outcome, changes: dict[str, Any]) -> None:
    event = suspected()
    assert undecided(found([event], [said(event, outcome, **changes)]))


@pytest.mark.parametrize("digest", [None, "another"])
def test_to_restrict_needs_the_conversation_and_to_allow_does_not(digest: str | None) -> None:
    event = suspected()
    assert undecided(found([event], [said(event, Outcome.REMOVE, context_digest=digest)]))
    assert labels(found([event], [said(event, Outcome.ALLOW, context_digest=digest)])) == [{"toxic": 0}]
    assert labels(found([event], [said(event, Outcome.ALLOW, context_digest=digest), said(event)])) == [{"toxic": 0}]


def test_tools_that_seldom_say_what_they_showed_do_not_make_the_machine_look_better() -> None:
    """Of what is allowed half comes without a digest, of what is restricted a tenth: to ask it of both would show 91% for 85%."""
    truth = {f"p{number}": draw("truth", f"p{number}") < 0.85 for number in range(3000)}
    events = [suspected(name) for name in truth]
    verdicts = [
        said(
            event,
            Outcome.REMOVE if truth[event.post.post_id] else Outcome.ALLOW,
            context_digest=event.context.digest
            if draw("shown", event.post.post_id) < (0.9 if truth[event.post.post_id] else 0.5)
            else None,
        )
        for event in events
    ]
    assert precision(found(events, verdicts)) <= sum(truth.values()) / len(truth)


def test_neither_counts_a_conversation_with_gaps_nor_who_does_not_judge() -> None:
    gaps, handed_on = suspected("gaps", complete=False), suspected("handed-on")
    verdicts = [
        said(gaps), said(handed_on, Outcome.CANNOT_JUDGE, cannot_judge=CannotJudge.CONTEXT), said(handed_on, Outcome.ESCALATE)
    ]  # fmt: skip
    outcome = found([gaps, handed_on], verdicts)
    assert (labels(outcome), outcome.limits) == ([{"toxic": 0}] * 2, {TOXIC: Limits(0.8, undecided=2)})


def test_what_nobody_decided_does_not_make_the_machine_look_better() -> None:
    """Of what it finds 85% is right, and of what is allowed only a third is decided in time: what is decided would show 94%."""
    truth = {f"p{number}": draw("truth", f"p{number}") < 0.85 for number in range(3000)}
    events = [suspected(name) for name in truth]
    verdicts = [
        said(event, Outcome.REMOVE if truth[event.post.post_id] else Outcome.ALLOW)
        for event in events
        if truth[event.post.post_id] or draw("decided", event.post.post_id) < 1 / 3
    ]
    outcome = found(events, verdicts)
    assert precision(outcome) <= sum(truth.values()) / len(truth)
    assert outcome.limits[TOXIC].undecided == len(events) - len(verdicts)


@pytest.mark.parametrize(
    ("event", "changes", "why"),
    [
        (suspected(), {"models": {"tiny@2"}}, LeftOut.MODEL),
        (suspected(unassessed=(Unassessed.LANGUAGE_UNKNOWN,)), {}, LeftOut.UNASSESSED),
        (suspected(), {"before": NOW - DAY}, LeftOut.YOUNG),
        (suspected(), {"policies": {}}, LeftOut.POLICY),
        (acted("p", 0.95), {"policies": {}}, LeftOut.POLICY),
    ],
)
def test_what_is_no_row_is_counted_with_its_reason(event: CaseEvent, changes: dict[str, Any], why: LeftOut) -> None:
    outcome = found([event], [said(event)], **changes)
    assert (outcome.rows, outcome.left_out) == ([], {why: 1})


def test_want_of_evidence_leaves_nothing_out() -> None:
    event = suspected(unassessed=(Unassessed.NO_CALIBRATION, Unassessed.MEDIA))
    assert labels(found([event], [said(event)])) == [{"toxic": 1}]


@pytest.mark.parametrize(
    "event",
    [
        case_event("allowed", audit=True),
        case_event("drawn as unassessed", reasons=(Reason(rule="media"),)),
        case_event("deleted", kind=CaseEventKind.DELETED),
    ],
    ids=lambda event: event.post.post_id,
)
def test_posts_that_no_rule_for_a_label_found_for_people_are_none_of_the_population(event: CaseEvent) -> None:
    assert found([event], [said(event, label="toxic")]) == Judged([], {}, set(), Counter())


def test_what_the_machine_did_alone_and_nobody_was_to_see_is_no_row_whoever_appeals() -> None:
    event = acted("not drawn", 0.95, audit=False)
    assert found([event], [said(event)]) == Judged([], {TOXIC: Limits(0.6)}, set(), Counter())


def test_of_a_post_one_revision_counts_once() -> None:
    first, again, edit = suspected(), suspected(), replace(suspected(), post=replace(suspected().post, revision=2))
    assert len(found([first, again, edit], [said(first), said(edit)]).rows) == 1


def test_copies_of_a_text_are_one_row() -> None:
    texts = ["Jij bent @piet een ezel!!!", "jij bent een EZEL", "Jij bent een ezel https://example.org/1", "jij bent geen ezel"]
    events = [written(suspected(f"p{n}"), text) for n, text in enumerate(texts)]
    outcome = found(events, [said(event) for event in events])
    assert (len(outcome.rows), outcome.left_out) == (2, {LeftOut.COPY: 2})


@pytest.mark.parametrize("text", ["", "!!!", "https://example.org"])
def test_texts_without_words_are_told_from_others(text: str) -> None:
    events = [written(suspected("p"), text), written(suspected("q"), "???")]
    assert len(found(events, [said(event) for event in events]).rows) == 2


def test_a_text_that_is_sent_often_has_no_more_weight_than_another_where_the_audit_draws() -> None:
    """20 texts that are sent 50 times each, on which the machine is right, and 1,000 on which it is not."""
    sent = {f"c{n}": n % 20 for n in range(1000)}
    copies = [written(acted(name, 0.95, audit=draw("audit", name) < 0.25), own_text(f"copy {text}")) for name, text in sent.items()]
    others = [acted(f"o{n}", 0.95, audit=draw("audit", f"o{n}") < 0.25) for n in range(1000)]
    verdicts = [*(said(event) for event in copies), *(said(event, Outcome.ALLOW) for event in others)]
    assert precision(found([*copies, *others], verdicts)) == pytest.approx(20 / 1020, abs=0.02)


def test_rows_say_nothing_below_the_highest_threshold_from_which_people_saw_everything() -> None:
    early, late = suspected("early", ("toxic", 0.9, 0.8)), suspected("late", ("toxic", 0.9, 0.85), ("toxic", 0.9, 0.6))
    assert found([early, late], []).limits == {TOXIC: Limits(0.8, undecided=2)}


def test_the_precision_of_the_rows_is_that_of_all_posts_that_the_rule_finds() -> None:
    """People see what lies from .6 to .9, and a quarter of what the machine limits from .9 on; the model is worst in the middle."""
    truth: dict[str, tuple[float, bool]] = {}
    for number in range(6000):
        name = f"p{number}"
        score = round(0.6 + 0.4 * draw("score", name), 4)
        truth[name] = score, draw("truth", name) < (0.9 if score > 0.95 or score < 0.7 else 0.3)
    events, verdicts = [], []
    for name, (score, holds) in truth.items():
        event = acted(name, score, audit=draw("audit", name) < 0.25) if score >= 0.9 else suspected(name, ("toxic", score, 0.6))
        events.append(event)
        verdicts.append(said(event, Outcome.REMOVE if holds else Outcome.ALLOW))
    rows = found(events, verdicts).rows
    for threshold in (0.6, 0.75, 0.9, 0.95):
        judged_here = [row.labels["toxic"] for row in rows if row.scores and row.scores["toxic"] >= threshold]
        all_here = [holds for score, holds in truth.values() if score >= threshold]
        assert sum(each or 0 for each in judged_here) / len(judged_here) == pytest.approx(sum(all_here) / len(all_here), abs=0.04)
    assert len(rows) == pytest.approx(1500, rel=0.1)


def policies(**audit: Any) -> dict[str, Policy]:
    """The one version, with another audit."""
    changed = Policy.model_validate({**POLICY.model_dump(), "audit": {"seed": "s", **audit}} if audit else POLICY.model_dump())
    return {changed.id: changed}


UNSEEN_POLICIES = {
    "no audit": policies(),
    "no rule of the audit fits": policies(rules=[{"id": "a", "languages": ["en"], "share": 0.5}]),
    "a share of 0": policies(rules=[{"id": "a", "actions": ["limit"], "share": 0}, {"id": "b", "share": 0.5}]),
}


@pytest.mark.parametrize("named", UNSEEN_POLICIES)
def test_where_the_machine_acts_and_nobody_ever_looks_there_are_no_rows(named: str) -> None:
    """The model is right below .9 and wrong above, where the machine acts: of the part below alone, all would look well."""
    below = [suspected(f"b{n}", ("toxic", 0.7, 0.6)) for n in range(100)]
    others = [suspected(f"s{n}", ("spam", 0.7, 0.6)) for n in range(10)]
    above = [acted(f"a{n}", 0.95, audit=False) for n in range(100)]
    outcome = found([*below, *others, *above], [said(event) for event in (*below, *others)], policies=UNSEEN_POLICIES[named])
    assert (outcome.unseen, outcome.left_out) == ({TOXIC}, {LeftOut.UNSEEN: 100})
    assert [tuple(row.labels) for row in outcome.rows] == [("spam",)] * 10


def test_nor_where_what_the_machine_did_is_of_a_policy_version_that_is_not_at_hand() -> None:
    below, above = suspected("b", ("toxic", 0.7, 0.6)), acted("a", 0.95, audit=False)
    above = replace(above, proposal=replace(above.proposal, policy_version="house@0"))
    assert found([below, above], [said(below)]) == Judged([], {TOXIC: Limits(0.6)}, {TOXIC}, Counter({LeftOut.UNSEEN: 1}))


@pytest.mark.parametrize("kind", [CaseEventKind.OPENED, CaseEventKind.EDITED])
def test_what_was_not_drawn_says_the_share_as_well(kind: CaseEventKind) -> None:
    """An audit of a hundredth that has drawn nothing yet: then of the rest a hundredth is a row, too."""
    events = [suspected(f"t{n}", ("toxic", 0.7, 0.6)) for n in range(1000)]
    alone = acted("machine", 0.95, audit=False)
    outcome = found(
        [*events, replace(alone, kind=kind)],
        [said(event) for event in events],
        policies=policies(rules=[{"id": "a", "share": 0.01}]),
    )
    assert 1 <= len(outcome.rows) <= 30
    assert outcome.left_out == {LeftOut.THINNED: 1000 - len(outcome.rows)}


def test_only_where_the_machine_acts_are_posts_thinned() -> None:
    events = [acted("machine", 0.95), *(suspected(f"t{n}", ("toxic", 0.7, 0.6)) for n in range(400))]
    events += [suspected(f"s{n}", ("spam", 0.7, 0.6)) for n in range(40)]
    outcome = found(events, [said(event, Outcome.ALLOW) for event in events])
    assert sum("spam" in row.labels for row in outcome.rows) == 40
    thinned = outcome.left_out[LeftOut.THINNED]
    assert thinned == pytest.approx(300, abs=30)
    assert sum("toxic" in row.labels for row in outcome.rows) == 401 - thinned


def test_the_order_of_records_does_not_matter() -> None:
    events = [suspected(f"p{n}") for n in range(20)]
    verdicts = [said(event, Outcome.REMOVE if n % 2 else Outcome.ALLOW) for n, event in enumerate(events)]
    assert found(events, verdicts) == found(events[::-1], verdicts[::-1])
