"""The faults, in the order in which they are made, and the alerts that each must raise."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from agents.edge.failures import ExitCode
from schemas.topics import POSTS_INCOMING
from tests.integration.conftest import PARTITIONS
from tests.ops.demo.stage import Pipeline
from tests.ops.demo.town import Town
from tests.support.clients import Outgoing
from tests.support.workers import wait_for


@dataclass(frozen=True)
class Scene:
    """Where faults are made."""

    pipeline: Pipeline
    town: Town


@dataclass(frozen=True)
class Fault:
    """`raises`: the alerts, with labels that they must have."""

    what: str
    make: Callable[[Scene], None]
    mend: Callable[[Scene], None]
    raises: Mapping[str, Mapping[str, str]]


def mood(name: str, value: object, usual: object) -> tuple[Callable[[Scene], None], Callable[[Scene], None]]:
    """Sets it, and sets it back."""
    return lambda scene: setattr(scene.town.mood, name, value), lambda scene: setattr(scene.town.mood, name, usual)


def stop_scoring(scene: Scene) -> None:
    """As somebody would who forgets to start it again."""
    assert scene.pipeline.workers["scoring"].stop() == ExitCode.OK


def start_scoring(scene: Scene) -> None:
    """The right model."""
    scene.pipeline.start("scoring", "scoring").ready(["scoring"])


def kill_language(scene: Scene) -> None:
    """SIGKILL, as soon as it runs again, and again."""
    worker = scene.pipeline.workers["language"]
    for _ in range(4):
        wait_for(lambda: "language" in worker.stages(), lambda: worker.log[-2000:], 30)
        killed = worker.stages()["language"]
        killed.send_signal(signal.SIGKILL)
        wait_for(lambda killed=killed: worker.stages().get("language") != killed, lambda: "it cannot be killed", 30)  # type: ignore[misc]


def add_wrong_model(scene: Scene) -> None:
    """A second worker shares the partitions."""
    scene.pipeline.start("wrong", "scoring", model=scene.pipeline.wrong_model).ready(["scoring"])


def remove_wrong_model(scene: Scene) -> None:
    """Its partitions go back after the session timeout."""
    assert scene.pipeline.workers["wrong"].stop() == ExitCode.OK


def restart_people(scene: Scene, regions: str) -> None:
    """Routing and cases with this file."""
    for name in ("routing", "cases"):
        assert scene.pipeline.workers[name].stop() == ExitCode.OK
        scene.pipeline.start(name, name, regions=scene.pipeline.rules / regions).ready([name])


def delete_unread(scene: Scene) -> None:
    """Posts come while language is stopped, and are deleted before it starts again."""
    pipeline = scene.pipeline
    assert pipeline.workers["language"].stop() == ExitCode.OK
    pipeline.topics.produce(POSTS_INCOMING, [Outgoing(str(number).encode(), b"{}") for number in range(20 * PARTITIONS)])
    name = pipeline.topics.name(POSTS_INCOMING)
    admin = AdminClient({"bootstrap.servers": pipeline.topics.address})
    ends = [TopicPartition(name, number, -1) for number in range(PARTITIONS)]  # -1: all that is there
    for future in admin.delete_records(ends).values():
        future.result(30)
    pipeline.start("language", "language").said("LOST")


FAULTS = (
    Fault("a producer sends what is no post", *mood("poison", True, False), {"SluiceDeadLetters": {"stage": "language"}}),
    Fault("a review tool shows no conversation", *mood("hides_context", True, False), {"SluiceContextNotShown": {"tool": "sluice-review"}}),
    Fault("the platform confirms nothing", *mood("confirms", False, True), {"SluiceEnforcementNotConfirmed": {}}),
    Fault("the people of a region go home", *mood("away", {"dutch"}, set()), {"SluiceNoVerdict": {"region": "dutch"}}),
    Fault(
        "a stage is stopped", stop_scoring, start_scoring,
        {"SluiceStageDown": {"stage": "scoring"}, "SluiceProcessUnreachable": {}},
    ),
    Fault(
        "a stage is killed again and again", kill_language, lambda _: None,
        {"SluiceStageRestarting": {"stage": "language", "code": "killed"}},
    ),
    Fault(
        "a wrong model runs beside the right one", add_wrong_model, remove_wrong_model,
        {"SluiceVersionsDiffer": {"what": "model"}, "SluiceScoreDrift": {}},
    ),
    Fault("reviewers suddenly remove everything", *mood("removes_everything", True, False), {"SluiceVerdictMixJump": {}}),
    Fault(
        "a region closes", lambda scene: restart_people(scene, "closed.toml"), lambda scene: restart_people(scene, "regions.toml"),
        {"SluiceLanguageUnspoken": {"language": "nl"}, "SluiceReviewsOutOfLanguage": {"region": "english"}},
    ),
    Fault("posts are deleted unread", delete_unread, lambda _: None, {"SluicePostsDeletedUnread": {"stage": "language"}}),
)  # fmt: skip
