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
    for file in files(overlay()).values():
        path = kustomization.parent / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# a file of yours\n", encoding="utf-8")
    done = subprocess.run([KUBECTL, "kustomize", str(kustomization.parent)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def files(kustomization: Resource) -> dict[str, str]:
    """By the key in the ConfigMap: the file beside the overlay."""
    (generator,) = kustomization["configMapGenerator"]
    assert (generator["name"], generator["behavior"]) == ("sluice", "merge")
    return {key: file or key for key, _, file in (entry.partition("=") for entry in generator["files"])}


def test_what_it_stands_on_is_there() -> None:
    for path in (*overlay()["resources"], *overlay()["components"]):
        assert (ROOT / path.removeprefix(CHECKOUT) / "kustomization.yaml").exists()


def test_keda_calls_kafka_by_a_name_that_other_namespaces_know() -> None:
    host, port = tomllib.loads((FOLDER / "base" / "sluice.toml").read_text(encoding="utf-8"))["broker"].split(":")
    name = f"{host}.{overlay()['namespace']}.svc:{port}"
    assert {found["spec"]["triggers"][0]["metadata"]["bootstrapServers"] for found in every("ScaledObject").values()} == {name}
    (replacement,) = overlay()["replacements"]
    assert replacement["source"]["name"] in every(replacement["source"]["kind"])
    (target,) = replacement["targets"]
    assert target["select"] == {"kind": "ScaledObject"}
    assert target["fieldPaths"] == ["spec.triggers.0.metadata.bootstrapServers"]
    assert name.split(target["options"]["delimiter"])[target["options"]["index"]] == overlay()["namespace"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not here")
def test_kubectl_renders_it_in_any_namespace(tmp_path: Path) -> None:
    found = rendered(tmp_path, namespace="elsewhere")
    assert {each["metadata"]["namespace"] for each in found} == {"elsewhere"}
    scaled = [each for each in found if each["kind"] == "ScaledObject"]
    assert len(scaled) == len(every("ScaledObject"))
    for each in scaled:
        assert each["spec"]["triggers"][0]["metadata"]["bootstrapServers"] == "kafka-kafka-bootstrap.elsewhere.svc:9093"
    sets = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "StatefulSet"}
    assert set(sets) == set(every("StatefulSet"))
    assert not any("replicas" in each for each in sets.values())
