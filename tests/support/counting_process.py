"""The cases stage with the counting machine, as a process: `python -m tests.support.counting_process INSTANCE`.

In the folder SLUICE_TEST_HOLD, if one is given, a file `hold` makes it stop before it commits: everything of the transaction is in the log
then, and `held` says so. It goes on when `hold` is gone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from agents.edge.cases_runner import CasesAgent, CasesRunner
from agents.edge.failures import StopWorker, stop
from agents.edge.process import check, end_with_parent, log_as, run_stage
from agents.edge.transactions import Transactions
from agents.settings import load
from pipeline.cases.spec import Machine
from tests.support.counting import SPEC

HOLD = os.environ.get("SLUICE_TEST_HOLD")


class Held(Transactions):
    """See the module."""

    def commit(self) -> None:
        """Waits where it is told to."""
        if HOLD and (Path(HOLD) / "hold").exists():
            self.flush()
            (Path(HOLD) / "held").touch()
            while (Path(HOLD) / "hold").exists():
                time.sleep(0.05)
        super().commit()


def size(machine: Machine) -> int:
    """What is measured."""
    return len(machine)


def main() -> None:
    """The command."""
    settings, instance = load(), sys.argv[1]
    log_as(SPEC.name, settings)
    agent = CasesAgent(SPEC, size, lambda sizes: None)
    try:
        runner = CasesRunner(agent, settings, instance, check(agent, settings), Held)
        run_stage(SPEC.name, runner, settings, instance, 0)
    except StopWorker as error:
        stop(error.code, str(error))


if __name__ == "__main__":
    end_with_parent()
    main()
