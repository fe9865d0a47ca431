"""`make ops-demo`: prints a table of faults and alerts, leaves pictures of the console pages in build/ops.

`python -m tests.ops.demo WORD...` makes only the faults whose names hold one of the words.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.ops.objectives import read_objectives
from deploy.ops.pages import pages
from deploy.ops.rules import Windows
from pipeline.policy.regions import read_regions
from pipeline.policy.roster import read_roster
from tests.ops.demo.expressions import examine
from tests.ops.demo.faults import FAULTS, Fault, Scene
from tests.ops.demo.stage import REGIONS, Pipeline
from tests.ops.demo.town import Town
from tests.ops.demo.watch import Watch, picture
from tests.support.java import ROOT
from tests.support.kafka import KafkaBroker

SCALE = 1 / 120
"""Of all windows: six hours are three minutes, five minutes two and a half seconds."""

RATE = 40.0
"""Posts a second."""

USUAL_SECONDS = 200.0
"""Before the first fault: what is usual must be known, and the longest share is over three minutes."""

PATIENCE_SECONDS = 150.0
PICTURES = ROOT / "build" / "ops"
out = Console(highlight=False)


def main(words: Sequence[str]) -> int:
    """The exit code: 0 when every fault raised its alerts, and every expression holds."""
    goals, windows = read_objectives(), Windows(SCALE)
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="sluice-ops-", ignore_cleanup_errors=True)))
        broker = cleanup.enter_context(KafkaBroker(folder / "kafka"))
        watch = cleanup.enter_context(Watch(folder / "watch", goals, windows))
        pipeline = Pipeline(broker.address, folder / "pipeline", cleanup)
        started = [pipeline.start(stage, stage) for stage in ("language", "scoring", "routing", "cases")]
        for stage, worker in zip(("language", "scoring", "routing", "cases"), started, strict=True):
            worker.ready([stage])
        watch.watch(pipeline.targets())
        roster = read_roster(pipeline.rules / "roster.toml", read_regions(pipeline.rules / "regions.toml"))
        town = Town(broker.address, pipeline.topics.prefix, roster, REGIONS, RATE)
        cleanup.callback(town.close)
        out.print(f"{RATE:.0f} posts a second, {USUAL_SECONDS:.0f} s to know what is usual; windows are {1 / SCALE:.0f} times shorter")
        threading.Event().wait(USUAL_SECONDS)
        early = [came.labels["alertname"] for came in watch.came]
        out.print(f"alerts before any fault: {', '.join(sorted(set(early))) or 'none'}")
        sound = examine(watch, goals, windows, out)
        take_pictures(watch, "before")
        chosen = [fault for fault in FAULTS if not words or any(word in fault.what for word in words)]
        rows = [row for fault in chosen for row in try_out(fault, Scene(pipeline, town), watch)]
        take_pictures(watch, "after")
    out.print(table(rows))
    return 0 if sound and all(seconds is not None for *_, seconds in rows) else 1


def try_out(fault: Fault, scene: Scene, watch: Watch) -> Iterator[tuple[str, str, float | None]]:
    """Makes it, waits for its alerts, mends it. Seconds until each reached the webhook; None if it did not."""
    out.print(f"{fault.what} ...")
    began = time.monotonic()
    fault.make(scene)
    watch.watch(scene.pipeline.targets())
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline and not all(watch.first(alert, labels, began) for alert, labels in fault.raises.items()):
        pause.wait(0.1)
    fault.mend(scene)
    for alert, labels in fault.raises.items():
        came = watch.first(alert, labels, began)
        seconds = came.at - began if came else None
        out.print(f"    {alert}: {word(seconds)}")
        yield fault.what, alert, seconds
    besides = {came.labels["alertname"] for came in watch.came if came.at >= began} - fault.raises.keys()
    out.print(f"    besides: {', '.join(sorted(besides)) or 'nothing'}", style="dim")


def take_pictures(watch: Watch, when: str) -> None:
    """Of each console page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for page in pages(read_objectives(), Windows(SCALE)):
        file = PICTURES / f"{page.name}-{when}.png"
        file.unlink(missing_ok=True)
        why_not = picture(f"http://{watch.prometheus}/consoles/{page.name}.html?span=15m", file)
        out.print(f"no picture of {page.name}: {why_not}" if why_not else f"wrote {file.relative_to(ROOT)}")


def word(seconds: float | None) -> str:
    """How long it took."""
    return "did not come" if seconds is None else f"{seconds:.1f}"


def table(rows: list[tuple[str, str, float | None]]) -> Table:
    """Fault, alert, seconds."""
    made = Table("fault", "alert", "seconds")
    before = ""
    for what, alert, seconds in rows:
        made.add_row("" if what == before else what, alert, word(seconds))
        before = what
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
