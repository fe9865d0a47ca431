"""The demo stopped by its user, or by a policy that does not fit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from agents.settings import load
from pipeline.flow import STAGES
from tests.agents.test_routing import DEFAULT
from tests.support.workers import SLUICE

DEMO = [sys.executable, *SLUICE, "demo"]


def test_ctrl_c_is_a_sentence_and_leaves_nothing_behind() -> None:
    process = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert "50 a second" in process.stdout.readline()  # stages run, posts flow
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == len(STAGES)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (130, "interrupted: the demo was ended before it was complete\n")
        assert not psutil.wait_procs(children, timeout=20)[1]
    finally:
        process.kill()
        process.communicate()


def test_a_policy_that_does_not_fit_is_said_before_anything_starts(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    shutil.copytree(load().policy / "evidence", tmp_path / "evidence")
    policy.write_text(DEFAULT.replace("[labels.toxic]", "[labels.toxik]").replace('label = "toxic"', 'label = "toxik"'), encoding="utf-8")
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=60, env=os.environ | {"SLUICE_POLICY": str(policy)}, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("default@2026-11-28.2: label 'toxik' is none of the model's")
