"""What a person can mend is a sentence on standard error and an exit code, in every command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agents.cli.erase import _ask
from pipeline.config import ConfigError
from tests.agents.cli.commands import sluice
from tests.support.workers import SLUICE

NEEDS_BROKER = [
    ("topics", "create"),
    ("topics", "check"),
    ("publish", "-"),
    ("tail", "decisions"),
    ("erase", "p1", "--yes"),
    ("erase", "--author", "a1", "--yes"),
    ("dead-letters", "list"),
    ("dead-letters", "show", "0:1"),
    ("dead-letters", "requeue", "--all"),
]


@pytest.mark.parametrize("command", NEEDS_BROKER)
def test_without_a_broker(command: tuple[str, ...]) -> None:
    result = sluice(*command, "--broker", "127.0.0.1:1", stdin="")
    assert (result.exit_code, result.stdout) == (69, "")
    assert result.stderr.startswith("no broker answers at 127.0.0.1:1 (")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("tail", "mars"), "'mars' is no topic; allowed are incoming, "),
        (("tail", "review.mars"), "there is no region 'mars'"),
        (("tail", "incoming", "--action", "remove"), "--action: the records of posts.incoming.v1 have none; allowed are: --post, --market"),
        (("tail", "dead-letters", "--post", "p1"), "--post: the records of moderation.dead-letters.v1 have none; allowed are: none"),
        (("tail", "decisions", "--market", "nl"), "command line: --market: two capital letters are allowed, such as NL (got 'nl')"),
        (("tail", "decisions", "--market", "NLD"), "command line: --market: two capital letters are allowed, such as NL (got 'NLD')"),
        (("tail", "decisions", "--language", "NL"), "command line: --language: records have 'nl' (got 'NL')"),
        (("tail", "decisions", "--language", "pt-BR"), "command line: --language: records have 'pt' (got 'pt-BR')"),
        (("tail", "decisions", "--language", "Dutch"), "command line: --language: a language tag is allowed, such as nl (got 'Dutch')"),
        (("tail", "decisions", "--language", ""), "command line: --language: a language tag is allowed, such as nl (got '')"),
        (
            ("policy", "explain", "--language", "nl", "--label", "hate", "--market", "nl"),
            "command line: --market: two capital letters are allowed, such as NL (got 'nl')",
        ),
        (("erase",), "command line: say which posts: POST_ID..., or --author, or both"),
        (("erase", "a b"), "command line: POST_ID: must be 1 to 200 of A-Z a-z 0-9 - . _ : (got 'a b')"),
        (("erase", "p1", "--reason", "x" * 201), "command line: --reason: must be at most 200 characters"),
        (("publish", "--broker", "nonsense"), "command line: broker: must be host:port, such as localhost:9092"),
        (("dead-letters", "list", "--stage", "nope"), "--stage: there is no stage 'nope'; allowed are language, scoring, routing"),
        (("dead-letters", "requeue", "--stage", "nope"), "--stage: there is no stage 'nope'; allowed are language, scoring, routing"),
    ],
)
def test_a_wrong_word_on_the_command_line(command: tuple[str, ...], said: str) -> None:
    result = sluice(*command, stdin="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_wrong_setting_beside_a_wrong_option_is_no_matter_of_the_command_line_alone() -> None:
    result = sluice("publish", "--broker", "nonsense", stdin="", log_level="loud")
    assert result.exit_code == 78
    assert {line.partition(":")[0] for line in result.stderr.splitlines()} == {"command line", "environment"}


@pytest.mark.parametrize("command", ["score", "publish"])
def test_closed_standard_input(command: str) -> None:
    closed = 'exec "$@" <&-'
    result = subprocess.run(["sh", "-c", closed, "sh", sys.executable, *SLUICE, command], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("standard input is closed: name a file of ")


def test_where_nobody_can_be_asked_an_erasure_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it where the shell has closed it
    with pytest.raises(ConfigError, match="command line: --yes: needed where nobody can be asked"):
        _ask(1)


COMMANDS = [*NEEDS_BROKER, ("score",), ("model", "check"), ("policy", "check"), ("doctor",), ("worker",)]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_eighty_columns(command: tuple[str, ...]) -> None:
    words = [word for word in command if word[0].isalpha() and word not in {"decisions", "p1", "a1"}]
    result = sluice(*words, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
