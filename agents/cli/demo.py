"""`sluice demo`: the whole flow with real posts, on an embedded broker or yours."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agents.cli.common import INTERRUPTED, clear_errors, err, out
from agents.cli.show import say

Address = Annotated[str | None, typer.Option("--broker", metavar="HOST:PORT", help="A real Kafka instead of the embedded broker.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")]


def demo(broker: Address = None, keep: Keep = False) -> None:
    """Show the whole flow: about 3,000 real posts in 24 languages are published, judged and handed to people, all of them simulated.

    Their verdicts are drawn from the posts' ids; a policy made for the demo lets the machine remove posts, so that somebody can appeal; and
    a region closes. Needs nothing but this program. With --broker, topics are made under a prefix of their own on that Kafka, and deleted
    at the end; with --keep they stay, and it says how to delete them.
    """
    try:
        from agents.demo.run import Plan, run

        with clear_errors():
            sys.exit(run(Plan(broker, keep), out))
    except KeyboardInterrupt:
        say("interrupted: the demo was ended before it was complete", err)
        sys.exit(INTERRUPTED)
