"""One stage in one process: `python -m agents.edge.process STAGE INSTANCE PORT`. `sluice worker` starts these; nobody else has to."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

import faust
from aiokafka.errors import KafkaError

from agents.edge.app import consumer_group
from agents.edge.failures import ExitCode, stop, stop_for
from agents.edge.logs import limit_repetition, logged
from agents.edge.membership import ended
from agents.edge.preflight import Needs, preflight
from agents.edge.pulse import Pulse
from agents.edge.runner import Agent, Runner
from agents.edge.security import client_config
from agents.edge.watchdog import Watchdog, serve
from agents.settings import Settings, load
from pipeline.config import ConfigError
from pipeline.stage import StageSpec
from schemas.topics import DEAD_LETTERS, Topic

if TYPE_CHECKING:
    from agents.edge.cases_runner import CasesAgent

LOG_FORMAT = "%(asctime)s %(levelname)s {stage} %(name)s: %(message)s"
NOISY = ("faust", "mode", "aiokafka", "asyncio", "agents.edge.transport", "agents.edge.client")
"""The last two: Faust logs as the modules of its subclasses."""

GC_THRESHOLD = 50_000
"""Objects between garbage collections: a batch makes thousands, none of them in a cycle."""


class Running(Protocol):
    """A stage in this process, ready to run."""

    app: faust.App
    pulse: Pulse
    sources: list[str]

    def end(self) -> None:
        """What is to be done when the event loop has ended."""
        ...


def run(stage: str, instance: str, port: int) -> None:
    """Runs until SIGTERM (exit code 0) or a failure (failures.ExitCode)."""
    settings = load()
    log_as(stage, settings)
    agent: Agent[Any] | CasesAgent[Any] = importlib.import_module(f"agents.{stage}").agent(settings)
    partitions = check(agent, settings)
    run_stage(stage, runner_of(agent, settings, instance, partitions), settings, instance, port)


def runner_of(agent: Agent[Any] | CasesAgent[Any], settings: Settings, instance: str, partitions: int) -> Running:
    """What runs the stage. `partitions`: of its (first) topic."""
    if isinstance(agent, Agent):
        return Runner(agent, settings, instance)
    from agents.edge.cases_runner import CasesRunner

    return CasesRunner(agent, settings, instance, partitions)


def log_as(stage: str, settings: Settings) -> None:
    """To standard error; of the libraries, errors alone."""
    logging.basicConfig(format=LOG_FORMAT.format(stage=stage), level=settings.log_level, stream=sys.stderr)
    for name in NOISY:
        logging.getLogger(name).setLevel("DEBUG" if settings.log_level == "DEBUG" else "ERROR")
    if settings.log_level != "DEBUG":
        limit_repetition()


def run_stage(stage: str, runner: Running, settings: Settings, instance: str, port: int) -> None:
    """With its watchdog, /metrics and /healthz."""
    watchdog = Watchdog(stage, runner.pulse, settings.stuck_after_seconds, settings.session_timeout_seconds)
    listening = serve(settings.metrics_host, port, watchdog.health)
    logging.getLogger(__name__).info(
        "reading %s as %s, instance %s; http://%s:%d/metrics", ",".join(runner.sources), consumer_group(settings, stage), instance,
        settings.metrics_host, listening,
    )  # fmt: skip
    watchdog.start()
    execute(runner)


def execute(runner: Running) -> None:
    """Runs the event loop until SIGTERM; whatever ends Faust otherwise ends the process with a code of ours."""
    gc.collect()
    gc.freeze()  # models and modules stay: no collection has to look at them again
    gc.set_threshold(GC_THRESHOLD)
    worker = faust.Worker(runner.app, loglevel="INFO", redirect_stdouts=False, quiet=True, override_logging=False)
    worker.spinner = None  # it writes terminal codes into the log
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        if isinstance(worker.crash_reason, KafkaError):
            stop_for(ended(worker.crash_reason, runner.app.conf.consumer_group_instance_id), "running Faust")
        if end.code:
            stop(ExitCode.BUG, f"Faust ended with {end.code}")
    except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
        stop_for(error, "running Faust")
    runner.end()
    logging.getLogger(__name__).info("ended; nothing is lost")
    os._exit(ExitCode.OK)  # threads of librdkafka and aiokafka need not be waited for


def check(agent: Agent[Any] | CasesAgent[Any], settings: Settings) -> int:
    """Broker, topics and rights. Returns how many partitions the stage's (first) topic has."""
    spec, prefix = agent.spec, settings.topic_prefix
    owned: tuple[Topic, ...] = () if isinstance(spec, StageSpec) else (*spec.inputs, spec.state, spec.files)
    sources = [spec.source] if isinstance(spec, StageSpec) else spec.inputs
    needs = Needs(
        group=consumer_group(settings, spec.name),
        sources=[prefix + topic.name for topic in sources],
        others=[prefix + topic.name for topic in (*spec.outputs, *owned, DEAD_LETTERS)],
        alike=[prefix + topic.name for topic in owned],
    )
    return preflight(logged(client_config(settings)), needs, settings.delivery_timeout_seconds)


def end_with_parent() -> None:
    """The supervisor holds the other end of standard input: when it is gone, however it went, this process ends too."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock would be held when the interpreter ends
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def main() -> None:
    """The command."""
    stage, instance, port = sys.argv[1:]
    end_with_parent()
    try:
        run(stage, instance, int(port))
    except ConfigError as error:
        stop(ExitCode.CONFIG, str(error))
    except (KeyboardInterrupt, SystemExit):  # it was told to end
        raise
    except BaseException as error:  # noqa: BLE001 - its type decides, in failures.py
        stop_for(error, f"starting or ending {stage}")


if __name__ == "__main__":
    main()
