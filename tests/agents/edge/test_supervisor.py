"""`sluice worker` as a parent of processes. Where no broker is needed there is none: a stage waits for it as long as it may."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from agents.edge import metrics
from agents.edge.failures import ExitCode
from agents.edge.supervisor import (
    ALONE_AFTER_SECONDS,
    FIRST_BACKOFF_SECONDS,
    HEALTHY_AFTER_SECONDS,
    LAST_BACKOFF_SECONDS,
    Child,
    Slot,
    backoff,
    claim_slot,
    describe,
    word,
)
from agents.settings import load
from pipeline.config import ConfigError
from tests.agents.cli.commands import sluice
from tests.support.kafka import free_ports
from tests.support.promtool import check_metrics
from tests.support.workers import Process, fetch, wait_for, worker


@pytest.fixture
def patient(tmp_path: Path) -> Process:
    """A worker whose two stages wait for a broker that never answers."""
    return worker(f"127.0.0.1:{free_ports(1)[0]}", "nobody.", tmp_path, ("language", "routing"), delivery_timeout_seconds=600)


def stages(process: Process) -> dict[str, psutil.Process]:
    """The running processes of its stages."""
    found = {}
    for child in process.descendants():
        try:
            line = child.cmdline()
        except psutil.NoSuchProcess:
            continue
        if "agents.edge.process" in line:
            found[line[line.index("agents.edge.process") + 1]] = child
    return found


def started(process: Process) -> dict[str, psutil.Process]:
    wait_for(lambda: len(stages(process)) == 2, lambda: process.log, 30)
    return stages(process)


def test_a_killed_stage_starts_again_and_the_other_does_not_notice(patient: Process) -> None:
    with patient as process:
        before = started(process)
        before["language"].kill()
        wait_for(lambda: stages(process).get("language", before["language"]) != before["language"], lambda: process.log, 30)
        assert "stage language ended with SIGKILL; it starts again in 0.5 s" in process.log
        assert stages(process)["routing"] == before["routing"]


def test_each_start_that_fails_waits_longer_and_what_waits_ends_well(tmp_path: Path) -> None:
    broker = f"127.0.0.1:{free_ports(1)[0]}"
    with worker(broker, "nobody.", tmp_path, ("language",), delivery_timeout_seconds=1) as process:
        for seconds in ("0.5", "1.0", "2.0"):
            process.said(f"stage language ended with exit code 69 (UNREACHABLE); it starts again in {seconds} s")
        assert process.stop() == 0


def test_an_unforeseen_error_while_a_stage_starts_is_a_bug_and_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Here its module is not there."""
    with (tmp_path / "log").open("w") as log:
        child = Child("nowhere", Slot(0, "x", None), 0, {"SLUICE_BROKER": "127.0.0.1:1", "SLUICE_DATA_DIR": str(tmp_path)}, log)
        wait_for(lambda: child.look() is not None or "it starts again" in caplog.text, lambda: "it does not end", 30)
        child.stop(deadline=0)
    assert "stage nowhere ended with exit code 72 (BUG); it starts again in 0.5 s" in caplog.text
    assert metrics.REGISTRY.get_sample_value("sluice_restarts_total", {"stage": "nowhere", "code": "bug"}) == 1
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert "No module named 'agents.nowhere'" in said
    assert "stopping with exit code 72 (BUG): ModuleNotFoundError while starting or ending nowhere" in said


def test_sigterm_ends_the_stages_and_then_the_worker(patient: Process) -> None:
    with patient as process:
        children = started(process)
        process.signal(signal.SIGTERM)
        assert process.wait(25) == 0
        assert not [child for child in children.values() if child.is_running()]


def test_the_stages_end_when_the_worker_is_killed(patient: Process) -> None:
    with patient as process:
        children = list(started(process).values())
        process.signal(signal.SIGKILL)
        process.wait()
        assert not psutil.wait_procs(children, timeout=20)[1]


