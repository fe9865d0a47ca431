"""Pages made from the code: `python -m agents.docs` writes docs/settings.md, docs/metrics.md, tables in other pages, and what is
made under deploy/kubernetes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from agents import kubernetes, series, tables
from agents.edge import metrics
from agents.edge.pulse import Pulse
from agents.edge.supervisor import PORTS_PER_INSTANCE, WORKER_PORT
from agents.edge.watchdog import Watchdog
from agents.settings import ENV_PREFIX, IN_WORDS, MIB, PACKAGED, Settings
from pipeline.flow import STAGES

ROOT = PACKAGED.parent
COMMAND = "python -m agents.docs"
UNSET = "unset"

EXAMPLE = """\
broker = "kafka-1.example:9093,kafka-2.example:9093"
topic_prefix = "prod."
security_protocol = "SASL_SSL"
sasl_username = "sluice"
sasl_password_file = "/run/secrets/kafka-password"
ssl_ca_file = "/etc/ssl/kafka-ca.pem"
policy = "/etc/sluice/policies"
regions = "/etc/sluice/regions.toml"
roster = "/etc/sluice/roster.toml"
data_dir = "/var/lib/sluice"
metrics_host = "0.0.0.0"
"""

SETTINGS_PAGE = """\
# Settings

Made from `agents/settings.py` by `{command}`; do not edit.

A setting is taken from the first of these that names it:

1. the command line, where a command has an option for it (`--broker`, `--model`);
2. the environment: `{prefix}` and the name in capitals, as in the table;
3. the TOML file that the variable `SLUICE_CONFIG` names, where keys are the names in small letters without `{prefix}`;
4. the default.

A value that is not allowed, a key that does not exist and a variable that begins with `{prefix}` but is no setting stop the command
with exit code 78 (2, where only the command line is wrong) and a sentence that says what is allowed. (`SLUICE_CONFIG` and
`SLUICE_TEST_...` are no settings.)

| variable | default | allowed | what it is |
|---|---|---|---|
{rows}
Relative paths are taken from the folder in which the command runs. Defaults that begin with `{package}/` lie in the installed package.

## As a file

```toml
{example}```

Run `SLUICE_CONFIG=/etc/sluice/sluice.toml sluice doctor` to see whether it is right.

## Secrets

Give the password of SASL as a file (`{prefix}SASL_PASSWORD_FILE`), as Docker and Kubernetes mount secrets: other processes of the
user can read an environment, and it is often printed. The file's content is the password; one newline at its end is left out. The
private key of mutual TLS is a file too (`{prefix}SSL_KEY_FILE`), without a passphrase. Passwords are never logged or shown in an error.
"""

METRICS_PAGE = """\
# Metrics and health

Made from `agents/edge/metrics.py` by `{command}`; do not edit.

Each stage is a process with an HTTP port of its own, on which it serves `/metrics` (Prometheus) and `/healthz` (JSON). The first
worker of a host uses the ports below. Each further one with the same `{prefix}DATA_DIR` adds {ports_per_instance} to them, unless it has a
`{prefix}INSTANCE`: then give it a `{prefix}METRICS_PORT` too. That variable names the first port; 0 takes any free ports, and the log
says which. They listen on `{prefix}METRICS_HOST` ({host}); set it to `0.0.0.0` to be scraped from elsewhere.

| process | port |
|---|---|
{ports}
The worker itself starts its stages again when they end, and counts that by their exit code: `sluice_restarts_total`.

## Metrics

No label takes its values from a post: what lies outside the sets named below is counted as `{other}`.

| metric | type | labels | what it counts or measures |
|---|---|---|---|
{metrics}
Buckets of seconds: {seconds}; of the time that cases wait: {days}. Buckets of posts: {posts}. Buckets of probabilities: {ratios}.

Besides, each process serves what prometheus-client measures of it: `process_*` (CPU, memory, open files; on Linux), `python_gc_*` and
`python_info`.

| label | values |
|---|---|
{labels}
## Cost

