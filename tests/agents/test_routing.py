"""Routing does not start with a policy whose rules no score could ever reach."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.routing import agent, fitting
from agents.settings import Settings, load
from pipeline.config import ConfigError

DEFAULT = next(Path(load().policy).glob("*.toml")).read_text(encoding="utf-8")


def versions(folder: Path, *texts: str) -> Settings:
    shutil.copytree(load().policy / "evidence", folder / "evidence")
    for number, text in enumerate(texts):
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    return load(policy=folder)


def test_the_default_policy_fits() -> None:
    policies, regions = fitting(load())
    assert policies.policies[0].name == "default"
    assert regions.default


def test_a_misspelt_label_in_any_version_stops_the_start(tmp_path: Path) -> None:
    later = DEFAULT.replace('version = "2026-11-28.2"', 'version = "2"').replace("effective_from = 2026", "effective_from = 2027")
    settings = versions(tmp_path, DEFAULT, later.replace("[labels.toxic]", "[labels.toxik]").replace('label = "toxic"', 'label = "toxik"'))
    with pytest.raises(ConfigError) as error:
        agent(settings)
    assert str(error.value) == ("default@2: label 'toxik' is none of the model's (hate, insult, profanity, sexual, spam, threat, toxic)")


def test_a_label_that_is_left_out_is_only_a_remark(tmp_path: Path) -> None:
    start, end = DEFAULT.index("[labels.spam]"), DEFAULT.index("[labels.profanity]")
    parts = (DEFAULT[:start] + DEFAULT[end:]).split("[[rules]]\n")
    without = "[[rules]]\n".join(part for part in parts if 'label = "spam"' not in part)
    policies, _ = fitting(versions(tmp_path, without))
    assert "spam" not in policies.policies[0].labels
