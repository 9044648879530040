"""`tocsin heartbeat run`: a job between two pings.

The job comes first: it runs whether or not its pings arrive, and the command ends as it does. Only the
standard library is needed, and no API key: the address is enough.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Annotated
from uuid import uuid4

import typer

from tocsin.cli.exits import Exit, Failure
from tocsin.cli.output import complain

TAIL_BYTES = 10_000
"""Of what the job printed, with its last ping."""

_TRIES = 3
_TIMEOUT_SECONDS = 10.0
_NOT_RUN = 127
_SIGNALLED = 128


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

    Ends with the job's own exit code, also where no ping arrives.
    """
    if not url.startswith(("http://", "https://")):
        raise Failure("say where it pings: TOCSIN_PING_URL, or --url URL", code=Exit.USAGE)
    base, run_id = url.rstrip("/"), uuid4()
    _ping(f"{base}/start?rid={run_id}", b"")
    code, tail = _job(command)
    _ping(f"{base}/{min(code, 255)}?rid={run_id}", tail)
    raise typer.Exit(code)


def _job(command: list[str]) -> tuple[int, bytes]:
    """Its exit code, as a shell has it, and the end of its output, which goes on to ours."""
    try:
        job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
    except OSError as error:
        said = f"cannot run {command[0]}: {error.strerror}"
        complain([said])
        return _NOT_RUN, said.encode()
    # Whoever ends us means the job; what becomes of it is pinged.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _: job.send_signal(caught))
    assert job.stdout is not None
    tail = b""
    while chunk := os.read(job.stdout.fileno(), 65_536):
        tail = (tail + chunk)[-TAIL_BYTES:]
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    code = job.wait()
    return (_SIGNALLED - code if code < 0 else code), tail


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