With the policy and the regions that come along a process has at most so many series, if every value of every label occurs with every
other. In traffic most do not; [Operations](operations.md#what-prometheus-has-to-bear) says what that means for Prometheus.

| process | series at most |
|---|---|
{cost}
## Health

`/healthz` answers 200 when the stage does its work, else 503; the body says why.

| field | meaning |
|---|---|
{health}
| status | answer | meaning |
|---|---|---|
{statuses}"""

HEALTH = {
    "status": "one of those below",
    "stage": "which stage it is",
    "partitions": "partitions of its topic that this process reads; 0 is well where there are more workers than partitions",
    "partitions_not_answering": "of these, those whose broker has not answered for 15 s",
    "lag_records": "records of these partitions that are not acknowledged, as far as their brokers answer",
    "commit_age_seconds": "for how long acknowledged work has waited for a commit; 0 if none waits",
    "seconds_without_progress": "for how long nothing has moved though there is work, or no assignment",
    "seconds_without_broker": "for how long the group's broker has not answered, heartbeats included; 0 while it answers",
}

STATUSES = (
    ("ok", 200, "it reads, or waits for records"),
    ("no broker", 503, "no answer for longer than `session_timeout_seconds`, at least 10 s; it waits, and goes on when there is one"),
    ("joining the group", 503, "not in its consumer group yet, or the group rebalances"),
    (
        "partition not answering",
        503,
        "the broker of a partition has not answered for 15 s, though the group's does; what comes there is not read, the rest is",
    ),
    ("no progress", 503, "nothing has moved for half of `stuck_after_seconds`; at the whole of it the process ends with exit code 71"),
    ("not committing", 503, "what is done has not been committed for 60 s"),
    ("event loop blocked", 503, "the process has not looked at itself for 15 s"),
)


def documents() -> dict[Path, str]:
    """Every page made here: its path from the repository's root, and its content."""
    pages = {Path("docs/settings.md"): settings_page(), Path("docs/metrics.md"): metrics_page()}
    return {**pages, **tables.documents(), **kubernetes.documents()}


def settings_page() -> str:
    """docs/settings.md."""
    properties = Settings.model_json_schema()["properties"]
    rows = _rows(
        (f"`{ENV_PREFIX}{name.upper()}`", _default(Settings.model_fields[name].default), _allowed(schema), schema["description"])
        for name, schema in properties.items()
    )
    return SETTINGS_PAGE.format(command=COMMAND, prefix=ENV_PREFIX, rows=rows, example=EXAMPLE, package=PACKAGED.name)


def _default(value: object) -> str:
    if value is None:
        return UNSET
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT).as_posix()  # the same on every machine
    if value == "":
        return "empty"
    if isinstance(value, int) and value >= MIB and value % MIB == 0:
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value}`"


def _allowed(schema: Mapping[str, Any]) -> str:
    """What the JSON Schema of a setting says, in words. `null` is said by its default."""
    kind = next((each for each in schema.get("anyOf", ()) if each["type"] != "null"), schema)
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if "pattern" in kind:
        return str(kind[IN_WORDS])
    if kind["type"] in ("integer", "number"):
        least = f"above {kind['exclusiveMinimum']}" if "exclusiveMinimum" in kind else str(kind["minimum"])
        return f"{least} to {kind['maximum']}"
    return {"path": "a path", "password": "a secret"}.get(kind.get("format", ""), "text")


def metrics_page() -> str:
    """docs/metrics.md."""
    settings = Settings.model_fields
    first_port = settings["metrics_port"].default
    defaults = Settings.model_construct()  # whatever the environment says
    limits = settings["stuck_after_seconds"].default, settings["session_timeout_seconds"].default
    _, report = Watchdog(STAGES[0], Pulse(joined=True), *limits).health()
    return METRICS_PAGE.format(
        command=COMMAND,
        prefix=ENV_PREFIX,
        ports_per_instance=PORTS_PER_INSTANCE,
        host=settings["metrics_host"].default,
        other=metrics.OTHER,
        ports=_rows((process, str(first_port + place)) for place, process in (*enumerate(STAGES), (WORKER_PORT, "the worker"))),
        metrics=_rows(metric_row(metric) for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)),
        seconds=", ".join(map(str, metrics.SECONDS)),
        posts=", ".join(map(str, metrics.POSTS)),
        days=", ".join(map(str, metrics.DAYS)),
        ratios=", ".join(map(str, metrics.RATIOS)),
        labels=_rows(series.LABELS.items()),
        cost=_rows((process, f"{series.most(process, defaults):,}") for process in series.SERVED),
        health=_rows((f"`{field}`", HEALTH[field]) for field in report),
        statuses=_rows((f"`{status}`", str(code), meaning) for status, code, meaning in STATUSES),
    )


def metric_row(metric: MetricWrapperBase) -> tuple[str, ...]:
    """Name, type, labels, help."""
    (described,) = metric.describe()
    name = described.name + ("_total" if described.type == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # prometheus-client shows them nowhere else before the first count
    return f"`{name}`", described.type, labels, described.documentation


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> None:
    """Writes every page."""
    for path, content in documents().items():
        (ROOT / path).write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
