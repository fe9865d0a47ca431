"""Which task is looked at first: one formula."""

from __future__ import annotations

import datetime as dt
import math

from pipeline.policy.rules import reach_weight
from schemas.cases import CaseState, Purpose
from schemas.people import Channel

_HEARD = {Channel.USER: 0, Channel.TRUSTED_FLAGGER: 10, Channel.AUTHORITY: 10}


def priority(case: CaseState, purpose: Purpose, waited: dt.timedelta, level: dt.timedelta) -> int:
    """0 (can wait) to 100:

    0.5 * weight + 3 * min(log10(1 + reach), 6) + 20 * min(waited / level, 2) + 4 * min(log2(distinct reporters), 4)
    + 10 for a trusted flagger or an authority + 15 for an appeal + 30 in a named queue

    `weight`: the severity of what is suspected, 0 to 100. `waited`: since people were first asked. `level`: the time within which they
    should answer. An audit counts like any other task: a number that only audits have would tell them apart.
    """
    reporters = len({reporter.reporter_key for reporter in case.reporters})
    points = (
        0.5 * case.weight
        + 3 * reach_weight(case.reach)
        + 20 * min(waited / level, 2.0)
        + 4 * min(math.log2(max(1, reporters)), 4.0)
        + max((_HEARD[reporter.channel] for reporter in case.reporters), default=0)
        + (15 if case.appeal else 0)
        + (30 if purpose is Purpose.QUEUE else 0)
    )
    return max(0, min(100, round(points)))
