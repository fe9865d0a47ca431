"""Verdicts of reviewers as labelled rows: how often people find what a label's rule has found.

Which posts people see follows from their scores, so verdicts are no sample of all posts. They are one of the posts that reached a rule
for the label: where the machine may not act alone people see all of these, and where it may, the audit draws a share of them. Of such
posts, from the rule's threshold on, precision is just what a band promises; the rows bound it as they are, so without a prevalence, which
is for collections.

- **One revision** of a post, the first: rows must not hang together.
- **One row for a text** in a label and language: copies are judged alike, and bounds are of rows that do not hang together. Of all posts
  with the text, seen or not, a hash takes one; if people were not to see that one, the text is no row. So precision is that of distinct
  texts.
- **Rate.** In a label and language of which people see only a share of some posts, the others are thinned to that share, by hash. What the
  machine restricts alone is handed over whether it was drawn or not, so all of it says which share: of the drawn alone nobody would learn
  of a part that is never drawn.
- **Unseen.** Where that share is 0 or not known, people see a part only, and nothing says how the rest would be: no rows.
- **Floor.** Below the threshold of the rule there are no such posts, so no band may open there.
- **What the machine allowed is no row**, though the audit draws it: it lies below the thresholds, and a rate of false alarms measured on
  it would be none, whatever the model is like.
- **Who reports or appeals brings no post in**: they choose by what it says. On a post that is in, verdicts that they led to count too.
- **A verdict counts** where it would settle the post: its reviewer is on the roster and speaks the language, the conversation is whole,
  and, to restrict, it was shown. To allow counts without: then nobody asks again. Nobody simulated counts.
- **The label holds** if every verdict that counts restricts the post and names it. Allowed, restricted for something else, disputed: it
  does not. A verdict that names no label means the first that is suspected, unless any verdict on the post, counting or not, has named
  another: that one stands first from then on.
- **Undecided** posts are rows for which no label holds. Who judges what, and how soon, depends on what posts say; whatever would have come
  of them, precision is no lower than that.
- **Time.** What is urgent is decided first, and what is grave is urgent; so posts that are younger than the longest service level are left
  out.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.ids import draw
from pipeline.policy.policy import Policy
from pipeline.policy.roster import SIMULATED, Roster
from pipeline.routing.judge import MACHINE_MAY_ACT_DESPITE
from pipeline.scoring.evaluation.copies import same_text
from pipeline.scoring.evaluation.rows import Judgement, LabelledRow, Limits
from schemas.cases import CaseEvent, CaseEventKind
from schemas.people import Outcome, Verdict
from schemas.records import RESTRICTS, Decision, Language, Unassessed

SOURCE = "verdicts of reviewers"

ASSESSED = MACHINE_MAY_ACT_DESPITE | {Unassessed.NO_CALIBRATION}
"""Despite these the machine may act alone; want of evidence is what the rows are to end."""

_RESTRICTING = frozenset({Outcome.LIMIT, Outcome.REMOVE})
_JUDGING = frozenset({Outcome.ALLOW, *_RESTRICTING})

Cell = tuple[str, str]
"""Label and language."""


class LeftOut(enum.Enum):
    """Why a post that reached a rule is no row, in words for an operator."""

    MODEL = "scored by another model"
    UNASSESSED = "not assessed so that the machine might act alone"
    YOUNG = "younger than the longest service level"
    POLICY = "decided by a policy version that is not at hand"
    UNSEEN = "of a label and language in which people do not get to see a share of everything"
    COPY = "copies of a text, of which another stands for it"
    THINNED = "thinned to the share that the audit draws"


class Reached(NamedTuple):
    """A label of a post: its probability, and the lowest threshold of a rule for it that this reached."""

    probability: float
    threshold: float


class Suspicion(NamedTuple):
    """A post that a label's rule sent to people or that the machine restricted. `seen`: people were to look at it, for such a rule or since
    the audit drew it. `shown`: the digest of its conversation; None where that is not complete. `text`: a digest that its copies share.
    """

    proposal: Decision
    language: Language
    seen: bool
    shown: str | None
    text: bytes
    labels: dict[str, Reached]


class Terms(NamedTuple):
    """What events and verdicts are read by: who reviews, every version of the policy by its id, the model's versions and labels, and the
    time from which on posts are too young.
    """

    roster: Roster
    policies: Mapping[str, Policy]
    models: Collection[str]
    labels: tuple[str, ...]
    before: dt.datetime


class Judged(NamedTuple):
    """Rows, in the order of their posts' ids, what they do not say of each cell, the cells without any since people do not get to see a
    share of everything, and how many posts are no rows.
    """

    rows: list[LabelledRow]
    limits: dict[Cell, Limits]
    unseen: set[Cell]
    left_out: Counter[LeftOut]


@dataclass
class _Reach:
    """What people get to see, per cell: the lowest share of what the machine restricts (`rates`), and from which threshold on."""

    rates: dict[Cell, float] = field(default_factory=dict)
    floors: dict[Cell, float] = field(default_factory=dict)
    unseen: set[Cell] = field(default_factory=set)

    def add(self, post: Suspicion, terms: Terms) -> None:
        """Of whatever age, revision and policy: what people do not see has to be known of."""
        if post.proposal.model_version not in terms.models or not ASSESSED.issuperset(post.proposal.unassessed):
            return
        share = _share(post, terms)
        for label, reached in post.labels.items():
            cell = (label, post.language.tag)
            self.rates[cell] = min(share, self.rates.get(cell, 1.0))
            self.floors[cell] = max(reached.threshold, self.floors.get(cell, 0.0))
            if not share:
                self.unseen.add(cell)


@dataclass
class Given:
    """The verdicts on a post that count, and every label that any verdict on it has named."""

    counting: list[Verdict] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def add(self, verdict: Verdict, *, counting: bool) -> None:
        """One more verdict."""
        if verdict.label is not None:
            self.named.add(verdict.label)
        if counting:
            self.counting.append(verdict)


def judged(events: Iterable[CaseEvent], verdicts: Iterable[Verdict], terms: Terms) -> Judged:
    """The rows that verdicts make of what routing handed over."""
    known: dict[str, Suspicion] = {}
    reach = _Reach()
    for event in events:
        if found := suspicion(event):
            reach.add(found, terms)
            known.setdefault(event.post.post_id, found)
    given: defaultdict[str, Given] = defaultdict(Given)
    for verdict in verdicts:
        post = known.get(verdict.post_id)
        if post is not None:
            given[verdict.post_id].add(verdict, counting=counts(verdict, post, terms.roster))
    return _rows(known, given, reach, terms)


def suspicion(event: CaseEvent) -> Suspicion | None:
    """None of an event that is not in the population: no label's rule was reached, or nothing followed from that."""
    proposal = event.proposal
    acted = not proposal.pending and proposal.action in RESTRICTS
    labels: dict[str, Reached] = {}
    for reason in proposal.reasons:
        if reason.label is not None and reason.probability is not None and reason.threshold is not None:
            lowest = min(reason.threshold, labels[reason.label].threshold) if reason.label in labels else reason.threshold
            labels[reason.label] = Reached(reason.probability, lowest)
    if event.kind is CaseEventKind.DELETED or not (proposal.pending or acted) or not labels:
        return None
    shown = event.context.digest if event.context.complete else None
    return Suspicion(proposal, event.language, proposal.pending or event.audit, shown, same_text(event.post.text), labels)


