"""The overlay that docs/deploy.md shows: what it changes is there, and what it makes of it starts."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.agents.cli.commands import sluice
from tests.deploy.test_kubernetes import FOLDER, Resource, every
from tests.test_links import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```yaml\n(apiVersion: kustomize.*?)^```", re.M | re.S)
CHECKOUT = "../sluice/"
"""Where the overlay looks for this repository."""

KUBECTL = shutil.which("kubectl")


def overlay() -> dict[str, Any]:
    (text,) = BLOCK.findall(PAGE)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def rendered(folder: Path, **changed: object) -> list[Resource]:
    """What kubectl makes of it, with these keys changed."""
    assert KUBECTL
    shutil.copytree(FOLDER, folder / "sluice" / FOLDER.relative_to(ROOT))
    kustomization = folder / "overlay" / "kustomization.yaml"
    kustomization.parent.mkdir()
    kustomization.write_text(yaml.safe_dump({**overlay(), **changed}), encoding="utf-8")
    lay_out(kustomization.parent)
    done = subprocess.run([KUBECTL, "kustomize", str(kustomization.parent)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def files(kustomization: Resource) -> dict[str, str]:
    """By the key in the ConfigMap: the file beside the overlay."""
    (generator,) = kustomization["configMapGenerator"]
    assert (generator["name"], generator["behavior"]) == ("sluice", "merge")
    return {key: file or key for key, _, file in (entry.partition("=") for entry in generator["files"])}


def lay_out(folder: Path) -> None:
    """What the page says to copy there, and to write."""
    for line in re.findall(r"^cp (.*)$", PAGE, re.M):
        *sources, target = (word for word in line.split() if word != "-r")
        for source in sources:
            path = ROOT / source.removeprefix(CHECKOUT)
            shutil.copytree(path, folder / target) if path.is_dir() else shutil.copy(path, folder / target)
    (added,) = re.findall(r"^```toml\n(policy = .*?)^```", PAGE, re.M | re.S)
    with (folder / "sluice.toml").open("a", encoding="utf-8") as file:
        file.write(added)


def items() -> dict[str, str]:
    """By the key in the ConfigMap: the file in the pod, below where the settings are mounted."""
    (patch,) = overlay()["patches"]
    assert patch["target"] == {"kind": "StatefulSet"}
    (operation,) = yaml.safe_load(patch["patch"])
    assert (operation["op"], operation["path"]) == ("add", "/spec/template/spec/volumes/0/configMap/items")
    for found in every("StatefulSet").values():
        assert found["spec"]["template"]["spec"]["volumes"][0] == {"name": "settings", "configMap": {"name": "sluice"}}
    return {item["key"]: item["path"] for item in operation["value"]}


def test_a_pod_finds_its_files_and_the_policy_its_evidence(tmp_path: Path) -> None:
    """As the kubelet lays them out, but for the folder; everything that the ConfigMap holds is there."""
    beside, mounted = tmp_path / "overlay", tmp_path / "mounted"
    beside.mkdir()
    lay_out(beside)
    placed = items()
    assert placed.keys() == files(overlay()).keys()
    for key, file in files(overlay()).items():
        target = mounted / placed[key]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((beside / file).read_text(encoding="utf-8").replace("/etc/sluice/", f"{mounted}/"), encoding="utf-8")
    done = sluice("policy", "check", config=mounted / "sluice.toml", sasl_username="sluice-routing")
    assert done.exit_code == 0, done.stderr
    (evidence,) = (mounted / "policies" / "evidence").iterdir()
    evidence.unlink()
    lacking = sluice("policy", "check", config=mounted / "sluice.toml", sasl_username="sluice-routing")
    assert lacking.exit_code == 78
    assert str(evidence) in lacking.stderr


def test_what_it_stands_on_is_there() -> None:
    for path in (*overlay()["resources"], *overlay()["components"]):
        assert (ROOT / path.removeprefix(CHECKOUT) / "kustomization.yaml").exists()


def test_keda_calls_kafka_by_a_name_that_other_namespaces_know() -> None:
    host, port = tomllib.loads((FOLDER / "base" / "sluice.toml").read_text(encoding="utf-8"))["broker"].split(":")
    name = f"{host}.{overlay()['namespace']}.svc:{port}"
    triggers = [trigger for found in every("ScaledObject").values() for trigger in found["spec"]["triggers"]]
    assert {trigger["metadata"]["bootstrapServers"] for trigger in triggers} == {name}
    (replacement,) = overlay()["replacements"]
    assert replacement["source"]["name"] in every(replacement["source"]["kind"])
    (target,) = replacement["targets"]
    assert target["select"] == {"kind": "ScaledObject"}
    assert target["fieldPaths"] == ["spec.triggers.*.metadata.bootstrapServers"]
    assert name.split(target["options"]["delimiter"])[target["options"]["index"]] == overlay()["namespace"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not here")
def test_kubectl_renders_it_in_any_namespace(tmp_path: Path) -> None:
    found = rendered(tmp_path, namespace="elsewhere")
    assert {each["metadata"]["namespace"] for each in found} == {"elsewhere"}
    scaled = [each for each in found if each["kind"] == "ScaledObject"]
    assert len(scaled) == len(every("ScaledObject"))
    for each in scaled:
        servers = {trigger["metadata"]["bootstrapServers"] for trigger in each["spec"]["triggers"]}
        assert servers == {"kafka-kafka-bootstrap.elsewhere.svc:9093"}
    sets = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "StatefulSet"}
    assert set(sets) == set(every("StatefulSet"))
    assert not any("replicas" in each for each in sets.values())
    (config,) = (each for each in found if each["kind"] == "ConfigMap")
    for each in sets.values():
        settings = each["template"]["spec"]["volumes"][0]["configMap"]
        assert settings["name"] == config["metadata"]["name"]
        assert {item["key"] for item in settings["items"]} == config["data"].keys()
