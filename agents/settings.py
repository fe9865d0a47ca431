"""Every setting, in one class: from environment variables `SLUICE_<NAME>`, else from a TOML file, else the default.

docs/settings.md is generated from it. A wrong value stops the start with a sentence that names the variable, or the file and key, and what
is allowed.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

import pipeline
from pipeline.config import ConfigError, key, sentence

PACKAGED = Path(pipeline.__file__).parent
ENV_PREFIX = "SLUICE_"
NOT_SETTINGS = ("SLUICE_CONFIG", "SLUICE_TEST_")
"""Variables of the same prefix that are no settings: the file's path, and what the tests read."""

KIB, MIB = 1024, 1024 * 1024

NAME = r"^[A-Za-z0-9._-]{1,100}$"
NAME_WORDS = "1 to 100 letters, digits, `.`, `_` or `-`"
IN_WORDS = "in_words"
"""Key in a setting's JSON Schema: what its pattern allows, for errors and docs/settings.md."""


def _form(pattern: str, words: str) -> Any:  # noqa: ANN401 - pydantic's FieldInfo, which type checkers know as Any
    return Field(pattern=pattern, json_schema_extra={IN_WORDS: words})


class Settings(BaseSettings):
    """All settings of all commands."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    broker: Annotated[
        str, _form(r"^[^,:\s]+:\d+(,[^,:\s]+:\d+)*$", "`host:port`, such as `localhost:9092`, or several with commas between")
    ] = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, `host:port`, several separated by commas.")
    topic_prefix: Annotated[
        str,
        _form(r"^([A-Za-z0-9_-]+\.)*$", "empty, or words of letters, digits, `_`, `-` that each end in a dot, such as `staging.`"),
        Field(max_length=100),
    ] = Field("", description="Put before every topic name, for example `staging.`; empty or ending in a dot.")
    group: Annotated[str, _form(NAME, NAME_WORDS)] = Field(
        "sluice", description="Consumer group of a stage is `<topic_prefix><group>.<stage>`."
    )
    instance: Annotated[str, _form(NAME, NAME_WORDS)] | None = Field(
        None,
        description="Name of this worker for static membership: unique among the workers of a group, the same after a restart. "
        "Unset: the host's name and the first number that no other worker of this `data_dir` holds.",
    )
    data_dir: Path = Field(Path("data"), description="Folder for locks and working files. Holds nothing that must outlive a worker.")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field("PLAINTEXT", description="How to speak to Kafka.")
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field("SCRAM-SHA-512", description="For SASL protocols.")
    sasl_username: str | None = Field(None, description="For SASL protocols.")
    sasl_password: SecretStr | None = Field(None, description="For SASL protocols; or `sasl_password_file`.")
    sasl_password_file: Path | None = Field(None, description="File whose content, without its last newline, is the password.")
    ssl_ca_file: Path | None = Field(None, description="PEM file with the authorities that sign brokers. Unset: those of the system.")
    ssl_certificate_file: Path | None = Field(None, description="PEM file with this client's certificate (mutual TLS).")
    ssl_key_file: Path | None = Field(None, description="PEM file with this client's key (mutual TLS).")

    model: Path = Field(PACKAGED / "models" / "default", description="Folder of the model bundle (`bundle.toml`).")
    policy: Path = Field(PACKAGED / "policies" / "default", description="Policy file, or a folder with its versions.")
    regions: Path = Field(PACKAGED / "policies" / "regions.toml", description="Regions file.")
    roster: Path = Field(PACKAGED / "policies" / "roster.toml", description="Roster of the reviewers whose verdicts count.")

    scoring_threads: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Cores that one scoring process uses.")
    scoring_batch: Annotated[int, Field(ge=1, le=512)] = Field(
        64, description="Most posts scored in one go; a quarter of it while no more than this many wait."
    )
    score_cache_bytes: Annotated[int, Field(ge=0, le=1024 * MIB)] = Field(
        16 * MIB,
        description="Memory for the scores of texts that come again and again; they are the same as without it. 0: none are kept.",
    )
    batch_posts: Annotated[int, Field(ge=1, le=10_000)] = Field(500, description="Most posts handled in one go by the other stages.")
    batch_bytes: Annotated[int, Field(ge=KIB, le=64 * MIB)] = Field(MIB, description="Most bytes handled in one go.")
    fetch_wait_ms: Annotated[int, Field(ge=1, le=5000)] = Field(
        500, description="How long a fetch waits while nothing comes. No post is delayed by it: what comes ends the fetch."
    )
    fetch_pace_ms: Annotated[int, Field(ge=0, le=1000)] = Field(
        0,
        description="While posts flow, at least so long lies between two fetches of a stage: what comes meanwhile is fetched and handled "
        "together. 10 saves CPU (in a trial at 125 posts a second a fifth of what the first stage takes) and costs up to so much latency a "
        "stage. The first post after a pause is not delayed by it. The cases stage: at least 200.",
    )
    context_history: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        20_000, description="Posts per partition that routing reads again at assignment, to know the conversations."
    )
    context_bytes: Annotated[int, Field(ge=KIB, le=1024 * MIB)] = Field(
        8 * MIB, description="Memory for conversations, per partition assigned to routing."
    )
    highlight_passes: Annotated[int, Field(ge=0, le=256)] = Field(
        32,
        description="Words of a post for people that are looked at for highlights, a forward pass each. 0: no highlights, and routing "
        "loads no model.",
    )
    dead_letter_bytes: Annotated[int, Field(ge=KIB, le=900 * KIB)] = Field(
        256 * KIB, description="A dead letter keeps at most so many bytes of the original, with hash and length of the whole."
    )

    commit_interval_seconds: Annotated[float, Field(gt=0, le=60)] = Field(0.5, description="Time between offset commits.")
    session_timeout_seconds: Annotated[float, Field(ge=6, le=300)] = Field(
        10, description="How long Kafka waits for a silent worker before others get its partitions."
    )
    delivery_timeout_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        120, description="How long an output may wait for the broker's word before the worker stops (exit code 70)."
    )
    stuck_after_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(
        120, description="No progress for so long, with work at hand: the worker stops (exit code 71)."
    )

    metrics_host: str = Field("127.0.0.1", description="Address on which /metrics and /healthz listen; `0.0.0.0` for all.")
    metrics_port: Annotated[int, Field(ge=0, le=65000)] = Field(
        9410, description="Port of the first stage; the next ones follow. 0: any free ports (the log says which)."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe message that is logged.")
    replication_factor: Annotated[int, Field(ge=1, le=15)] | None = Field(
        None, description="Copies of each topic that `topics create` makes. Unset: 3, or as many as there are brokers."
    )

    @pydantic.model_validator(mode="after")
    def _credentials_are_complete(self) -> Settings:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and (self.sasl_password or self.sasl_password_file)):
            raise ValueError(f"security_protocol {self.security_protocol} needs sasl_username, and sasl_password or sasl_password_file")
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_certificate_file and ssl_key_file must be given together")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line before environment before file."""
        path = os.environ.get("SLUICE_CONFIG")
        if not path:
            return (init_settings, env_settings)
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))  # TomlConfigSettingsSource takes no byte-order mark
        return (init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=content))


