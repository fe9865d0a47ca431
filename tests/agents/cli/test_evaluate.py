"""`sluice evaluate` on a tiny model, which knows its labels' names as words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agents.cli.rows import scored_by
from pipeline.scoring.evaluation.rows import LabelledRow
from tests.agents.cli.commands import sluice
from tests.support.tiny_cascade import ACCURATE_NOTHING, CLEAR, FAST_NOTHING, build_cascade
from tests.support.tiny_model import build_tiny_bundle

POLICY = Path(__file__).parents[2] / "integration" / "data" / "policy.toml"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """20 rows that are hate and say so, 20 that are not and do not, in each of two languages; and one that is hate and does not say so."""
    rows = [
        {"text": f"{word} {number}", "language": language, "labels": {"hate": int(word == "hate")}, "split": "test"}
        for language in ("en", "nl")
        for word in ("hate", "calm")
        for number in range(20)
    ]
    rows.append({"text": "calm", "language": "nl", "labels": {"hate": 1}, "split": "dev"})
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_table_per_label_and_language(tiny: Path, data: Path) -> None:
    result = sluice("evaluate", str(tiny), "--data", str(data), policy=POLICY)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[1][:6] == ["label", "language", "bundle", "rows", "positive", "AUC"]
    assert [line[:2] + line[3:5] for line in lines[2:]] == [
        ["hate", "all", "81", "41"],
        ["hate", "en", "40", "20"],
        ["hate", "nl", "41", "21"],
    ]
    assert lines[3][5:9] == ["1.000 [1.000 1.000]", "1.000 [1.000 1.000]", "1.000 [1.000 1.000]", "0.9"]


def test_bundles_side_by_side_as_json_with_ordinary_text_and_plots(tiny: Path, data: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    options = ("--data", str(data), "--benign", str(data), "--split", "test", "--json", "--plots", str(plots), "--svg")
    result = sluice("evaluate", str(tiny), str(tiny), *options, policy=POLICY)
    first, second = json.loads(result.stdout)
    assert first == second
    assert (first["data"]["model_version"], first["data"]["policy"]) == ("tiny@1", "integration@1")
    assert [(each["language"], each["rows"], each["flagged"]) for each in first["benign"]] == [
        (None, 80, 40),
        ("en", 40, 20),
        ("nl", 40, 20),
    ]
    assert {path.name for path in plots.iterdir()} == {"reliability-hate.svg", "precision-recall-hate.svg"}
    assert "2 plots are in" in result.stderr


def test_scores_that_rows_carry_are_not_computed_again(tiny: Path, tmp_path: Path) -> None:
    labels = ("toxic", "hate", "insult", "threat", "sexual", "spam", "profanity")
    rows = [{"language": "nl", "labels": {"hate": kind}, "scores": dict.fromkeys(labels, 0.25)} for kind in (0, 1)]
    file = tmp_path / "scored.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(sluice("evaluate", str(tiny), "--data", str(file), "--json").stdout)[0]["data"]["cells"][0]
    assert (found["auc"]["value"], found["calibration_error"]["value"]) == (0.5, 0.25)


def test_rows_in_malay_are_scored_as_posts_are_which_may_be_in_indonesian(tmp_path: Path) -> None:
    accurate, _ = build_cascade(tmp_path, {"en": CLEAR, "ms": CLEAR})
    rows = [LabelledRow(language=tag, labels={"hate": 0}, text="selamat pagi") for tag in ("en", "ms", "id")]
    _, (sample,) = scored_by(accurate, rows)
    assert [found[0] for found in sample.scores.tolist()] == [FAST_NOTHING, ACCURATE_NOTHING, ACCURATE_NOTHING]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "command line: --data or --benign: at least one file of rows is needed"),
        (("--data", "{data}", "--split", "train"), 78, "rows.jsonl: no row with split 'train'"),
        (("--data", "{data}.gz"), 2, "rows.jsonl.gz: cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence(options: tuple[str, ...], code: int, said: str, tiny: Path, data: Path) -> None:
    result = sluice("evaluate", str(tiny), *(option.format(data=data) for option in options))
    assert (result.exit_code, said in result.stderr) == (code, True)


def test_without_the_extra_it_says_how_to_get_it(tiny: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pipeline.scoring.evaluation.benign", raising=False)
    monkeypatch.setitem(sys.modules, "scipy", None)  # what Python does where there is no such module
    result = sluice("evaluate", str(tiny), "--data", str(data))
    assert result.exit_code == 78
    assert result.stderr.startswith("`sluice evaluate` needs scipy, which is not installed: in a checkout, pip install '.[evaluate]'")
