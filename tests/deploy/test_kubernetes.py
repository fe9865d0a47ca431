"""The files for Kubernetes: valid by its own schemas, and as safe as docs/security.md says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.edge.supervisor import WORKER_PORT
from agents.settings import load
from pipeline.flow import STAGES
from schemas.topics import TOPICS, inputs
from tests.test_links import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
OF_OPERATORS = {
    "kafka.strimzi.io/v1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1", "kustomize.config.k8s.io/v1beta1",
    "kustomize.config.k8s.io/v1alpha1",
}  # fmt: skip
"""Kinds whose schemas the operators bring along, not Kubernetes."""

FILES = sorted(FOLDER.rglob("*.yaml"))
SERVICE_PATTERN = "sluice-{}"
Resource = dict[str, Any]


def resources(file: Path) -> Iterator[Resource]:
    yield from (each for each in yaml.safe_load_all(file.read_text(encoding="utf-8")) if each)


def every(kind: str) -> dict[str, Resource]:
    """All resources of a kind, by name."""
    found = [each for file in FILES for each in resources(file) if each["kind"] == kind]
    named = {each["metadata"]["name"]: each for each in found}
    assert len(named) == len(found), f"{kind}: a name stands twice"
    return named


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_kubernetes_own_schemas_take_it(file: Path, tmp_path: Path) -> None:
    known = [each for each in resources(file) if each["apiVersion"] not in OF_OPERATORS]
    if not known:
        assert {each["apiVersion"] for each in resources(file)} <= OF_OPERATORS
        return
    copy = tmp_path / file.name
    copy.write_text(yaml.safe_dump_all(known), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("kubernetes-validate")), "--strict", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_resource_of_a_kustomization_is_a_file_and_every_file_is_in_one() -> None:
    for kustomization in FOLDER.rglob("kustomization.yaml"):
        (content,) = resources(kustomization)
        listed = {kustomization.parent / name for name in content["resources"]}
        assert listed == set(kustomization.parent.glob("*.yaml")) - {kustomization}


def test_every_stage_has_a_stateful_set_a_service_and_a_disruption_budget() -> None:
    wanted = {SERVICE_PATTERN.format(stage) for stage in STAGES}
    sets, services = every("StatefulSet"), every("Service")
    assert set(sets) == set(services) == set(every("PodDisruptionBudget")) == wanted
    for name, found in sets.items():
        labels = found["spec"]["template"]["metadata"]["labels"]
        assert found["spec"]["serviceName"] == name
        assert found["spec"]["selector"]["matchLabels"] == labels == services[name]["spec"]["selector"]
        assert every("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == labels


@pytest.mark.parametrize("stage", STAGES)
def test_a_pod_that_waits_for_kafka_does_not_keep_a_node_from_being_drained(stage: str) -> None:
    assert every("PodDisruptionBudget")[SERVICE_PATTERN.format(stage)]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("stage", STAGES)
def test_a_pod_has_no_more_rights_than_it_needs(stage: str) -> None:
    pod = every("StatefulSet")[SERVICE_PATTERN.format(stage)]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/var/lib/sluice"}
    assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_asked_where_it_answers_and_has_a_stable_name(stage: str) -> None:
    pod = every("StatefulSet")[SERVICE_PATTERN.format(stage)]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["worker", "--stages", stage]
    first = load().metrics_port
    assert container["ports"] == [
        {"name": "metrics", "containerPort": first + STAGES.index(stage)}, {"name": "restarts", "containerPort": first + WORKER_PORT},
    ]  # fmt: skip
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    environment = {each["name"]: each for each in container["env"]}
    assert environment["SLUICE_INSTANCE"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert not any("password" in name.lower() and "value" in each for name, each in environment.items())


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_kills_a_pod_because_its_stage_waits_for_kafka(stage: str) -> None:
    (container,) = every("StatefulSet")[SERVICE_PATTERN.format(stage)]["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/metrics", "port": "restarts"}
    assert "startupProbe" not in container


def test_the_settings_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_CONFIG", str(FOLDER / "base" / "sluice.toml"))
    monkeypatch.setenv("SLUICE_SASL_USERNAME", "sluice-language")
    settings = load()
    assert settings.security_protocol == "SASL_SSL"
    mounts = every("StatefulSet")["sluice-language"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    paths = [Path(mount["mountPath"]) for mount in mounts]
    for file in (settings.sasl_password_file, settings.ssl_ca_file, settings.data_dir / "lock"):
        assert file is not None
        assert file.parent in paths


def test_every_user_and_topic_of_strimzi_is_there() -> None:
    users = every("KafkaUser")
    for stage in STAGES:
        secret = every("StatefulSet")[f"sluice-{stage}"]["spec"]["template"]["spec"]["volumes"][1]["secret"]
        assert secret["secretName"] in users
    names = {topic["spec"]["topicName"] for topic in every("KafkaTopic").values()}
    assert {topic.name for topic in TOPICS if "{" not in topic.name} <= names
    for user in users.values():
        for acl in user["spec"]["authorization"]["acls"]:
            if acl["resource"]["type"] == "topic":
                assert acl["resource"]["name"] in names


def test_no_stage_scales_beyond_the_partitions_of_what_it_reads() -> None:
    topics = {topic["spec"]["topicName"]: topic for topic in every("KafkaTopic").values()}
    scaled = every("ScaledObject")
    assert set(scaled) == set(every("StatefulSet"))
    for name, found in scaled.items():
        for trigger in found["spec"]["triggers"]:
            assert found["spec"]["maxReplicaCount"] == topics[trigger["metadata"]["topic"]]["spec"]["partitions"]
            assert trigger["authenticationRef"]["name"] in every("TriggerAuthentication")
        assert found["spec"]["scaleTargetRef"] == {"kind": "StatefulSet", "name": name}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_scales_by_all_that_it_reads(stage: str) -> None:
    triggers = every("ScaledObject")[SERVICE_PATTERN.format(stage)]["spec"]["triggers"]
    assert [trigger["metadata"]["topic"] for trigger in triggers] == [topic.name for topic in inputs(stage)]
    assert {trigger["metadata"]["consumerGroup"] for trigger in triggers} == {f"sluice.{stage}"}


def test_prometheus_asks_every_port_of_every_pod_under_the_name_that_rules_want() -> None:
    (monitor,) = every("PodMonitor").values()
    (job,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert monitor["spec"]["sampleLimit"] == job["sample_limit"]
    for found in every("StatefulSet").values():
        pod = found["spec"]["template"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} == ports
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        assert {"targetLabel": "job", "replacement": job["job_name"]} in endpoint["relabelings"]


def test_prometheus_operator_gets_the_rules_that_prometheus_gets() -> None:
    (rule,) = every("PrometheusRule").values()
    files = [ROOT / "deploy" / "prometheus" / "rules" / name for name in ("recording.yml", "alerts.yml")]
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    assert rule["spec"] == {"groups": groups}


def test_who_is_not_kafka_or_the_name_server_is_not_spoken_to() -> None:
    policy = every("NetworkPolicy")["sluice"]["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {9093, 53}
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == {"metrics", "restarts"}
