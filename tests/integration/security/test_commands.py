"""What our own commands say where Kafka says no: a sentence that names what to mend, an exit code that is not 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import trustme
from typer.testing import Result

from agents.edge.failures import ExitCode
from deploy.ops.runbooks import ON_CALL, ROLES
from schemas.rights import Kind, Operation, Right
from schemas.topics import DECISIONS, POSTS_INCOMING
from tests.agents.cli.commands import sluice
from tests.integration.cli.test_dead_letters import bury
from tests.integration.conftest import DATA
from tests.ops.runbooks import commands
from tests.schemas.posts import as_json
from tests.support.clients import Outgoing
from tests.support.kafka import free_ports
from tests.support.secure_kafka import Installation
from tests.support.workers import wait_for

pytestmark = pytest.mark.kafka

Run = Callable[..., Result]
POST = as_json(post_id="p", conversation_id="c", text="hallo daar") + b"\n"
HINT = "`sluice topics rights` shows who needs what"


@pytest.fixture
def run(installation: Installation) -> Run:
    """A command as a role's user; `changed` settings last."""

    def command(role: str, *arguments: str, stdin: bytes | None = None, changed: Mapping[str, object] | None = None) -> Result:
        return sluice(*arguments, stdin=stdin, **{**installation.settings(role), "regions": DATA / "regions.toml", **(changed or {})})

    return command


def published(installation: Installation) -> int:
    return len(installation.topics.read_all(POSTS_INCOMING))


def test_a_producer_publishes_and_reads_nothing(run: Run, installation: Installation) -> None:
    before = published(installation)
    done = run("producer", "publish", stdin=POST)
    assert (done.exit_code, done.stderr) == (0, "")
    assert published(installation) == before + 1
    denied = run("producer", "tail", "incoming", "--no-follow")
    assert (denied.exit_code, denied.stdout) == (ExitCode.DENIED, "")
    assert denied.stderr.startswith(installation.topics.name(POSTS_INCOMING))
    assert HINT in denied.stderr


@pytest.mark.parametrize("role", ["scoring", "platform", "review-dutch", "repair"])
def test_who_may_not_see_a_topic_is_told_so(run: Run, installation: Installation, role: str) -> None:
    topic = "decisions" if role == "repair" else "review.english"
    denied = run(role, "tail", topic, "--no-follow")
    assert denied.exit_code == ExitCode.DENIED
    assert "does not exist or may not be seen" in denied.stderr


def test_who_may_only_see_a_topic_cannot_publish_to_it(run: Run, installation: Installation) -> None:
    before = published(installation)
    for role in ("monitor", "language"):  # the one writes nothing at all, the other has topics to write to
        denied = run(role, "publish", stdin=POST)
        assert denied.exit_code == ExitCode.DENIED, role
        assert "not allowed to write" in denied.stderr
        assert "0 of 1 posts sent were confirmed" in denied.stderr
        assert HINT in denied.stderr
    assert published(installation) == before


def test_the_platform_tails_decisions_under_its_rights(run: Run, installation: Installation) -> None:
    installation.topics.produce(DECISIONS, [Outgoing(b"k", b"{}")])
    done = run("platform", "tail", "decisions", "--no-follow", "--json")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "{}\n", "")


def test_an_operator_has_what_its_commands_need(run: Run, installation: Installation) -> None:
    assert run("operator", "topics", "create").exit_code == 0
    letters = run("operator", "dead-letters", "list")
    assert (letters.exit_code, letters.stderr) == (0, "0 dead letters, 0 not put back\n")
    said: list[str] = []

    def groups_are_seen() -> bool:
        said[:] = [run("operator", "doctor").stdout]  # a broker that has just started looks for the groups' coordinator
        return "stage routing" in said[0]

    wait_for(groups_are_seen, lambda: f"the doctor does not see the groups:\n{said[0]}", 60)
    assert "lacks" not in said[0]
    assert "workers unknown" not in said[0]
    assert "do not show their settings" not in said[0]