def load(**given: Any) -> Settings:  # noqa: ANN401 - each value is checked against its field
    """The settings; `given` are options of the command line. Raises ConfigError with a sentence per fault."""
    path = os.environ.get("SLUICE_CONFIG")
    if path and not Path(path).is_file():
        raise ConfigError(f"SLUICE_CONFIG: {path}: no such file")
    unknown = [fault for name in os.environ if (fault := _unknown_variable(name))]
    if unknown:
        raise ConfigError("\n".join(unknown))
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except pydantic.ValidationError as error:
        raise ConfigError("\n".join(_sentence(fault, given, path) for fault in error.errors(include_url=False))) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # the TOML file cannot be parsed
        raise ConfigError(f"{path}: {error}") from error


def _unknown_variable(name: str) -> str | None:
    """A misspelt variable would leave its setting at the default without a word."""
    if not name.startswith(ENV_PREFIX) or name.startswith(NOT_SETTINGS) or name[len(ENV_PREFIX) :].lower() in Settings.model_fields:
        return None
    near = _near(name[len(ENV_PREFIX) :].lower())
    return f"{name}: no such setting" + (f"; did you mean {ENV_PREFIX}{near.upper()}?" if near else "; docs/settings.md lists them")


def _near(name: str) -> str | None:
    """The setting that was probably meant."""
    return next(iter(difflib.get_close_matches(name, Settings.model_fields, n=1)), None)


def allowed_words(name: str) -> str:
    """What the pattern of a setting allows, without the marks of code."""
    schema = Settings.model_json_schema()["properties"][name]
    kind = next((each for each in schema.get("anyOf", ()) if IN_WORDS in each), schema)
    return str(kind[IN_WORDS]).replace("`", "")


def _sentence(fault: Mapping[str, Any], given: Mapping[str, Any], path: str | None) -> str:
    """Names where the wrong value came from. A secret is never shown."""
    name = key(fault["loc"])
    if not fault["loc"]:
        return f"settings: {fault['msg'].removeprefix('Value error, ')}"
    variable = ENV_PREFIX + name.upper()
    if "password" in name:
        fault = {**fault, "input": "<hidden>"}
    if fault["type"] == "string_pattern_mismatch":
        fault = {**fault, "msg": f"must be {allowed_words(name)}"}
    if name in given and given[name] is not None:
        return sentence("command line", name, fault)
    if fault["type"] == "extra_forbidden":
        return f"{path}: {name}: no such key" + (f"; did you mean {near}?" if (near := _near(name)) else "; docs/settings.md lists them")
    return sentence("environment" if variable in os.environ else path or "settings", variable if variable in os.environ else name, fault)