def counts(verdict: Verdict, of: Suspicion, roster: Roster) -> bool:
    """Whether it is a judgement that settles the post. As in the cases stage, a restriction must have been shown the conversation, else
    another person is asked; what a speaker allows stays allowed.
    """
    reviewer = roster.reviewer(verdict.reviewer)
    if reviewer is None or reviewer.id.startswith(SIMULATED) or verdict.outcome not in _JUDGING or verdict.revision != of.proposal.revision:
        return False
    if not reviewer.speaks(of.language) or of.shown is None:
        return False
    return verdict.outcome is Outcome.ALLOW or verdict.context_digest == of.shown


def _rows(known: Mapping[str, Suspicion], given: Mapping[str, Given], reach: _Reach, terms: Terms) -> Judged:
    left_out = Counter[LeftOut]()
    shares: dict[str, float] = {}
    for name, post in known.items():
        share = _eligible(post, terms)
        if not isinstance(share, LeftOut):
            shares[name] = share
        elif post.seen:
            left_out[share] += 1
    first = _firsts(known, shares)
    rows, undecided = [], Counter[Cell]()
    for name, share in sorted(shares.items()):
        post, said = known[name], given.get(name, Given())
        if not post.seen:
            continue
        labels = _sampled(name, share, post, first, reach)
        if isinstance(labels, LeftOut):
            left_out[labels] += 1
            continue
        unnamed = _first_of_task(post, terms)
        rows.append(_row(post, {label: _holds(label, unnamed, said) for label in labels}, terms.labels))
        if not said.counting:
            undecided.update((label, post.language.tag) for label in labels)
    limits = {cell: Limits(floor, undecided[cell]) for cell, floor in reach.floors.items()}
    return Judged(rows, limits, reach.unseen, left_out)


