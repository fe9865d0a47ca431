"""When a stage that does nothing is ended, and what /healthz says."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import pytest

from agents.edge.pulse import Pulse
from agents.edge.watchdog import Watchdog, serve
from pipeline.config import ConfigError
from tests.support.workers import fetch


def ticks(per_tick: str, count: int = 8) -> tuple[int, str]:
    """The exit code after `count` ticks of a watchdog that waits 5; `per_tick` happens to the pulse before each."""
    program = f"""
import logging; logging.basicConfig()
from agents.edge.pulse import Pulse
from agents.edge.watchdog import Watchdog
pulse = Pulse(joined=True)
watchdog = Watchdog("language", pulse, 5, 6)
for second in range({count}):
    {per_tick}
    watchdog.tick()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("per_tick", "code", "says"),
    [
        ("pulse.beats += 1", 0, ""),
        ("pulse.outstanding = 3; pulse.beats += 1; pulse.done += 1", 0, ""),
        ("pulse.outstanding = 3; pulse.beats += 1", 71, "language: no progress in 5 s (3 chunks at hand)"),
        ("pass", 71, "no progress"),  # the event loop does not even beat
        ("pulse.joined = False; pulse.beats += 1", 71, "not in the group"),
        ("pulse.rebalancing = True; pulse.beats += 1", 71, "rebalancing"),
        ("pulse.outstanding = 3; pulse.beats += 1; pulse.done += second % 5 == 4", 0, ""),
    ],
    ids=["idle", "busy", "stuck", "blocked", "out of the group", "rebalancing for ever", "slow"],
)
def test_no_progress_with_work_at_hand_ends_the_stage(per_tick: str, code: int, says: str) -> None:
    ended, said = ticks(per_tick, 20)
    assert ended == code, said
    assert says in said


def health(**pulse: object) -> tuple[bool, object]:
    made = Pulse(joined=True, partitions=4)
    for name, value in pulse.items():
        setattr(made, name, value)
    ok, report = Watchdog("language", made, 10, 6).health()
    return ok, report["status"]


def test_health_says_what_is_wrong() -> None:
    assert health() == (True, "ok")
    assert health(joined=False) == (False, "joining the group")
    assert health(rebalancing=True) == (False, "joining the group")
    assert health(commit_age=61.0) == (False, "not committing")
    assert health(silent=("in[0]",)) == (False, "partition not answering")
    assert health(measured=time.monotonic() - 16) == (False, "event loop blocked")


def test_health_notices_early_that_nothing_moves() -> None:
    watchdog = Watchdog("language", Pulse(joined=True, outstanding=1), 10, 6)
    for _ in range(6):
        watchdog.tick()
    ok, report = watchdog.health()
    assert (ok, report["status"], report["seconds_without_progress"]) == (False, "no progress", 6)


def second(watchdog: Watchdog, pulse: Pulse, *, answered: bool, beats: bool = True) -> str:
    """A second goes by; the status after it."""
    pulse.answers += answered
    pulse.beats += beats
    pulse.measured = time.monotonic()
    watchdog.tick()
    return str(watchdog.health()[1]["status"])


@pytest.mark.parametrize(("session", "limit"), [(6, 10), (30, 30)])
def test_a_silent_broker_is_told_once_and_its_return_once(session: float, limit: int, caplog: pytest.LogCaptureFixture) -> None:
    pulse = Pulse(joined=True)
    watchdog = Watchdog("language", pulse, 1000, session)
    with caplog.at_level("INFO"):
        assert [second(watchdog, pulse, answered=True) for _ in range(3)] == ["ok"] * 3
        assert [second(watchdog, pulse, answered=False) for _ in range(limit)] == ["ok"] * limit
        assert not caplog.messages
        assert [second(watchdog, pulse, answered=False) for _ in range(5)] == ["no broker"] * 5
        assert watchdog.health()[1]["seconds_without_broker"] == limit + 5
        assert second(watchdog, pulse, answered=True) == "ok"
        assert second(watchdog, pulse, answered=True) == "ok"
    assert caplog.messages == [
        f"no broker answers for {limit + 1} s; waiting, nothing is lost",
        f"the broker answers again, after {limit + 5} s",
    ]


def test_neither_a_long_rebalance_nor_a_blocked_event_loop_is_a_silent_broker() -> None:
    pulse = Pulse(joined=True)
    watchdog = Watchdog("language", pulse, 1000, 6)
    for _ in range(20):
        second(watchdog, pulse, answered=False, beats=False)
    pulse.rebalancing = True
    assert [second(watchdog, pulse, answered=False) for _ in range(20)] == ["joining the group"] * 20
    assert watchdog.silent_ticks == 0


def test_metrics_and_health_are_served() -> None:
    healthy = True
    port = serve("127.0.0.1", 0, lambda: (healthy, {"status": "x"}))
    address = f"http://127.0.0.1:{port}"
    assert fetch(f"{address}/healthz") == (200, '{"status": "x"}\n')
    healthy = False
    assert fetch(f"{address}/healthz")[0] == 503
    assert "# TYPE sluice_posts_in_total counter" in fetch(f"{address}/metrics")[1]
    assert fetch(f"{address}/")[0] == 404


def test_a_taken_port_is_named() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigError, match=r"metrics_host, metrics_port: cannot listen on .* SLUICE_DATA_DIR .* its own SLUICE_METRICS_PORT"),
    ):
        serve("127.0.0.1", taken.getsockname()[1], lambda: (True, {}))
