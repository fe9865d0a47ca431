"""A password is in no log, process list, metric or answer, whether it comes by file or by environment, however much is logged."""

from __future__ import annotations

from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from agents.edge.failures import ExitCode
from schemas.topics import POSTS_INCOMING, POSTS_LANGUAGE
from tests.support.clients import Outgoing
from tests.support.posts_in_flow import has_all, outgoing
from tests.support.secure_kafka import Installation
from tests.support.workers import Process, fetch, worker

pytestmark = pytest.mark.kafka

STAGE = "language"


def password_settings(installation: Installation, by: str) -> dict[str, object]:
    """Settings of the stage, with its password by `file` or by `environment`."""
    given = installation.settings(STAGE)
    if by == "environment":
        del given["sasl_password_file"]
        given["sasl_password"] = installation.kafka.passwords[installation.user(STAGE)]
    return given


def seen_from_outside(process: Process) -> dict[str, str]:
    """What others on the machine and on the network can see of a running worker."""
    family = [psutil.Process(process.pid), *process.descendants()]
    address = process.addresses()[STAGE]
    return {
        "process list": "\n".join(" ".join(each.cmdline()) for each in family),
        "/metrics": fetch(f"{address}/metrics")[1],
        "/healthz": fetch(f"{address}/healthz")[1],
        "log": process.log,
    }


@pytest.mark.parametrize("log_level", ["INFO", "DEBUG"])
@pytest.mark.parametrize("by", ["file", "environment"])
def test_no_password_is_seen_of_a_worker(installation: Installation, tmp_path: Path, by: str, log_level: str) -> None:
    password = installation.kafka.passwords[installation.user(STAGE)]
    given = password_settings(installation, by)
    address, prefix = str(given.pop("broker")), str(given.pop("topic_prefix"))
    with worker(address, prefix, tmp_path, [STAGE], log_level=log_level, **given) as process:
        process.ready([STAGE])
        name = f"{by}-{log_level}"
        installation.topics.produce(POSTS_INCOMING, [outgoing(name, name), Outgoing(b"bad", b"{")])
        installation.topics.read_all(POSTS_LANGUAGE, has_all({name}))
        seen = seen_from_outside(process)
        assert process.stop() == ExitCode.OK, process.log[-2000:]
        seen["log to the end"] = process.log
    assert "sluice_posts_in_total" in seen["/metrics"]
    assert "agents.edge.process" in seen["process list"]
    for where, text in seen.items():
        assert password not in text, where


def test_no_password_is_in_what_a_wrong_setting_makes_a_worker_say(installation: Installation, tmp_path: Path) -> None:
    password = "a-password-of-nobody"
    wrong = {"security_protocol": "SASL_SSL", "sasl_username": "", "sasl_password": password, "ssl_ca_file": tmp_path / "none.pem"}
    for number, changed in enumerate(({}, {"sasl_username": "nobody"}, {"sasl_mechanism": "SCRAM"})):
        with worker("127.0.0.1:1", "t.", tmp_path / str(number), [STAGE], **{**wrong, **changed}) as process:
            assert process.wait() == ExitCode.CONFIG, process.log
        assert password not in process.log
