"""Docker's HEALTHCHECK: ends with 0 if /healthz of every stage that answers in this container says 200, and at least one answers.

Plain http.client, since the command `sluice` takes a second to start and this runs every ten.
"""

from __future__ import annotations

import http.client
import os
import sys

FIRST_PORT = 9410
STAGES = 4
SECONDS = 3.0


def status(port: int) -> int | None:
    """What /healthz answers; None if nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    except OSError:
        return 0
    finally:
        connection.close()


def main() -> int:
    """The exit code."""
    first = int(os.environ.get("SLUICE_METRICS_PORT", FIRST_PORT))
    answers = [answer for port in range(first, first + STAGES) if (answer := status(port)) is not None]
    return 0 if answers and set(answers) == {200} else 1


if __name__ == "__main__":
    sys.exit(main())
