"""What Kubernetes needs to know of stages, topics and rights, made from the tables in the code: files under deploy/kubernetes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Template
from typing import NamedTuple

from agents.edge.supervisor import WORKER_PORT
from agents.rights import names_of, strimzi_users
from agents.settings import PACKAGED, Settings
from agents.topics import WantedTopic, wanted_topics
from pipeline.flow import STAGES
from pipeline.policy.regions import read_regions
from schemas.rights import roles
from schemas.topics import COPIES, inputs

ROOT = PACKAGED.parent
FOLDER = Path("deploy/kubernetes")
CLUSTER = "kafka"
"""Strimzi's name of the Kafka cluster, where nothing else is said."""

NAMESPACE = "moderation"
"""Where the overlay of docs/deploy.md puts everything, Kafka included."""

BROKER = f"{CLUSTER}-kafka-bootstrap.{NAMESPACE}.svc:9093"
"""Kafka as it is called from other namespaces; Strimzi's certificate has this name too."""

PRINCIPAL_PREFIX = "sluice-"
MADE = "# Made by `python -m agents.docs` from the table of topics and pipeline/policies/regions.toml; do not edit.\n"
AUTHENTICATION = """\
# The user `monitor` may see how far the stages are, and read no record.
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: sluice-monitor
  labels:
    app.kubernetes.io/name: sluice
spec:
  secretTargetRef:
    - parameter: sasl
      name: sluice-keda
      key: sasl
    - parameter: tls
      name: sluice-keda
      key: tls
    - parameter: username
      name: sluice-keda
      key: username
    - parameter: password
      name: sluice-monitor
      key: password
    - parameter: ca
      name: kafka-cluster-ca-cert
      key: ca.crt
---
apiVersion: v1
kind: Secret
metadata:
  name: sluice-keda
  labels:
    app.kubernetes.io/name: sluice
stringData:
  sasl: scram_sha512
  tls: enable
  username: sluice-monitor
"""


class Share(NamedTuple):
    """What a worker of a stage asks of a node; a start for measurements of one's own. `patience`: seconds before workers are taken away."""

    cpu: str
    memory: str
    patience: int


SHARES = {
    "language": Share("500m", "512Mi", 600),
    "scoring": Share("1", "1Gi", 600),
    "routing": Share("500m", "1Gi", 600),
    "cases": Share("500m", "1Gi", 1800),  # its state is restored with every partition that moves
}


def documents() -> dict[Path, str]:
    """Every file made here: its path from the repository's root, and its content."""
    settings = Settings.model_construct()  # the defaults, whatever the environment says
    regions = read_regions(settings.regions)
    users = strimzi_users(roles(names_of(settings, regions)), PRINCIPAL_PREFIX, CLUSTER)
    return {
        **{FOLDER / "base" / f"{stage}.yaml": stage_resources(settings, stage) for stage in STAGES},
        FOLDER / "strimzi" / "topics.yaml": MADE + strimzi_topics(wanted_topics(settings, regions), CLUSTER),
        FOLDER / "strimzi" / "users.yaml": MADE + users,
        FOLDER / "keda" / "scaling.yaml": MADE + AUTHENTICATION + "".join(map(scaling, STAGES)),
    }


def stage_resources(settings: Settings, stage: str) -> str:
    """Service, disruption budget and StatefulSet of a stage."""
    share, first = SHARES[stage], settings.metrics_port
    return template("stage").substitute(
        stage=stage, port=first + STAGES.index(stage), worker_port=first + WORKER_PORT, cpu=share.cpu, memory=share.memory
    )


def scaling(stage: str) -> str:
    """The ScaledObject of a stage, with a trigger for each topic that it reads: all of them have as many partitions."""
    sources, group = inputs(stage), f"{Settings.model_fields['group'].default}.{stage}"
    scaled = template("scaling").substitute(stage=stage, partitions=sources[0].partitions, patience=SHARES[stage].patience)
    trigger = template("trigger")
    return scaled + "".join(trigger.substitute(broker=BROKER, topic=source.name, group=group) for source in sources)


def template(name: str) -> Template:
    """What stands in deploy/kubernetes for every stage, or every input of one."""
    return Template((ROOT / FOLDER / f"{name}.yaml.in").read_text(encoding="utf-8"))


def strimzi_topics(wanted: Iterable[WantedTopic], cluster: str) -> str:
    """A KafkaTopic per topic, for the cluster of that name."""
    return "".join("\n".join(_strimzi_topic(topic, cluster)) + "\n" for topic in wanted)


def _strimzi_topic(topic: WantedTopic, cluster: str) -> Iterator[str]:
    yield "---"
    yield "apiVersion: kafka.strimzi.io/v1"
    yield "kind: KafkaTopic"
    yield "metadata:"
    yield f"  name: {topic.name.lower().replace('_', '-')}"  # a name that Kubernetes takes; topicName is the real one
    yield "  labels:"
    yield f"    strimzi.io/cluster: {cluster}"
    yield "spec:"
    yield f"  topicName: {topic.name}"
    yield f"  partitions: {topic.partitions}"
    yield f"  replicas: {topic.copies(COPIES)}"
    yield "  config:"
    for name, value in topic.config(topic.copies(COPIES)).items():
        yield f"    {name}: {value}"
