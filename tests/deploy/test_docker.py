"""Dockerfile and compose file: clean for their linters, and as safe as docs/security.md says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.settings import load
from pipeline.flow import STAGES
from schemas.topics import DEAD_LETTERS, POSTS_INCOMING, POSTS_LANGUAGE
from tests.support.clients import OwnTopics
from tests.support.kafka import free_ports
from tests.support.workers import stage_process
from tests.test_links import ROOT

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.M)
HEALTH_CHECK = DOCKERFILE.with_name("healthcheck.py")
BIN = Path(sys.executable).parent


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_has_nothing_to_say() -> None:
    run(str(BIN / "hadolint"), str(DOCKERFILE))


def test_compose_fits_the_schema_of_its_specification() -> None:
    run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_image_holds_the_versions_that_were_tested() -> None:
    """Of packages that stand in both; the lock of the tests has more of them."""
    tested = pins(ROOT / "requirements.lock")
    shipped = pins(DOCKERFILE.with_name("requirements.lock")) | pins(DOCKERFILE.with_name("build.lock"))
    assert set(shipped) <= set(tested)
    assert {name: version for name, version in shipped.items() if tested[name] != version} == {}


def pins(lock: Path) -> dict[str, str]:
    return dict(PIN.findall(lock.read_text(encoding="utf-8")))


def test_the_image_is_built_with_what_the_project_says_it_is_built_with() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    locked = {f"{name}=={version}" for name, version in pins(DOCKERFILE.with_name("build.lock")).items()}
    assert set(required) <= locked


def test_nothing_comes_into_the_image_whose_hash_is_not_locked() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", "")
    fetching = re.findall(r"bin/pip (?:install|wheel|download) [^&\n]*", text)
    assert len(fetching) == 4
    assert all("--require-hashes" in command or {"--no-index", "--no-deps"} <= set(command.split()) for command in fetching)
    assert not any(tool in text for tool in ("apt-get", "curl", "wget", "ADD "))


def test_the_image_runs_as_nobody_in_particular() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)", text, re.M) == ["10001:10001"]
    assert "HEALTHCHECK" in text
    (base,) = re.findall(r"^ARG PYTHON=(\S+)", text, re.M)
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"${PYTHON}"}
    assert ":" in base
    assert not base.endswith(":latest")


def test_what_the_dockerfile_copies_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*)", DOCKERFILE.read_text(encoding="utf-8"), re.M)
    copied = {word for words in copies for word in words.split()[:-1]}
    assert copied == sent
    assert all((ROOT / path).exists() for path in copied)


def test_compose_runs_every_stage_on_a_root_that_cannot_be_written() -> None:
    ours = {name: service for name, service in services().items() if service["image"] == "sluice"}
    assert {name: service["command"] for name, service in ours.items()} == {
        "topics": ["topics", "create"],
        **{stage: ["worker", "--stages", stage] for stage in STAGES},
    }
    for name, service in ours.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_compose_publishes_ports_on_the_loopback_address_alone_and_pins_images() -> None:
    for name, service in services().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["image"] == "sluice" or re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"]), name
        assert not service.get("privileged")


@pytest.mark.parametrize("page", [COMPOSE, ROOT / "docs" / "deploy.md", ROOT / "docs" / "operations.md"], ids=lambda page: page.name)
def test_where_compose_is_started_its_secrets_are_made_first(page: Path) -> None:
    secrets = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["secrets"]
    before, start, _ = page.read_text(encoding="utf-8").partition(f"docker compose --file {COMPOSE.relative_to(ROOT)} up")
    assert start
    for secret in secrets.values():
        assert f"> {(COMPOSE.parent / secret['file']).relative_to(ROOT)}" in before


def health_check(first_port: int) -> int:
    """Its exit code, where the first stage has this port."""
    command = [sys.executable, "-I", "-S", str(HEALTH_CHECK)]
    return subprocess.run(command, env={"SLUICE_METRICS_PORT": str(first_port)}, timeout=30, check=False).returncode


@pytest.mark.kafka
def test_a_container_is_healthy_while_its_stages_are(topics: OwnTopics, tmp_path: Path) -> None:
    topics.create(POSTS_INCOMING, POSTS_LANGUAGE, DEAD_LETTERS)
    (port,) = free_ports(1)
    assert health_check(port) == 1
    with stage_process(topics.address, topics.prefix, tmp_path, "language", port=port) as process:
        process.ready(["language"])
        assert health_check(port) == 0
        topics.delete()
        topics.created.clear()
        process.wait()
        assert health_check(port) == 1


def test_the_health_check_asks_every_stage() -> None:
    text = HEALTH_CHECK.read_text(encoding="utf-8")
    assert f"FIRST_PORT = {load().metrics_port}\nSTAGES = {len(STAGES)}\n" in text
