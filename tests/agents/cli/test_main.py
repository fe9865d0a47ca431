"""What a command imports: its first process must be up soon, and that of a worker small."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTED = """
import sys
from agents.cli.main import main
sys.argv = ["sluice", *{words}]
try:
    main()
except SystemExit:
    print(*sys.modules)
"""


def imported(*words: str) -> set[str]:
    """Modules, after `sluice` with these words."""
    done = subprocess.run([sys.executable, "-c", IMPORTED.format(words=words)], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["worker", "demo", "score"])
def test_a_command_imports_neither_the_others_nor_faust(command: str) -> None:
    found = imported(command, "-h")
    assert f"agents.cli.{command}" in found
    assert found.isdisjoint({"agents.cli.topics", "faust", "aiokafka", "onnxruntime"})


def test_without_a_command_all_are_there() -> None:
    assert imported("-h") >= {"agents.cli.topics", "agents.cli.worker"}
