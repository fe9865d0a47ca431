"""`sluice topics create | check | rights | resources`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.text import Text

from agents import kubernetes
from agents.cli.common import Broker, clear_errors, settings_for
from agents.cli.show import say, table, verbatim
from agents.rights import Format, kafka_acls, names_of, rows, strimzi_users
from agents.settings import Settings
from agents.topics import Difference, FoundTopic, WantedTopic, compare, create_topics, few_copies, find_topics, hidden, wanted_topics
from pipeline.config import ConfigError
from pipeline.policy.regions import read_regions
from schemas.rights import roles

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make the topics, compare them with what they should be, or say who needs which rights on them.",
)

AsFormat = Annotated[
    Format, typer.Option("--format", help="A table, commands of Kafka's kafka-acls.sh, or KafkaUser resources for Strimzi.")
]
OnlyRole = Annotated[str | None, typer.Option("--role", metavar="NAME", help="Only this role, such as language or review-dutch.")]
PrincipalPrefix = Annotated[str, typer.Option("--principal-prefix", metavar="TEXT", help="Put before a role's name to make its user's.")]
Cluster = Annotated[str, typer.Option("--cluster", metavar="NAME", help="Strimzi's name of the Kafka cluster.")]


@app.command()
def create(broker: Broker = None) -> None:
    """Make every topic that does not exist yet.

    What exists is left as it is, so it can be run again.

    The topics are those of docs/topics.md, with a review topic for each region of the regions file (SLUICE_REGIONS), under
    SLUICE_TOPIC_PREFIX, with SLUICE_REPLICATION_FACTOR copies: three, where there are so many brokers, of which two must have a record
    before it counts as written.
    """
    with clear_errors():
        settings = settings_for(broker)
        wanted = wanted_topics(settings, read_regions(settings.regions))
        made = set(create_topics(settings, wanted))
        few = few_copies(settings, find_topics(settings, wanted)) if made else None
        rows = [(topic.name, str(topic.partitions), "made" if topic.name in made else "existed") for topic in wanted]
    table(("topic", "partitions", "state"), rows)
    say(f"{len(made)} of {len(wanted)} topics made, {len(wanted) - len(made)} existed already")
    if few:
        say(few)


@app.command()
def check(broker: Broker = None) -> None:
    """Compare the topics with what they should be.

    Existence, partition counts, settings. Exit code 1 if something differs, with a sentence on what to do.
    """
    with clear_errors():
        settings = settings_for(broker)
        wanted = wanted_topics(settings, read_regions(settings.regions))
        found = find_topics(settings, wanted)
        differences = compare(wanted, found, settings.broker)
    table(("topic", "partitions", "state"), [_row(topic, found.topics.get(topic.name), differences) for topic in wanted])
    _explain(settings, found.topics, differences)
    if few := few_copies(settings, found):
        say(few)
    if differences or hidden(found.topics):
        raise typer.Exit(1)


@app.command()
def rights(
    broker: Broker = None,
    as_format: AsFormat = Format.TABLE,
    role: OnlyRole = None,
    principal_prefix: PrincipalPrefix = kubernetes.PRINCIPAL_PREFIX,
    cluster: Cluster = kubernetes.CLUSTER,
) -> None:
    """Say which rights on Kafka each role needs.

    A role is a kind of program: the producers of posts, each stage, the platform, the review tool of each region, operators. The rights
    are the least that will do; they are made from the table of topics, the regions file and the settings. No broker is asked.

    \b
    Examples:
      sluice topics rights
      sluice topics rights --format kafka-acls > rights.sh
      sluice topics rights --format strimzi --role scoring | kubectl apply -f -
    """
    with clear_errors():
        settings = settings_for(broker)
        every = roles(names_of(settings, read_regions(settings.regions)))
        wanted = [each for each in every if role in (None, each.name)]
        if not wanted:
            raise ConfigError(f"command line: --role: there is no role {role!r}; allowed are {', '.join(each.name for each in every)}")
    if as_format is Format.TABLE:
        table(("role", "may", "on", "names"), rows(wanted))
    elif as_format is Format.KAFKA_ACLS:
        for command in kafka_acls(wanted, principal_prefix, settings.broker):
            verbatim(command)
    else:
        verbatim(strimzi_users(wanted, principal_prefix, cluster).rstrip())


@app.command()
def resources(cluster: Cluster = kubernetes.CLUSTER) -> None:
    """Print a KafkaTopic resource for each topic, for Strimzi to make them.

    The topics are those that `create` makes. No broker is asked.

    \b
    Example:
      sluice topics resources | kubectl apply -f -
    """
    with clear_errors():
        settings = settings_for(None)
        wanted = wanted_topics(settings, read_regions(settings.regions))
    verbatim(kubernetes.strimzi_topics(wanted, cluster).rstrip())


def _row(topic: WantedTopic, found: FoundTopic | None, differences: list[Difference]) -> tuple[str, str, Text]:
    own = [difference for difference in differences if difference.topic == topic.name]
    if found is None:
        return topic.name, "-", Text("missing", "red")
    if not own:
        return topic.name, str(found.partitions), Text("ok", "green")
    style = "red" if any(difference.serious for difference in own) else "yellow"
    return topic.name, str(found.partitions), Text(f"{len(own)} differ" if len(own) > 1 else "differs", style)


def _explain(settings: Settings, found: Mapping[str, FoundTopic], differences: list[Difference]) -> None:
    """A sentence for each difference; missing topics have one together."""
    for difference in differences:
        if difference.topic in found:
            say(f"{difference.topic} {difference.what}: {difference.remedy}")
    if missing := len({difference.topic for difference in differences} - found.keys()):
        under = f" under the prefix {settings.topic_prefix!r}" if settings.topic_prefix else ""
        say(f"{missing} topics do not exist or may not be seen{under}: run `sluice topics create`")
    if said := hidden(found):
        say(said)
    elif not differences:
        say("all topics are as they should be")
