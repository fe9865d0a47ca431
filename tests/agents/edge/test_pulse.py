"""Which partitions are silent, told from looks at when each was last heard of."""

from __future__ import annotations

from faust.types import TP

from agents.edge.pulse import SILENT_LOOKS, Silence

ONE, TWO = TP("in", 1), TP("in", 2)


def test_a_partition_is_silent_when_nothing_new_was_heard_of_it_for_some_looks() -> None:
    silence: Silence[TP] = Silence()
    found = [silence.look({ONE: look, TWO: None}) for look in range(SILENT_LOOKS + 3)]
    assert found == [[]] * SILENT_LOOKS + [[TWO]] * 3
    assert silence.look({ONE: SILENT_LOOKS + 3, TWO: 5}) == []


def test_one_that_is_given_away_or_held_back_is_not() -> None:
    silence: Silence[TP] = Silence()
    for _ in range(SILENT_LOOKS):
        assert silence.look({ONE: 5}) == []
    assert silence.look({}) == []
    assert silence.look({ONE: 5}) == []