def test_what_no_restart_mends_ends_the_worker(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("name = 1", encoding="utf-8")
    broker = f"127.0.0.1:{free_ports(1)[0]}"
    with worker(broker, "nobody.", tmp_path, ("language", "routing"), delivery_timeout_seconds=600, policy=policy) as process:
        assert process.wait() == 78
        assert f"{policy}: name: " in process.log
        assert not process.descendants()


def test_an_unknown_stage_is_refused(tmp_path: Path) -> None:
    with worker("127.0.0.1:1", "nobody.", tmp_path, ("language", "langauge")) as process:
        assert process.wait() == 2
        assert "there is no stage 'langauge'; allowed are language, scoring, routing" in " ".join(process.log.split())


# Slots ---------------------------------------------------------------------------------------------------------------


def hold(folder: Path) -> subprocess.Popen[str]:
    """Another worker's slot on this host, held by a process of its own."""
    program = f"""
import sys, pathlib
from agents.edge.supervisor import claim_slot
from agents.settings import load
slot = claim_slot(load(data_dir=pathlib.Path({str(folder)!r})))
print(slot.instance, flush=True)
sys.stdin.read()
"""
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_workers_on_one_host_have_numbers_which_come_back(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        assert first.stdout
        name = first.stdout.readline().strip()
        slot = claim_slot(load(data_dir=tmp_path))
        assert (slot.number, slot.instance) == (1, name.removesuffix("0") + "1")
        first.kill()
        first.wait()
        assert claim_slot(load(data_dir=tmp_path)).instance == name


def test_a_name_is_taken_by_one_worker_at_a_time(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, instance="pod-3")
    slot = claim_slot(settings)
    assert (slot.number, slot.instance) == (0, "pod-3")
    with pytest.raises(ConfigError, match="instance: a worker named 'pod-3' runs here already"):
        claim_slot(settings)
    assert slot.lock
    slot.lock.close()
    assert claim_slot(settings).instance == "pod-3"


@pytest.mark.parametrize("instance", [None, "pod-3"])
def test_a_folder_of_no_use_is_refused_in_a_sentence(tmp_path: Path, instance: str | None) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigError, match=rf"^data_dir \(SLUICE_DATA_DIR\): {file} cannot be used: File exists; a folder"):
        claim_slot(load(data_dir=file, instance=instance))
    (tmp_path / f"{instance}.lock").mkdir()
    (tmp_path / f"{socket.gethostname()}-0.lock").mkdir()
    with pytest.raises(ConfigError, match=rf"^data_dir \(SLUICE_DATA_DIR\): {tmp_path} cannot be used: Is a directory"):
        claim_slot(load(data_dir=tmp_path, instance=instance))


def test_a_worker_whose_folder_is_of_no_use_ends_with_78(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = sluice("worker", data_dir=file / "data")
    assert result.exit_code == ExitCode.CONFIG
    assert f"data_dir (SLUICE_DATA_DIR): {file}/data cannot be used: Not a directory; " in result.stderr


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    child = Child("language", Slot(0, "x", None), 0, {"SLUICE_BROKER": "127.0.0.1:1", "SLUICE_DATA_DIR": str(tmp_path)}, None)
    child.process.send_signal(signal.SIGSTOP)  # then it cannot act on SIGTERM
    wait_for(lambda: psutil.Process(child.process.pid).status() == psutil.STATUS_STOPPED, lambda: "it does not stop", 10)
    assert child.stop(deadline=0) == -signal.SIGKILL


def test_a_stage_for_which_there_is_no_room_now_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    child = Child("language", Slot(0, "x", None), 0, {"SLUICE_BROKER": "127.0.0.1:1", "SLUICE_DATA_DIR": str(tmp_path)}, None)
    child.process.kill()
    child.process.wait()

    def looked(at: Callable[[], bool]) -> bool:
        assert child.look() is None
        return at()

    with monkeypatch.context() as without:
        without.setattr(sys, "executable", str(tmp_path / "none"))
        wait_for(lambda: looked(lambda: "stage language cannot start: " in caplog.text), lambda: caplog.text, 10)
    wait_for(lambda: looked(lambda: child.process.poll() is None), lambda: caplog.text, 10)
    child.stop(deadline=0)


@pytest.mark.parametrize(
    ("last", "ran", "code", "expected"),
    [
        (0.0, 1, ExitCode.BUG, FIRST_BACKOFF_SECONDS),
        (4.0, 1, ExitCode.BUG, 8.0),
        (LAST_BACKOFF_SECONDS, 1, ExitCode.BUG, LAST_BACKOFF_SECONDS),
        (4.0, HEALTHY_AFTER_SECONDS + 1, ExitCode.BUG, FIRST_BACKOFF_SECONDS),
        (4.0, HEALTHY_AFTER_SECONDS + 1, ExitCode.FENCED, 8.0),
        (4.0, ALONE_AFTER_SECONDS + 1, ExitCode.FENCED, FIRST_BACKOFF_SECONDS),
    ],
)
def test_back_off(last: float, ran: float, code: int, expected: float) -> None:
    assert backoff(last, ran, code) == expected


def test_a_worker_tells_why_its_stages_are_started_again(patient: Process) -> None:
    with patient as process:
        started(process)["language"].kill()
        process.said("it starts again")
        status, text = fetch(process.said(" tells of their restarts").partition("; ")[2].split(" tells")[0])
        assert status == 200
        check_metrics(text)
        assert 'sluice_restarts_total{code="killed",stage="language"} 1.0' in text
        assert 'sluice_restarts_total{code="killed",stage="routing"} 0.0' in text
        assert 'sluice_restarts_total{code="lost",stage="language"} 0.0' in text
        assert "sluice_posts_total" not in text


def test_a_worker_answers_while_its_stages_still_wait_for_a_broker(patient: Process) -> None:
    with patient as process:
        process.said("no broker answers")
        worker = process.log.partition("; http://")[2].partition("/metrics")[0]
        assert fetch(f"http://{worker}/metrics")[0] == 200
        assert process.addresses() == {}


def test_codes_as_labels() -> None:
    assert [word(code) for code in (-9, ExitCode.LOST, 1)] == ["killed", "lost", "other"]


def test_codes_in_words() -> None:
    assert describe(-9) == "SIGKILL"
    assert describe(75) == "exit code 75 (LOST)"
    assert describe(1) == "exit code 1"
