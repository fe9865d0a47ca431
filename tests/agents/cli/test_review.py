from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.cli.commands import sluice


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reviewer", "nobody\x1b"), "--reviewer: nobody\\x1b is not on the roster "),
        (("--reviewer", "anna", "--region", "dach"), "--region: anna reviews for dutch (got 'dach')"),
        (("--reviewer", "anna", "--language", "pt-BR"), "--language: records have 'pt' (got 'pt-BR')"),
        (("--reviewer", "anna", "--language", "dutch"), "--language: a language tag is allowed, such as nl (got 'dutch')"),
    ],
)
def test_whose_verdicts_would_not_count_is_told_before(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "roster.toml").write_text('[[reviewers]]\nid = "anna"\nregions = ["dutch"]\nlanguages = ["nl"]\n')
    result = sluice("review", *arguments, roster=tmp_path / "roster.toml")
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_broker_that_is_away_is_said() -> None:
    result = sluice("review", "--reviewer", "simulated-nl-1", "--broker", "127.0.0.1:1")
    assert (result.exit_code, "no broker answers" in result.stderr) == (69, True)