def _firsts(known: Mapping[str, Suspicion], names: Iterable[str]) -> dict[tuple[str, str, bytes], str]:
    """Which post stands for a text, per label and language. By another hash than thinning, which else would keep texts with many copies."""
    first: dict[tuple[str, str, bytes], str] = {}
    for name in sorted(names, key=lambda each: (draw("evidence-copy", each), each)):
        post = known[name]
        for label in post.labels:
            first.setdefault((label, post.language.tag, post.text), name)
    return first


def _sampled(name: str, share: float, post: Suspicion, first: Mapping[tuple[str, str, bytes], str], reach: _Reach) -> list[str] | LeftOut:
    """The labels for which the post is a row, or why for none."""
    usable = [label for label in post.labels if (label, post.language.tag) not in reach.unseen]
    if not usable:
        return LeftOut.UNSEEN
    standing = [label for label in usable if first[label, post.language.tag, post.text] == name]
    if not standing:
        return LeftOut.COPY
    drawn = draw("evidence", name) * share
    return [label for label in standing if drawn < reach.rates.get((label, post.language.tag), 1.0)] or LeftOut.THINNED


def _eligible(post: Suspicion, terms: Terms) -> float | LeftOut:
    """Of posts like this one, how many people get to see; or why it is none of those that rows may be of."""
    proposal = post.proposal
    if proposal.model_version not in terms.models:
        return LeftOut.MODEL
    if not ASSESSED.issuperset(proposal.unassessed):
        return LeftOut.UNASSESSED
    if proposal.received_at >= terms.before:
        return LeftOut.YOUNG
    if proposal.policy_version not in terms.policies:
        return LeftOut.POLICY
    return _share(post, terms)


def _share(post: Suspicion, terms: Terms) -> float:
    """0 also where nobody knows."""
    proposal = post.proposal
    if proposal.pending:
        return 1.0
    policy = terms.policies.get(proposal.policy_version)
    if policy is None or policy.audit is None:
        return 0.0
    return policy.audit.share(post.language.tag, proposal.market, next(iter(post.labels)), proposal.action)


def _first_of_task(post: Suspicion, terms: Terms) -> str:
    """The label that comes first in its case: the gravest where people look, else the one for which the machine acted."""
    policy = terms.policies.get(post.proposal.policy_version) if post.proposal.pending else None
    return (policy.gravest_first(post.labels) if policy else tuple(post.labels))[0]


def _holds(label: str, first: str, said: Given) -> Judgement:
    """0 of what nobody decided. A verdict that names no label means `first` of the case, as the cases stage reads it, until another is
    named.
    """
    unnamed = first if said.named <= {first} else None
    return 1 if said.counting and all(each.outcome in _RESTRICTING and (each.label or unnamed) == label for each in said.counting) else 0


def _row(post: Suspicion, labels: dict[str, Judgement | None], of_model: Iterable[str]) -> LabelledRow:
    """Scored as the post was. What was not reached is not judged either, so its score is of no account."""
    scores = dict.fromkeys(of_model, 0.0) | {label: reached.probability for label, reached in post.labels.items()}
    return LabelledRow(language=post.language.tag, labels=labels, scores=scores, model_version=post.proposal.model_version, source=SOURCE)
