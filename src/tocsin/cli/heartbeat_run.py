"""`tocsin heartbeat run`: a job between two pings.

The job comes first: it runs whether or not its pings arrive, and the command ends as it does. Only the
standard library is needed, and no API key: the address is enough.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Annotated
from uuid import uuid4

import typer

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import complain
from tocsin.cli.kit.wrapping import CommandEnd, run_wrapped

TAIL_BYTES = 10_000
"""Of what the job printed, with its last ping."""

_TRIES = 3
_TIMEOUT_SECONDS = 10.0


def run(
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND", help="The job, with its arguments.")
    ],
    url: Annotated[
        str,
        typer.Option(
            envvar="TOCSIN_PING_URL", help="Where it pings; better in the environment than here."
        ),
    ] = "",
) -> None:
    """Run a job: ping its start, then its exit code with the end of what it printed.

    Ends as the job does, also where no ping arrives.
    """
    if not url.startswith(("http://", "https://")):
        raise Failure("say where it pings: TOCSIN_PING_URL, or --url URL", code=Exit.USAGE)
    base, run_id = url.rstrip("/"), uuid4()
    _ping(f"{base}/start?rid={run_id}", b"")

    def over(ended: CommandEnd) -> None:
        _ping(f"{base}/{min(ended.code, 255)}?rid={run_id}", ended.tail)

    run_wrapped(command, over, tail_bytes=TAIL_BYTES)


def _ping(url: str, body: bytes) -> None:
    """Try a few times; a ping that does not arrive is a warning, without the address: it is a secret."""
    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(attempt)
        try:
            request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            reason = f"answered {error.code}"
            if error.code < 500:
                break
        except (OSError, ValueError) as error:
            reason = type(error).__name__
    complain([f"the ping did not arrive: {reason}"])
