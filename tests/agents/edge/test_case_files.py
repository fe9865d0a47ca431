"""Where the case files of a partition number lie, without a broker; how they are read is tested in tests/integration/test_owners.py."""

from __future__ import annotations

import pytest

from agents.edge.case_files import FILE, CaseFiles
from agents.edge.failures import ExitCode, StopWorker


@pytest.fixture
def files() -> CaseFiles:
    """As restored: of four posts, two of which have a file."""
    found = CaseFiles({}, "files", 3)
    found.load("first", [(FILE, b"5")])
    found.load("last", [(FILE, b"9")])
    found.load("erased", [])
    found.load("over", [(FILE, b"70")])
    found.load("over", None)
    return found


@pytest.mark.parametrize(("start", "end"), [(0, 10), (5, 10), (0, 100)], ids=["as it was", "begins with the first", "goes on"])
def test_files_within_the_log_are_well(files: CaseFiles, start: int, end: int) -> None:
    files.check(start, end)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0, 9, "the case files of 1 posts (that of last at 9) are not in the log, which goes from 0 to before 9"),
        (0, 0, "the case files of 2 posts (that of first at 5) are not in the log, which goes from 0 to before 0"),
        (6, 10, "the case files of 1 posts (that of first at 5) are not in the log, which goes from 6 to before 10"),
    ],
    ids=["shorter", "empty", "cut off at its start"],
)
def test_files_outside_the_log_are_lost(files: CaseFiles, start: int, end: int, said: str) -> None:
    with pytest.raises(StopWorker) as stopped:
        files.check(start, end)
    assert stopped.value.code is ExitCode.LOST
    assert str(stopped.value).startswith(f"files[3]: {said}: was the topic made anew")


def test_without_files_there_is_nothing_to_lose() -> None:
    found = CaseFiles({}, "files", 3)
    found.load("erased", [])
    found.check(7, 7)
