"""What is committed is what the objectives say; wrong objectives are refused in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deploy.ops.__main__ import ROOT, documents
from deploy.ops.objectives import FILE, Objectives, read_objectives
from deploy.ops.rules import Windows
from pipeline.config import ConfigError
from tests.ops.made import GOALS, PAGES, SHOWN

MADE = documents(GOALS, Windows())


@pytest.mark.parametrize("path", MADE, ids=str)
def test_the_committed_file_is_what_the_objectives_say(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == MADE[path], f"{path} is stale: run `make docs`"


def test_nothing_else_lies_there() -> None:
    for folder in {path.parent for path in MADE} - {Path("docs/runbooks"), Path("deploy/kubernetes/prometheus")}:
        assert {path.relative_to(ROOT) for path in (ROOT / folder).iterdir()} == {path for path in MADE if path.parent == folder}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "decided_seconds = 5 ",
            "decided_seconds = 7 ",
            r"flow\.decided_seconds: a bucket of sluice_end_to_end_seconds is allowed: 0",
        ),
        ('quiet = "10m"', 'quiet = "10 minutes"', r"flow\.quiet: a whole number with its unit s, m, h or d, such as 5m, is allowed"),
        ("in_time = 0.995 ", "in_time = 99.5 ", r"flow\.in_time: Input should be less than 1"),
        ("audit_error = 0.05 ", "audit_eror = 0.05 ", r"machine\.audit_error: is missing"),
        ("rate = 14.4", "rate = 0.5", r"flow\.burn\[0\]\.rate: Input should be greater than 1"),
    ],
)
def test_a_wrong_objective_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "objectives.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"objectives\.toml: {sentence}"):
        read_objectives(file)


def test_another_objective_makes_other_rules() -> None:
    stricter = Objectives.model_validate({**GOALS.model_dump(), "flow": {**GOALS.flow.model_dump(), "oldest_seconds": 30}})
    changed = {path for path, content in documents(stricter, Windows()).items() if content != MADE[path]}
    assert {path.name for path in changed} == {"recording.yml", "alerts.yml", "rules.yaml", "overview.html", "overview.json"}


def test_a_trial_shortens_every_window_alike() -> None:
    rules = documents(GOALS, Windows(1 / 60))[Path("deploy/prometheus/rules/recording.yml")]
    spans = set(re.findall(r"\[([0-9a-z]+)[:\]]", rules))
    assert {"5000ms", "60000ms", "1440000ms"} <= spans
    assert all(span.endswith("ms") for span in spans)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_console_page_holds_what_the_dashboard_holds(page: object) -> None:
    name = page.name  # type: ignore[attr-defined]
    console = MADE[Path(f"deploy/prometheus/consoles/{name}.html")]
    rows = json.loads(console.partition('id="rows">')[2].partition("</script>")[0])
    dashboard = json.loads(MADE[Path(f"deploy/grafana/dashboards/{name}.json")])
    drawn = [query["expr"] for row in rows for panel in row["panels"] for query in panel["queries"]]
    built = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert drawn == built == [expr for place, expr in SHOWN.items() if place.startswith(f"{name}: ")]


def test_dashboards_fill_their_rows_and_say_what_panels_mean() -> None:
    for page in PAGES:
        assert len({panel.title for panel in page.panels}) > 10
        assert all(panel.text.endswith(".") for panel in page.panels)
        assert all(sum(panel.width for panel in row.panels) % 24 == 0 for row in page.rows), page.name
