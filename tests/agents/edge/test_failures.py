"""How a process ends, and when faults are too many."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.edge.failures import ExitCode, FaultShare, StopWorker


def ended(code: str) -> tuple[int, str]:
    """Exit code and standard error of a program."""
    program = f"import logging; logging.basicConfig()\nfrom agents.edge.failures import *\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_stop_ends_the_process_from_any_thread_at_once() -> None:
    code, said = ended("import threading; threading.Thread(target=stop, args=(ExitCode.STUCK, 'why')).start(); threading.Event().wait()")
    assert code == 71
    assert "stopping with exit code 71 (STUCK): why" in said


def test_a_stop_worker_brings_its_code_and_anything_else_is_a_bug() -> None:
    assert ended("stop_for(StopWorker(ExitCode.LOST, 'gone'), 'reading')")[0] == 75
    code, said = ended("stop_for(KeyError('x'), 'reading')")
    assert code == 72
    assert "KeyError while reading" in said


def test_few_posts_say_nothing_about_a_share() -> None:
    share = FaultShare()
    share.add(FaultShare.LEAST - 1, FaultShare.LEAST - 1)  # all of them faults, and it goes on
    with pytest.raises(StopWorker, match="100 of the last 100 posts"):
        share.add(1, 1)


def test_too_large_a_share_stops_the_worker() -> None:
    share = FaultShare()
    share.add(100, 50)
    with pytest.raises(StopWorker, match="151 of the last 300 posts could not be handled") as stopped:
        share.add(200, 101)
    assert stopped.value.code == ExitCode.POISONED


def test_only_the_last_posts_count() -> None:
    share = FaultShare()
    for _ in range(20):
        share.add(100, 0)
    with pytest.raises(StopWorker, match="of the last 1000 posts"):  # not of the 3,000 that there were
        for _ in range(10):
            share.add(100, 100)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)).map(lambda pair: (pair[0], min(pair))), max_size=30))
def test_it_stops_exactly_when_faults_prevail_in_its_window(batches: list[tuple[int, int]]) -> None:
    share, seen = FaultShare(), []
    for posts, faults in batches:
        seen.append((posts, faults))
        while sum(each for each, _ in seen[1:]) >= FaultShare.WINDOW:
            seen.pop(0)
        all_posts, all_faults = (sum(pair[place] for pair in seen) for place in (0, 1))
        if all_posts >= FaultShare.LEAST and all_faults > all_posts / 2:
            with pytest.raises(StopWorker):
                share.add(posts, faults)
            return
        share.add(posts, faults)
