"""Generated pages are fresh, and what the other pages tell people to type exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from agents import docs
from agents.cli.main import application
from agents.settings import ENV_PREFIX, NOT_SETTINGS, Settings, load
from schemas.records import Post
from schemas.wire import decoder
from tests.support.bad_inputs import bad_inputs
from tests.test_links import PAGES, ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
INDENTED = re.compile(r"^ {4}(.+)$", re.M)
INLINE = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(rf"\b({ENV_PREFIX}[A-Z_]+)\b")
TARGET = re.compile(r"^([a-z-]+):", re.M)
SETS = re.compile(r"^(?:[A-Z_]+=\S* +)+")
BAD_INPUTS = re.compile(r"(\d+) kinds of bad input")
COMMENT = re.compile(r"\s+#.*")
BETWEEN_COMMANDS = re.compile(r"\s*(?:\||&&|;|\n|\$\()\s*")


def blocks(language: str) -> Iterator[str]:
    return (match[2] for page in PAGES for match in FENCE.finditer(page.read_text(encoding="utf-8")) if match[1] == language)


def commands() -> Iterator[tuple[str, str]]:
    """Every command line in a shell block or in the running text, with its page. Variables set before it are left out."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell = [match[2].replace("\\\n", " ") for match in FENCE.finditer(text) if match[1] == "sh"]
        prose = FENCE.sub("", text)
        for code in (*shell, *INDENTED.findall(prose), *INLINE.findall(prose)):
            for line in BETWEEN_COMMANDS.split(code):
                yield page.name, SETS.sub("", COMMENT.sub("", line)).removeprefix(".venv/bin/")


def written(program: str) -> list[tuple[str, str]]:
    return sorted({(page, line) for page, line in commands() if line.startswith(f"{program} ")})


@pytest.mark.parametrize("path", docs.documents(), ids=str)
def test_the_committed_page_is_what_the_code_says(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == docs.documents()[path], f"{path} is stale: run `make docs`"


def test_generated_pages_name_no_machine() -> None:
    for content in docs.documents().values():
        assert str(ROOT) not in content
        assert str(Path.home()) + "/" not in content


def test_the_example_file_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    file = tmp_path / "sluice.toml"
    file.write_text(docs.EXAMPLE, encoding="utf-8")
    monkeypatch.setenv("SLUICE_CONFIG", str(file))
    given = load().model_dump(mode="json")
    assert {name: given[name] for name in tomllib.loads(docs.EXAMPLE)} == tomllib.loads(docs.EXAMPLE)


@pytest.mark.parametrize(("page", "line"), written("sluice"), ids=str)
def test_every_command_of_sluice_exists(page: str, line: str) -> None:
    command = typer.main.get_command(application())
    words = shlex.split(line)[1:]
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{page}: `{line}`: there is no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("-") and word != "-" and word.partition("=")[0] not in known]
    assert not unknown, f"{page}: `{line}`: there is no option {unknown}"


@pytest.mark.parametrize(("page", "line"), written("make"), ids=str)
def test_every_target_of_make_exists(page: str, line: str) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(line.split()[1:]) <= targets, f"{page}: `{line}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_is_a_setting(page: Path) -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    named = set(VARIABLE.findall(page.read_text(encoding="utf-8")))
    assert {name for name in named if not name.startswith(NOT_SETTINGS)} <= known


def test_the_bad_inputs_that_pages_count_are_there() -> None:
    said = [int(count) for page in PAGES for count in BAD_INPUTS.findall(page.read_text(encoding="utf-8"))]
    assert said
    assert set(said) == {len(bad_inputs())}


def test_every_post_that_is_shown_is_one() -> None:
    shown = [block for block in blocks("json") if "conversation_id" in json.loads(block)]
    assert shown
    for block in shown:
        decoder(Post)(block.encode())


def test_every_example_in_python_compiles() -> None:
    found = list(blocks("python"))
    assert found
    for block in found:
        compile(block, "example", "exec")