LOOKING = dict.fromkeys(
    command.words
    for command in commands()
    if command.page != "README" and command.kind in ("tail", "topics check") and ROLES[command.kind] == ON_CALL
)


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_who_is_on_call_can_run_what_the_runbooks_say(run: Run, words: tuple[str, ...]) -> None:
    done = run("on-call", *words, *(["--no-follow"] if words[0] == "tail" else []))
    assert done.exit_code in ((0,) if words[0] == "tail" else (0, 1)), done.stderr
    assert HINT not in done.stderr


def test_the_doctor_hides_nothing_from_who_is_on_call(run: Run) -> None:
    said: list[str] = []

    def groups_are_seen() -> bool:
        said[:] = [run("on-call", "doctor").stdout]
        return "stage routing" in said[0]

    wait_for(groups_are_seen, lambda: f"the doctor does not see the groups:\n{said[0]}", 60)
    assert not any(words in said[0] for words in ("lacks", "workers unknown", "do not show their settings"))


def test_topics_are_made_by_an_operator_alone_and_those_of_the_regions_it_was_given(run: Run, installation: Installation) -> None:
    name = f"{installation.names.topic_prefix}moderation.review.frisian.v1"
    file = installation.kafka.directory / "more-regions.toml"
    regions = (DATA / "regions.toml").read_text(encoding="utf-8") + '\n[[regions]]\nname = "frisian"\nlanguages = ["fy"]\n'
    file.write_text(regions, encoding="utf-8")
    denied = run("operator", "topics", "create", changed={"regions": file})
    assert denied.exit_code == ExitCode.DENIED
    assert f"topic {name} could not be made" in denied.stderr
    assert "needs the right Create" in denied.stderr
    installation.kafka.allow(installation.user("operator"), [Right(Operation.CREATE, Kind.TOPIC, name)])
    assert run("operator", "topics", "create", changed={"regions": file}).exit_code == 0


def test_only_repair_puts_dead_letters_back(run: Run, installation: Installation) -> None:
    place = bury(installation.topics, b"{")
    before = published(installation)
    denied = run("operator", "dead-letters", "requeue", place)
    assert denied.exit_code == ExitCode.DENIED
    assert published(installation) == before
    done = run("repair", "dead-letters", "requeue", place)
    assert done.exit_code == 0, done.stderr
    assert published(installation) == before + 1


def test_a_wrong_password_is_called_so(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password")
    denied = run("producer", "publish", stdin=POST, changed={"sasl_password_file": wrong})
    assert denied.exit_code == ExitCode.DENIED
    assert "SASL authentication error" in denied.stderr
    assert "are SLUICE_SASL_USERNAME, the password and SLUICE_SASL_MECHANISM right?" in denied.stderr
    assert "not-the-password" not in denied.stderr


def test_a_broker_signed_by_somebody_else_is_not_spoken_to(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    denied = run("producer", "publish", stdin=POST, changed={"ssl_ca_file": other})
    assert denied.exit_code == ExitCode.UNREACHABLE
    assert "certificate verify failed: does SLUICE_SSL_CA_FILE hold the authority that signed the broker's certificate?" in denied.stderr


def test_a_protocol_that_the_broker_does_not_speak_is_asked_about(run: Run) -> None:
    denied = run("producer", "publish", stdin=POST, changed={"security_protocol": "PLAINTEXT"})
    assert denied.exit_code == ExitCode.UNREACHABLE
    assert "are --broker (SLUICE_BROKER) and SLUICE_SECURITY_PROTOCOL right?" in denied.stderr


def test_a_certificate_stands_for_a_password(run: Run, installation: Installation) -> None:
    kafka = installation.kafka
    settings = {"broker": f"127.0.0.1:{kafka.mutual}", **kafka.certificate_settings(installation.user("producer"))}
    before = published(installation)
    done = run("producer", "publish", stdin=POST, changed=settings)
    assert (done.exit_code, done.stderr) == (0, "")
    assert published(installation) == before + 1
    stranger = {"broker": f"127.0.0.1:{kafka.mutual}", **kafka.certificate_settings("stranger")}
    assert run("producer", "publish", stdin=POST, changed=stranger).exit_code == ExitCode.DENIED


def test_an_address_without_a_broker_is_still_called_so(run: Run) -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    denied = run("producer", "publish", stdin=POST, changed={"broker": nobody})
    assert denied.exit_code == ExitCode.UNREACHABLE
    assert f"no broker answers at {nobody}" in denied.stderr
