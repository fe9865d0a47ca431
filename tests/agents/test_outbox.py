from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import agents.outbox
from agents.outbox import outbox
from pipeline.config import ConfigError

THINGS = [f"thing-{number}" for number in range(7)]
TOPIC = "decisions"
KILLED = -signal.SIGKILL


def hand_on(folder: Path) -> None:
    """All things that the folder does not know yet, two a file."""
    with outbox(folder, "things", ".txt") as box:
        start = box.positions(TOPIC).get(0, 0)
        for first in range(start, len(THINGS), 2):
            batch = [thing for thing in THINGS[first : first + 2] if not box.has(thing)]
            box.write("\n".join(batch).encode(), batch, TOPIC, {0: first + len(batch)})


def die_at_line(line: int, folder: Path) -> None:
    """Hands on, and is killed before the given line of agents/outbox.py that it runs, counted over all; not if it runs fewer."""
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != agents.outbox.__file__:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    hand_on(folder)
    os._exit(0)


FORKS = multiprocessing.get_context("forkserver")
"""From a process that has no threads: this one may have some, of libraries that other tests use."""
FORKS.set_forkserver_preload([__name__])


def killed_at_line(line: int, folder: Path) -> int | None:
    """How a process ends that does `die_at_line`: 0 if it comes to its end."""
    child = FORKS.Process(target=die_at_line, args=(line, folder))
    child.start()
    child.join()
    return child.exitcode


def taken(folder: Path) -> list[str]:
    """What is in the files that have their names; they are taken away, as by one who hands them on."""
    found = []
    for path in sorted(folder.glob("things-*.txt")):
        found += path.read_text(encoding="utf-8").split()
        path.unlink()
    return found


def test_a_crash_between_any_two_steps_neither_repeats_nor_loses_a_thing(tmp_path: Path) -> None:
    ends = []
    for line in itertools.count(1):
        folder = tmp_path / str(line)
        ends.append(killed_at_line(line, folder))
        found = taken(folder)
        hand_on(folder)
        found += taken(folder)
        assert Counter(found) == Counter(THINGS), f"killed before line {line}"
        assert not list(folder.glob("things-*"))
        if ends[-1] == 0:
            break
    assert set(ends[:-1]) == {KILLED}
    assert len(ends) > 100


def test_files_are_numbered_on_from_the_last_one(tmp_path: Path) -> None:
    for thing in THINGS[:3]:
        with outbox(tmp_path, "things", ".txt") as box:
            box.write(b"", [thing], TOPIC, {0: 1})
        taken(tmp_path)
    with outbox(tmp_path, "things", ".txt") as box:
        assert box.write(b"", ["other"], TOPIC, {}).name == "things-00000004.txt"


def test_positions_are_kept_per_topic_and_partition(tmp_path: Path) -> None:
    with outbox(tmp_path, "things", ".txt") as box:
        box.read_to("a", {0: 5, 3: 7})
        box.write(b"", ["x"], "a", {3: 9})
        box.read_to("b", {0: 1})
    with outbox(tmp_path, "things", ".txt") as box:
        assert (box.positions("a"), box.positions("b"), box.positions("c")) == ({0: 5, 3: 9}, {0: 1}, {})


def test_what_was_written_before_is_refused_with_all_that_comes_with_it(tmp_path: Path) -> None:
    with outbox(tmp_path, "things", ".txt") as box:
        box.write(b"1", ["x"], TOPIC, {0: 1})
        with pytest.raises(ValueError, match="was written before"):
            box.write(b"2", ["y", "x"], TOPIC, {0: 2})
        assert not box.has("y")
        assert box.positions(TOPIC) == {0: 1}
        assert box.write(b"3", ["y"], TOPIC, {0: 2}).read_bytes() == b"3"
    assert [path.name for path in sorted(tmp_path.glob("things-*"))] == ["things-00000001.txt", "things-00000002.txt"]


def test_only_one_process_uses_a_folder(tmp_path: Path) -> None:
    with outbox(tmp_path, "things", ".txt"), pytest.raises(ConfigError, match="in use"), outbox(tmp_path, "things", ".txt"):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"), outbox(tmp_path / "file" / "x", "things", ".txt"):
        pass
