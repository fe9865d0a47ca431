"""`sluice worker`: runs stages until it is told to stop."""

from __future__ import annotations

import logging
import signal
import sys
from typing import Annotated

import typer

from agents.cli.common import Broker, clear_errors, settings_for
from agents.edge.supervisor import Supervisor
from pipeline.config import ConfigError
from pipeline.flow import STAGES

ALL = ",".join(STAGES)
Stages = Annotated[str, typer.Option("--stages", metavar="NAMES", help="Which stages to run, separated by commas.")]


def worker(broker: Broker = None, stages: Stages = ALL) -> None:
    """Run stages, a process each; what dies is started again. SIGTERM or Ctrl-C ends it, with nothing lost.

    Settings come from the environment (SLUICE_...) or the file named in SLUICE_CONFIG. Several workers share the load:
    start another one on this host or elsewhere.
    """
    with clear_errors():
        settings = settings_for(broker)
        supervisor = Supervisor(chosen(stages), settings, {"broker": settings.broker})
    logging.basicConfig(format="%(asctime)s %(levelname)s worker: %(message)s", level=settings.log_level, stream=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.request_stop)
    sys.exit(supervisor.run())


def chosen(names: str) -> list[str]:
    """The named stages in the order of the flow. Raises ConfigError for one that does not exist."""
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in STAGES:
            raise ConfigError(f"command line: --stages: there is no stage {name!r}; allowed are {', '.join(STAGES)}")
    return [stage for stage in STAGES if stage in wanted]
