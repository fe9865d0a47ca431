"""Prometheus' own judgement of /metrics."""

from __future__ import annotations

import shutil
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from tests.support.java import ROOT

TOOLS = ROOT / "build" / "tools"


def check_metrics(text: str) -> None:
    """AssertionError if `text` is not well-formed, or has what `promtool check metrics` would change.

    promtool is looked for on the PATH and in build/tools. Where it is not installed, Prometheus' Python parser alone judges.
    """
    assert list(text_string_to_metric_families(text))
    promtool = shutil.which("promtool") or shutil.which("promtool", path=str(TOOLS))
    if promtool is None:
        return
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, f"promtool says:\n{done.stdout}{done.stderr}"
