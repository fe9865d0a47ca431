"""`score`, `model check` and `policy check`, which need no Kafka."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from tests.agents.cli.commands import sluice
from tests.support.tiny_model import LABELS, build_companion_dependent, build_tiny_bundle
from tests.support.workers import SLUICE

DEFAULTS = Path(pipeline.__file__).parent / "policies"
POLICY = next((DEFAULTS / "default").glob("*.toml"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("tiny"))


def test_score_gives_a_line_per_row_in_order(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": f"this is a sentence {'hate ' * count}", "id": count}) + "\n" for count in range(100)))
    result = sluice("score", str(file), "--model", str(tiny))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [row["id"] for row in rows] == list(range(100))
    assert list(rows[0])[:3] == ["language", "scores", "model_version"]
    assert set(rows[0]["language"]) >= {"tag", "confidence"}
    assert set(rows[0]["scores"]) == set(LABELS)
    assert rows[99]["scores"]["hate"] > 0.9 > rows[0]["scores"]["hate"]


def test_score_reads_standard_input_and_names_faulty_rows(tiny: Path) -> None:
    result = sluice("score", stdin='{"text": "This is an English sentence."}\n{"txt": 1}\n\n{"text": ""}\n', model=tiny)
    first, faulty, empty = (json.loads(line) for line in result.stdout.splitlines())
    assert first["language"]["tag"] == "en"
    assert faulty == {"line": 2, "error": "not a row: Object missing required field `text`"}
    assert empty["scores"] == {}
    assert (result.exit_code, result.stderr) == (1, "1 line could not be scored; the output says why\n")


def test_score_takes_a_text_instead_of_a_file(tiny: Path, tmp_path: Path) -> None:
    result = sluice("score", "--text", 'hate "hate"', model=tiny)
    assert (result.exit_code, json.loads(result.stdout)["scores"]["hate"] > 0.5) == (0, True)
    both = sluice("score", str(tmp_path), "--text", "x", model=tiny)
    assert (both.exit_code, both.stderr) == (2, "command line: --text: a text or a file, not both\n")


def test_a_text_that_is_not_utf_8_is_refused_as_such_a_line_is(tiny: Path) -> None:
    given = sluice("score", "--text", b"\xff abc".decode("utf-8", "surrogateescape"), model=tiny)
    assert (given.exit_code, given.stdout, given.stderr) == (2, "", "command line: --text: only UTF-8 is allowed\n")


def test_score_ends_quietly_when_nobody_reads_on(tiny: Path) -> None:
    command = [sys.executable, *SLUICE, "score", "--model", str(tiny)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    _, said = process.communicate(b'{"text": "more"}\n' * 1000, timeout=60)
    assert (process.returncode, said) == (1, b"")


@pytest.mark.parametrize("arguments", [("score",), ("model", "check"), ("publish",)])
def test_a_file_that_is_not_there_is_a_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = sluice(*arguments, str(tmp_path / "none"))
    assert result.exit_code == (1 if "model" in arguments else 2)
    assert "none" in result.output
    assert "No such file" in result.output


def test_model_check_says_what_it_looked_at(tiny: Path) -> None:
    result = sluice("model", "check", str(tiny))
    assert result.exit_code == 0
    assert [line.split("\t")[:2] for line in result.stdout.splitlines()[1:]] == [
        [name, "ok"] for name in ("description", "files", "scores", "golden", "batches")
    ]


def test_model_check_refuses_scores_that_move_with_their_batch(tmp_path: Path) -> None:
    result = sluice("model", "check", str(build_companion_dependent(tmp_path)))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("batches\trefused\tscores move by")
    assert "is refused" in result.stderr


def test_the_default_policy_fits_the_default_model_and_regions() -> None:
    for given in ((), (str(POLICY),), (str(POLICY.parent),)):
        result = sluice("policy", "check", *given)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "13 regions" in result.stdout
        assert ": 0 errors, " in result.stdout


def test_policy_check_names_what_does_not_fit(tiny: Path, tmp_path: Path) -> None:
    regions = tmp_path / "regions.toml"
    regions.write_text('[[regions]]\nname = "english"\nlanguages = ["nl"]\nmarkets = ["NL"]\n')
    bundle = (tiny / "bundle.toml").read_text().replace('"threat", ', "", 1)
    model = tmp_path / "model"
    model.mkdir()
    (model / "bundle.toml").write_text(bundle)
    result = sluice("policy", "check", "--regions", str(regions), "--model", str(model))
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "label 'threat' is none of the model's" in lines[0]
    assert lines[0].startswith("error: ")
    assert any(line.startswith("warning: no region speaks 'de'") for line in lines)
    assert "with 1 region and tiny@1: 1 error," in lines[-1]


def test_a_policy_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text("name = 1")
    result = sluice("policy", "check", str(policy))
    assert result.exit_code == 78
    assert f"{policy}: name: " in result.stderr


def test_a_byte_order_mark_costs_no_line(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "one"}\n{"text": "two"}\n', encoding="utf-8-sig")
    for result in (sluice("score", str(file), model=tiny), sluice("score", stdin=file.read_bytes(), model=tiny)):
        assert (result.exit_code, len(result.stdout.splitlines()), "error" in result.stdout) == (0, 2, False)


def test_a_policy_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(POLICY.parent, folder)
    file = folder / POLICY.name
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert sluice("policy", "check", str(folder)).exit_code == 0
