"""Settings: where they come from, and that a wrong one is named with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import load
from pipeline.config import ConfigError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the environment of the tests."""
    import os

    for name in os.environ:
        if name.startswith("SLUICE_") and not name.startswith("SLUICE_TEST_"):
            monkeypatch.delenv(name)


def refused(**given: object) -> str:
    with pytest.raises(ConfigError) as error:
        load(**given)
    return str(error.value)


def file(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    path = folder / "sluice.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SLUICE_CONFIG", str(path))
    return path


def test_the_command_line_comes_before_the_environment_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().broker == "127.0.0.1:9092"
    file(tmp_path, monkeypatch, 'broker = "file:1"\ngroup = "file"\n')
    assert (load().broker, load().group) == ("file:1", "file")
    monkeypatch.setenv("SLUICE_BROKER", "environment:1")
    assert (load().broker, load().group) == ("environment:1", "file")
    assert load(broker="line:1", group=None).broker == "line:1"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BROKER", "kafka", "SLUICE_BROKER: must be host:port, such as localhost:9092, or several with commas between (got 'kafka')"),
        (
            "TOPIC_PREFIX",
            "staging",
            "SLUICE_TOPIC_PREFIX: must be empty, or words of letters, digits, _, - that each end in a dot, such as staging.",
        ),
        ("INSTANCE", "a b", "SLUICE_INSTANCE: must be 1 to 100 letters, digits, ., _ or - (got 'a b')"),
        ("SCORING_THREADS", "0", "SLUICE_SCORING_THREADS: Input should be greater than or equal to 1 (got '0')"),
        ("SCORING_THREADS", "many", "SLUICE_SCORING_THREADS: Input should be a valid integer"),
        ("SESSION_TIMEOUT_SECONDS", "5", "SLUICE_SESSION_TIMEOUT_SECONDS: Input should be greater than or equal to 6"),
        (
            "SECURITY_PROTOCOL",
            "TLS",
            "SLUICE_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL' (got 'TLS')",
        ),
        ("METRICS_PORT", "65001", "SLUICE_METRICS_PORT: Input should be less than or equal to 65000"),
        ("LOG_LEVEL", "trace", "SLUICE_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(f"SLUICE_{name}", value)
    assert refused().startswith(f"environment: {says}")


def test_a_wrong_key_is_named_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, monkeypatch, "scoring_batch = 1000\nbatch_size = 7\n")
    assert refused().splitlines() == [
        f"{path}: scoring_batch: Input should be less than or equal to 512 (got 1000)",
        f"{path}: batch_size: no such key; did you mean batch_posts?",
    ]


def test_a_misspelt_key_is_not_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, monkeypatch, "brokers = 'kafka:9092'\nxyz = 1\n")
    assert refused().splitlines() == [
        f"{path}: brokers: no such key; did you mean broker?",
        f"{path}: xyz: no such key; docs/settings.md lists them",
    ]


def test_a_wrong_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_BROKER", "fine:1")
    assert refused(broker="kafka").startswith("command line: broker: ")


def test_each_fault_has_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_BROKER", "kafka")
    monkeypatch.setenv("SLUICE_LOG_LEVEL", "loud")
    assert len(refused().splitlines()) == 2


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("SLUICE_BROKERS", "SLUICE_BROKERS: no such setting; did you mean SLUICE_BROKER?"),
        ("SLUICE_COMMIT_INTERVALL", "SLUICE_COMMIT_INTERVALL: no such setting; did you mean SLUICE_COMMIT_INTERVAL_SECONDS?"),
        ("SLUICE_XYZ", "SLUICE_XYZ: no such setting; docs/settings.md lists them"),
    ],
)
def test_a_misspelt_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch, variable: str, says: str) -> None:
    monkeypatch.setenv(variable, "1")
    assert refused() == says


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_TEST_BROKER", "127.0.0.1:1")
    monkeypatch.setenv("SLUICEGATE", "open")
    assert load().broker == "127.0.0.1:9092"


@pytest.mark.parametrize("text", ["broker = ", "= 1", "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1")])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = file(tmp_path, monkeypatch, text)
    assert refused().startswith(f"{path}: ")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, monkeypatch, "")
    path.write_text('broker = "kafka:9092"', encoding="utf-8-sig")
    assert load().broker == "kafka:9092"


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, monkeypatch, "")
    path.write_bytes(b'broker = "\xff"')
    assert refused().startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_CONFIG", str(tmp_path / "none.toml"))
    assert refused() == f"SLUICE_CONFIG: {tmp_path / 'none.toml'}: no such file"


SECRET = "correct-horse-battery-staple"


@pytest.mark.parametrize("wrong", ["security_protocol = 'SASL_SSL'", "ssl_key_file = 'k'", "broker = 'x'", "scoring_batch = 0"])
@pytest.mark.parametrize("where", ["environment", "file"])
def test_no_error_shows_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, where: str) -> None:
    password = f"sasl_password = '{SECRET}'\n" if where == "file" else ""
    file(tmp_path, monkeypatch, password + wrong)
    if where == "environment":
        monkeypatch.setenv("SLUICE_SASL_PASSWORD", SECRET)
    assert SECRET not in refused()


def test_a_password_of_the_wrong_type_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, monkeypatch, "sasl_password = 4711\n")
    assert refused() == f"{path}: sasl_password: Input should be a valid string (got '<hidden>')"


def test_a_password_in_a_file_that_is_no_toml_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file(tmp_path, monkeypatch, f"sasl_password = {SECRET}\n")
    assert SECRET not in refused()


def test_settings_printed_hide_the_password() -> None:
    settings = load(sasl_password=SECRET)
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"security_protocol": "SASL_SSL"},
            "settings: security_protocol SASL_SSL needs sasl_username, and sasl_password or sasl_password_file",
        ),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_username": "u"}, "settings: security_protocol SASL_PLAINTEXT needs"),
        ({"ssl_key_file": "k.pem"}, "settings: ssl_certificate_file and ssl_key_file must be given together"),
    ],
)
def test_settings_that_belong_together_are_asked_for(given: dict[str, object], says: str) -> None:
    assert refused(**given).startswith(says)
